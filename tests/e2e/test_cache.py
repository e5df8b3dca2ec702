"""Info answers: from the cache while true, asked once for all, never older than our own change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.world import World, a_world


@pytest.fixture(params=["memory", "redis"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    redis_url = request.getfixturevalue("redis_url") if request.param == "redis" else ""
    async with a_world(f"sqlite:///{tmp_path}/g.db", redis_url=redis_url) as made:
        yield made


def info_calls(world: World) -> int:
    return len(world.calls("info"))


async def test_a_change_leaves_a_fresh_answer_behind(world: World) -> None:
    line = await world.line()
    calls = info_calls(world)
    answer = await world.a.api.get(f"/v1/lines/{line['id']}/info")
    assert answer.headers["Cache-Status"] == "xtream-gateway; hit"
    assert int(answer.headers["Age"]) >= 0
    assert info_calls(world) == calls


async def test_no_cache_asks_the_panel(world: World) -> None:
    line = await world.line()
    calls = info_calls(world)
    answer = await world.a.api.get(f"/v1/lines/{line['id']}", headers={"Cache-Control": "no-cache"})
    assert answer.headers["Cache-Status"] == "xtream-gateway; fwd=miss"
    assert info_calls(world) == calls + 1


async def test_64_readers_of_one_cold_line_are_one_call(world: World) -> None:
    line = await world.line()
    await _forget(world, line["id"])
    calls = info_calls(world)
    answers = await asyncio.gather(
        *(world.a.api.get(f"/v1/lines/{line['id']}/info") for _ in range(64))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert info_calls(world) == calls + 1


async def _forget(world: World, line_id: str) -> None:
    """Make what is cached old, as a change by another process would."""
    from gateway.domain.ids import LineId  # noqa: PLC0415
    from gateway.services.scope import system_scope  # noqa: PLC0415

    async with world.runtime.database.write(system_scope()) as store:
        epoch = await store.lines.raise_epoch(LineId(line_id))
    await world.runtime.ports.cache.raise_epoch(line_id, epoch)


async def test_a_reader_never_sees_an_answer_older_than_our_own_change(world: World) -> None:
    line = await world.line()
    for number in range(1, 6):
        await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"max_connections": number + 1})
        seen = await world.a.api.ok("GET", f"/v1/lines/{line['id']}/info")
        assert seen["max_connections"] == number + 1


async def test_what_others_change_on_the_panel_shows_after_the_time_to_live(world: World) -> None:
    line = await world.line()
    world.simulator.panel.tables["users"].update(
        [line["panel_line_id"]], {"admin_enabled": 0}, strict=False
    )
    cached = await world.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert cached["state"] == "active"
    asked = await world.a.api.ok(
        "GET", f"/v1/lines/{line['id']}", headers={"Cache-Control": "no-cache"}
    )
    assert asked["state"] == "banned"
    assert asked["version"] == line["version"]


async def test_a_foreign_reader_gets_nothing_from_the_cache(world: World) -> None:
    line = await world.line()
    await world.a.api.ok("GET", f"/v1/lines/{line['id']}/info")
    answer = await world.b.api.get(f"/v1/lines/{line['id']}/info")
    assert answer.status_code == 404


async def test_an_old_answer_is_served_as_stale_while_the_panel_is_down(tmp_path: Path) -> None:
    async with a_world(f"sqlite:///{tmp_path}/g.db", cache={"info_ttl_seconds": 1}) as world:
        line = await world.line()
        before = datetime.now(UTC)
        panel = f"/v1/panels/{world.panel_id}"
        await world.operator.ok("PATCH", panel, {"base_url": "http://127.0.0.1:9"})
        await asyncio.sleep(1.2)
        answer = await world.a.api.get(f"/v1/lines/{line['id']}")
        assert answer.status_code == 200
        observed = answer.json()["observed"]
        assert observed["stale"] is True
        assert observed["age_seconds"] >= 1
        assert datetime.fromisoformat(observed["at"]) <= before
        assert answer.headers["Cache-Status"] == "xtream-gateway; fwd=stale"
        forced = await world.a.api.get(
            f"/v1/lines/{line['id']}", headers={"Cache-Control": "no-cache"}
        )
        assert (forced.status_code, forced.json()["code"]) == (503, "panel_unavailable")
