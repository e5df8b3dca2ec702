"""Panels that go down, shut us out and come back are told of, once for all processes."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.ids import PanelId
from gateway.services.panel_news import state_of, tell_panel, try_unwell_panels
from gateway.workers.recovery import system_context
from tests.e2e.events import events
from tests.e2e.support import eager, runtime_of
from tests.world import World

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
