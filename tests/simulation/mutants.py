"""Deliberate bugs: patches of the gateway that the simulation must catch, each and soon.

A patch is applied to a copy of the package, by the text of its hunks and not by line numbers, so
that it lives through changes elsewhere in a file. One that fits nowhere, or twice, is an error: it
is no test any more.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent / "mutants"
ROOT: Final = Path(__file__).parents[2]
_OUTCOME: Final = re.compile(r"(\d+) operations until seed (\d+): (\w+): (.*)")


class DoesNotApplyError(AssertionError):
    """The code that a patch is about has changed; write the patch anew."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """One place: what stands there, and what shall."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Caught:
    """How soon a mutant was caught, and by what."""

    operations: int
    seed: int
    invariant: str
    text: str


def names() -> list[str]:
    """Return all mutants."""
    return sorted(path.stem for path in HERE.glob("*.patch"))


def hunks_of(name: str) -> Iterator[Hunk]:
    """Return what a mutant changes."""
    path, before, after = "", [""], [""]
    for line in [*(HERE / f"{name}.patch").read_text().splitlines(keepends=True), "@@"]:
        if line.startswith(("+++ ", "@@", "--- ")):
            if path and (before != [""] or after != [""]):
                yield Hunk(path, "".join(before), "".join(after))
            before, after = [""], [""]
            if line.startswith("+++ "):
                path = line[4:].split("\t")[0].strip().removeprefix("b/")
        elif path and line[0] in " -+":
            if line[0] != "+":
                before.append(line[1:])
            if line[0] != "-":
                after.append(line[1:])


def apply(name: str, root: Path) -> None:
    """Put a mutant's bug into the package below *root*.

    Raises:
        DoesNotApplyError
    """
    for hunk in hunks_of(name):
        target = root / hunk.path
        text = target.read_text() if target.exists() else ""
        if text.count(hunk.before) != 1:
            raise DoesNotApplyError(f"{name}: {text.count(hunk.before)} places in {hunk.path}")
        target.write_text(text.replace(hunk.before, hunk.after))


def hunt(name: str, *, operations: int, seed: int = 1) -> Caught | None:
    """Play the simulation on a mutant, or on the sound package (""), for so many operations."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        root = Path(folder)
        skipped = shutil.ignore_patterns("__pycache__", "assets", "demo", "cli", "api")
        shutil.copytree(ROOT / "gateway", root / "gateway", ignore=skipped)
        if name:
            apply(name, root)
        (root / "tests").mkdir()
        for kept in ("__init__.py", "factories.py", "simulation"):
            (root / "tests" / kept).symlink_to(ROOT / "tests" / kept)
        command = [sys.executable, "-m", "tests.simulation", "--quiet"]
        command += ["--seed", str(seed), "--n", str(operations)]
        environment = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
    found = _OUTCOME.search(done.stdout)
    if found is None:
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
        return None
    return Caught(int(found[1]), int(found[2]), found[3], found[4])
