"""Worlds for the tests of GraphQL over the real services, database and simulated panel."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world import World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway on SQLite with a `v2` panel; the services below have been tried on both."""
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        yield made


@pytest.fixture(params=["v2", "documented"])
async def life(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A gateway on each database with each sort of panel."""
    async with a_world(database_url, profile=request.param) as made:
        yield made


@pytest.fixture
def last_release() -> str | None:
    """The published schema of the last release's tag, None before the first."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str | None:
        done = subprocess.run(
            ["git", *arguments], cwd=root, check=False, capture_output=True, text=True
        )
        return done.stdout if done.returncode == 0 else None

    tag = git("describe", "--tags", "--abbrev=0", "--match", "v*")
    return None if tag is None else git("show", f"{tag.strip()}:schema/schema.graphql")
