"""Worlds for end-to-end tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.world import World, a_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A gateway on each database, with a `v2` panel."""
    async with a_world(database_url) as made:
        yield made


@pytest.fixture
async def small_world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway on SQLite, for what does not depend on the database."""
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        yield made


@pytest.fixture(params=["v2", "documented"])
async def life(database_url: str, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A gateway on each database with each sort of panel."""
    async with a_world(database_url, profile=request.param) as made:
        yield made
