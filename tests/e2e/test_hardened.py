"""A panel with its request firewall, flood ban, rate limit, key and allow list switched on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.world import World, a_world

#: A token is swept when it is older than 800 s and its line is no longer active.
PAST_THE_SWEEP = 16 * 60.0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/g.db", profile="hardened") as made:
        panel = f"/v1/panels/{made.panel_id}"
        # The panel's shipped limits hold: the budget is the default one.
        key = made.simulator.panel.switches.api_pass
        default = {
            "calls_per_second": 5,
            "burst": 5,
            "in_flight": 4,
            "flood_guard": {"calls": 30, "gap_seconds": 2},
        }
        await made.operator.ok("PATCH", panel, {"api_pass": key, "budget": default})
        probe = await made.operator.ok("POST", f"{panel}/probe")
        assert (probe["reachable"], probe["firewall"]) == (True, True)
        yield made


async def advance(world: World, seconds: float) -> None:
    await world.simulator.panel.clock.travel(seconds)


async def test_a_line_lives_whole_while_the_firewall_knows_it(world: World) -> None:
    line = await world.line()
    path = f"/v1/lines/{line['id']}"
    renewed = await world.a.api.ok("POST", f"{path}/renew", {"period": "P1M"})
    assert renewed["expires_at"] > line["expires_at"]
    rotated = await world.a.api.ok("POST", f"{path}/rotate-password")
    assert world.user(line["username"])["password"] == rotated["password"]
    suspended = await world.a.api.ok("POST", f"{path}/suspend")
    assert suspended["state"] == "suspended"
    row = world.user(line["username"])
    assert (row["enabled"], row["bouquet"]) == (1, "[]")
    await advance(world, PAST_THE_SWEEP)
    resumed = await world.a.api.ok("POST", f"{path}/resume")
    assert (resumed["state"], resumed["bouquet_ids"]) == ("active", [1, 2])
    assert world.user(line["username"])["bouquet"] == "[1,2]"
    ended = await world.a.api.ok("POST", f"{path}/terminate")
    assert ended["state"] == "terminated"


async def test_an_expired_line_is_gated_and_nothing_is_changed(world: World) -> None:
    line = await world.line()
    path = f"/v1/lines/{line['id']}"
    soon = (datetime.now(UTC) + timedelta(seconds=120)).replace(microsecond=0)
    text = soon.isoformat().replace("+00:00", "Z")
    await world.operator.ok("PATCH", path, {"expires_at": text})
    await advance(world, 120 + PAST_THE_SWEEP)
    before = world.user(line["username"])
    for body in ({"period": "P1M"}, {"expires_at": "2031-01-01T00:00:00Z"}):
        answer = await world.a.api.post(f"{path}/renew", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "panel_line_gated")
    assert world.user(line["username"]) == before
    gated = await world.a.api.get(f"{path}/info", headers={"Cache-Control": "no-cache"})
    assert (gated.status_code, gated.json()["code"]) == (409, "panel_line_gated")
    seen = await world.a.api.ok("GET", path)
    assert seen["expires_at"] == text


async def test_devices_are_unaffected(world: World) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=120)).replace(microsecond=0)
    text = soon.isoformat().replace("+00:00", "Z")
    device = await world.a.api.ok(
        "POST",
        "/v1/devices",
        {"mac": "00:1A:79:AB:CD:EF", "expires_at": text, "bouquet_ids": [1]},
        status=201,
    )
    path = f"/v1/devices/{device['id']}"
    await advance(world, 120 + PAST_THE_SWEEP)
    renewed = await world.a.api.ok("POST", f"{path}/renew", {"period": "P1M"})
    assert renewed["expires_at"] > text
    assert (await world.a.api.ok("POST", f"{path}/suspend"))["state"] == "suspended"
    await advance(world, PAST_THE_SWEEP)
    assert (await world.a.api.ok("POST", f"{path}/resume"))["state"] == "active"
