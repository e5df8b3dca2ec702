"""A receiver, and worlds that may send to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.webhooks.catching import Catcher, a_catcher
from tests.world import World, a_world


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    async with a_catcher() as made:
        yield made


@pytest.fixture
async def world(tmp_path: Path, catcher: Catcher) -> AsyncIterator[World]:
    """A gateway on SQLite that may send to the catcher."""
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with a_world(url, dangerous_webhook_targets=(catcher.place,)) as made:
        yield made


@pytest.fixture
async def each_world(database_url: str, catcher: Catcher) -> AsyncIterator[World]:
    """A gateway on each database that may send to the catcher."""
    async with a_world(database_url, dangerous_webhook_targets=(catcher.place,)) as made:
        yield made
