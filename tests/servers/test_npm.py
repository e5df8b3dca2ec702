"""Packages from npm: as locked, outside the repository, and at hand for a test."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.npm import NpmProject, ProgramFailed
from tests.servers.obtain import ROOT

CLIENTS = ROOT / "tests" / "clients"
MANIFESTS = sorted((ROOT / "tests").rglob("package.json"))


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda path: path.parent.name)
def test_versions_are_exact_and_every_package_is_locked_by_its_digest(manifest: Path) -> None:
    given = json.loads(manifest.read_text())
    (kind,) = given.keys() & {"dependencies", "devDependencies"}
    wanted = given[kind]
    text = manifest.with_name("package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert packages.pop("")[kind] == wanted
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, package in packages.items() if "integrity" not in package] == []
    assert "://" not in text  # npm takes them from wherever this machine takes packages.


@pytest.fixture
def project(npm: Callable[[Path], NpmProject]) -> NpmProject:
    return npm(CLIENTS)


async def test_a_project_has_its_packages_and_the_repository_stays_clean(
    project: NpmProject,
) -> None:
    wanted = json.loads((CLIENTS / "package.json").read_text())["devDependencies"]
    said = await project.node("-p", "require('graphql/package.json').version")
    assert said.strip() == wanted["graphql"]
    assert (await project.tool("tsc", "--version")).startswith("Version ")
    assert not (CLIENTS / "node_modules").exists()


async def test_a_program_that_fails_says_why(project: NpmProject) -> None:
    with pytest.raises(ProgramFailed, match="no good"):
        await project.node("-e", "throw new Error(process.env.WORD)", WORD="no good")
