"""Packages from npm for tests: what a folder's lock file lists, installed once on this machine.

Nothing is installed into the repository. A test works in a copy of the folder, whose `node_modules`
is a link to the installed ones, so that it may generate and compile as it likes.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.deploy_tools import cache_folder
from tests.servers.obtain import Missing, _say, machine_lock
from tests.servers.programs import run_program

MANIFESTS: Final = ("package.json", "package-lock.json")
#: No script of a package runs, and no address but that of the registry is asked.
INSTALL: Final = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")


class ProgramFailed(AssertionError):
    """A program ended with another code than 0; the text is what it said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NpmProject:
    """A folder of a test's own, with its packages in reach. `programs`: where node and npm are."""

    folder: Path
    programs: Path

    async def tool(self, name: str, *words: str, **variables: str) -> str:
        """Run a program that a package brings, such as `tsc`, as `node` does."""
        program = self.folder / "node_modules" / ".bin" / name
        return await self.node(str(program), *words, **variables)

    async def node(self, *words: str, **variables: str) -> str:
        """Run node in the folder and return what it prints. Variables are added to ours.

        The event loop goes on meanwhile: a gateway that is asked may run in it.

        Raises:
            ProgramFailed: it ended with another code than 0.
        """
        command = [str(self.programs / "node"), *words]
        environment = _environment(self.programs) | variables
        done = await run_program(*command, cwd=self.folder, environment=environment)
        if done.code != 0:
            raise ProgramFailed(f"{' '.join(command)}\n{done.output}{done.complaints}")
        return done.output


def npm_project(source: Path, target: Path, programs: Path) -> NpmProject:
    """Copy the folder *source* to *target*, which must not be there yet; its packages in reach.

    Raises:
        Missing: the packages cannot be installed.
    """
    packages = _installed(source, programs)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (target / "node_modules").symlink_to(packages)
    return NpmProject(folder=target, programs=programs)


def _installed(source: Path, programs: Path) -> Path:
    """Return the `node_modules` of what *source* lists; another list is another folder."""
    digest = hashlib.sha256()
    for name in MANIFESTS:
        digest.update((source / name).read_bytes())
    folder = cache_folder() / f"npm-{source.name}-{digest.hexdigest()[:16]}"
    with machine_lock("npm"):
        if not folder.exists():
            _say(f"Installing the npm packages of {source.name} ...")
            with tempfile.TemporaryDirectory(dir=folder.parent) as workshop:
                made = Path(workshop) / "made"
                _install(source, made, programs)
                made.rename(folder)
    return folder / "node_modules"  # Packages find each other by this name.


def _install(source: Path, folder: Path, programs: Path) -> None:
    folder.mkdir()
    for name in MANIFESTS:
        shutil.copy(source / name, folder)
    done = subprocess.run(
        [str(programs / "npm"), *INSTALL],
        cwd=folder,
        env=_environment(programs),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise Missing(f"the npm packages of {source.name} (npm: {done.stderr.strip()[-500:]})")


def _environment(programs: Path) -> dict[str, str]:
    return os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
