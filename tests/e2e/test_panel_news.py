"""Panels that go down, shut us out and come back are told of, once for all processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.domain.errors import ServiceUnavailable
from gateway.domain.ids import PanelId
from gateway.services.panel_news import (
    PAUSE_SECONDS_MAX,
    PanelNews,
    state_of,
    tell_panel,
    try_unwell_panels,
)
from gateway.services.scope import Scope
from gateway.workers.recovery import system_context
from tests.e2e.events import events
from tests.e2e.support import eager, runtime_of
from tests.world import World

if TYPE_CHECKING:
    from gateway.services.ports.store import Database


class Away:
    """A database that cannot be reached, until it can."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._asked = asyncio.Semaphore(0)
        self.is_away = True

    @asynccontextmanager
    async def write(self, scope: Scope) -> AsyncIterator[Any]:
        self._asked.release()
        if self.is_away:
            raise ServiceUnavailable("The database is away.")
        async with self._database.write(scope) as store:
            yield store

    async def asked(self, times: int) -> None:
        """Wait until it was asked so often more."""
        for _ in range(times):
            await self._asked.acquire()


REFUSED = {"fault": "refuse", "params": {"text": "KEY WRONG"}}


async def told(world: World) -> list[tuple[str, Any]]:
    """Return type and reason of what was told of panels, once all that is under way is done."""
    await world.runtime.ports.tasks.drain(5)
    found = await events(world)
    return [
        (event["type"], event["data"]["reason"])
        for event in found
        if event["type"].startswith("panel.")
    ]


async def test_a_panel_that_refuses_us_is_told_and_so_is_its_return(world: World) -> None:
    line = await world.line()
    assert await told(world) == []
    world.fault(REFUSED)
    for _ in range(3):
        answer = await world.a.api.post(f"/v1/lines/{line['id']}/suspend")
        assert answer.json()["code"] == "panel_misconfigured"
    assert await told(world) == [("panel.down", "key_wrong")]
    world.simulator.panel.faults.clear()
    await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
    assert await told(world) == [("panel.down", "key_wrong"), ("panel.up", None)]


async def test_many_processes_tell_it_once(world: World) -> None:
    panel_id = PanelId(world.panel_id)
    ports = [runtime_of(world).ports for _ in range(4)]
    for reason in ("unreachable", "timed_out", "suspected_ban", None, None):
        done = await asyncio.gather(*(tell_panel(each, panel_id, reason) for each in ports))
        assert sum(done) <= 1
    assert await told(world) == [
        *(("panel.down", "unreachable"), ("panel.banned_us", "suspected_ban"), ("panel.up", None)),
    ]


async def test_what_cannot_be_written_is_told_as_soon_as_it_can(world: World) -> None:
    """Our database is away just when a panel goes down; by then it may be up again, or another."""
    panel_id = PanelId(world.panel_id)
    database = Away(world.runtime.ports.database)
    ports = replace(world.runtime.ports, database=cast("Database", database))
    news = PanelNews()
    news.see(ports, panel_id, "unreachable")
    await database.asked(2)
    news.see(ports, panel_id, "suspected_ban")
    database.is_away = False
    assert await told(world) == [("panel.banned_us", "suspected_ban")]
    database.is_away = True
    news.see(ports, panel_id, None)
    await database.asked(1)
    news.see(ports, panel_id, "suspected_ban")
    database.is_away = False
    assert await told(world) == [("panel.banned_us", "suspected_ban")]
    news.see(ports, panel_id, None)
    assert (await told(world))[1:] == [("panel.up", None)]


async def test_who_stops_does_not_wait_for_a_database_that_is_away(world: World) -> None:
    database = Away(world.runtime.ports.database)
    ports = replace(world.runtime.ports, database=cast("Database", database))
    PanelNews().see(ports, PanelId(world.panel_id), "unreachable")
    await database.asked(1)
    ports.lifecycle.drain(5.0)
    assert await ports.tasks.drain(PAUSE_SECONDS_MAX + 5) == 0
    assert database.is_away


async def test_a_panel_is_found_to_be_back_by_whoever_looks(world: World) -> None:
    """Also where the process that saw it go down is no more, and nobody calls it."""
    await tell_panel(world.runtime.ports, PanelId(world.panel_id), "unreachable")
    world.fault({"fault": "db_down", "params": {}})
    other = replace(world.runtime.ports, **eager(world))
    context = system_context(other, "panel-news")
    assert await try_unwell_panels(context) == 1
    assert await told(world) == [("panel.down", "unreachable")]
    world.simulator.panel.faults.clear()
    assert await try_unwell_panels(context) == 1
    assert await try_unwell_panels(context) == 0
    assert await told(world) == [("panel.down", "unreachable"), ("panel.up", None)]
    assert not world.users()


async def test_resellers_are_not_told_of_panels(world: World) -> None:
    await tell_panel(world.runtime.ports, PanelId(world.panel_id), "unreachable")
    assert await events(world, world.a.api) == []
    (event,) = await events(world)
    assert (event["resource_id"], event["panel_id"]) == (world.panel_id,) * 2
    assert event["data"]["name"] == "Panel"


async def test_of_a_panel_that_is_no_more_nothing_is_told(world: World) -> None:
    assert not await tell_panel(world.runtime.ports, PanelId("pnl_gone"), "unreachable")


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        *((None, "up"), ("unreachable", "down"), ("key_wrong", "down")),
        *(("suspected_ban", "banned_us"), ("ip_refused", "banned_us")),
    ],
)
def test_a_reason_is_one_of_three_states(reason: str | None, state: str) -> None:
    assert state_of(reason) == state
