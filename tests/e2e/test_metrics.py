"""What an operator's dashboards see of the panels."""

from __future__ import annotations

from gateway.domain.ids import PanelId
from gateway.panels.breaker import FAILURES, Breaker
from gateway.panels.client import HttpPanels
from gateway.panels.dialect import Reason
from gateway.services.scope import system_scope
from tests.e2e.support import problem_of
from tests.world import World


async def circuit_of(world: World) -> dict[str, float]:
    """Return each state that the panel's circuit is known to have, and whether it is in it."""
    shown = await world.operator.get("/metrics")
    assert shown.status_code == 200
    begin = f'gateway_panel_circuit{{panel="{world.panel_id}",state="'
    lines = [line.removeprefix(begin) for line in shown.text.splitlines() if begin in line]
    found = dict(line.split('"} ') for line in lines)
    return {state: float(number) for state, number in found.items()}


async def breaker_of(world: World) -> Breaker:
    async with world.runtime.database.read(system_scope()) as store:
        panel = await store.panels.get(PanelId(world.panel_id))
    panels = world.runtime.ports.panels
    assert isinstance(panels, HttpPanels)
    return panels._exchange._breakers.of(panel)


async def test_a_panel_that_refuses_us_is_seen_until_it_is_mended(small_world: World) -> None:
    world = small_world
    assert await circuit_of(world) == {}
    line = await world.line()
    assert await circuit_of(world) == {"closed": 1}
    world.fault({"match": {}, "fault": "refuse", "params": {"kind": "KEY WRONG"}})
    fresh = {"Cache-Control": "no-cache"}
    refused = await world.a.api.get(f"/v1/lines/{line['id']}", headers=fresh)
    problem_of(refused, 502, "panel_misconfigured")
    assert await circuit_of(world) == {"closed": 0, "key_wrong": 1}
    world.simulator.panel.faults.clear()
    await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
    assert await circuit_of(world) == {"closed": 1, "key_wrong": 0}


async def test_a_suspected_ban_is_seen_and_a_new_address_begins_anew(small_world: World) -> None:
    world = small_world
    await world.line()
    breaker = await breaker_of(world)
    for _ in range(FAILURES):
        breaker.failed(Reason.CONNECT_TIMED_OUT, 20.0)
    assert await circuit_of(world) == {"closed": 0, "suspected_ban": 1}
    assert (await world.operator.get("/readyz")).json()["checks"]["panels"] == "failing"
    elsewhere = {"base_url": world.simulator.base_url.replace("127.0.0.1", "localhost")}
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", elsewhere)
    await breaker_of(world)
    assert await circuit_of(world) == {"closed": 1, "suspected_ban": 0}


async def test_what_came_of_calls_is_counted(small_world: World) -> None:
    world = small_world
    await world.line()
    text = (await world.operator.get("/metrics")).text
    labels = f'action="user.create",outcome="answered",panel="{world.panel_id}"'
    assert f"gateway_panel_calls_total{{{labels}}} 1.0" in text


async def test_what_protects_a_panel_is_shown(small_world: World) -> None:
    world = small_world
    line = await world.line()
    panel = f'panel="{world.panel_id}"'

    async def shown() -> set[str]:
        return set((await world.operator.get("/metrics")).text.splitlines())

    assert f"gateway_panel_calls_at_once_max{{{panel}}} 64.0" in await shown()
    world.fault({"match": {"sub": "info"}, "times": 1, "fault": "status", "params": {"code": 503}})
    fresh = {"Cache-Control": "no-cache"}
    await world.a.api.ok("GET", f"/v1/lines/{line['id']}", headers=fresh)
    now = await shown()
    assert f"gateway_panel_calls_at_once_max{{{panel}}} 64.0" not in now
    assert f'gateway_panel_retries_total{{{panel},result="sent"}} 1.0' in now
    assert "gateway_requests_in_work 1.0" in now  # The one that asks.

    tight = {"calls_per_second": 0.01, "burst": 1, "in_flight": 64, "flood_guard": None}
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"budget": tight})
    for _ in range(2):
        await world.a.api.get(f"/v1/lines/{line['id']}", headers=fresh)
    now = await shown()
    assert any(
        row.startswith(f'gateway_panel_shed_total{{{panel},priority="read"}}') for row in now
    )
