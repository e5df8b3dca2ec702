"""Worlds with an inbound source, and the workers that read what it delivers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.services.inbound_work import drive_subjects, read_events
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, runtime_of
from tests.world import World, a_world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """A gateway on each database."""
    async with a_world(database_url) as made:
        yield made


@pytest.fixture
async def small_world(tmp_path: Path) -> AsyncIterator[World]:
    """A gateway on SQLite, for what does not depend on the database."""
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        yield made


async def work(world: World, at: datetime | None = None) -> None:
    """Let the workers do what there is to do, at a moment of the test's choice."""
    ports = {} if at is None else {"clock": SetClock(at)}
    made = runtime_of(world, **ports).ports
    while await read_events(system_context(made, "inbound-reader")):
        pass
    while await drive_subjects(system_context(made, "inbound-driver")):
        pass
