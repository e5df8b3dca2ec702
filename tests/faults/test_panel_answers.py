"""Rows P with an end of their own: refusals, lies, half effects, other people's rows, bad times."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from gateway.services.strays import watch_strays
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, on_panel, runtime_of
from tests.faults.orders import (
    CANARY,
    CHANGES,
    CREATES,
    DEVICE_CREATE,
    DEVICE_RENEW,
    LINE_CREATE,
    LINES,
    Order,
    an_order,
    ask_until_sent,
    check_end,
    check_secrets,
    effects_of,
    end_truthfully,
    orders,
    rows_of,
    settled,
)
from tests.faults.rig import Rig, a_rig
from tests.world import World

FRESH: Final = {"Cache-Control": "no-cache"}


@pytest.fixture
async def small_rig(migrated_file: Path, redis_url: str, tmp_path: Path) -> Any:
    """A rig on SQLite, for what does not depend on the database."""
    file = shutil.copy(migrated_file, tmp_path / "gateway.db")
    async with a_rig(f"sqlite:///{file}", redis_url, tmp_path) as rig:
        yield rig


def lose(
    world: World, order: Order, fault: str, *, times: int | None = None, **params: Any
) -> None:
    """Let the panel treat the calls of one order so."""
    match = {"sub": order.sort.sub, "field": order.field}
    world.fault({"match": match, "fault": fault, "params": params, "times": times})


async def ends(rig: Rig, wanted: Sequence[Order]) -> list[str]:
    """Run workers until all is settled, and tell how each ended."""
    rig.fleet.work()
    await settled(rig.world, wanted)
    check_secrets(rig.fleet.logs())
    return [await check_end(rig.world, order) for order in wanted]


async def test_p01_a_panel_that_is_down_gets_nothing_and_then_everything_once(
    small_rig: Rig,
) -> None:
    world, wanted = small_rig.world, await orders(small_rig.world, CHANGES, 1)
    serving = await small_rig.fleet.serve()
    await small_rig.wire.refuse()
    for order in wanted:
        told = await order.ask(serving.world.a.api, wait=20)
        assert (told.status_code, told.json()["code"]) == (503, "panel_unavailable")
        assert int(told.headers["Retry-After"]) >= 1
        assert effects_of(world, order) == 0
    await small_rig.wire.mend()
    small_rig.fleet.work()
    await end_truthfully(world, wanted, small_rig.fleet.logs())


async def test_p05_a_ghost_after_the_waiting_time_is_found_and_disabled(small_rig: Rig) -> None:
    """The first call lands when all is over; the name is free again, and nobody uses it."""
    world, order = small_rig.world, await an_order(small_rig.world, LINE_CREATE, 1)
    serving = await small_rig.fleet.serve()
    ghost = {"seconds": 600, "effect": "before"}
    lose(world, order, "ghost_write", times=1, **ghost)
    lose(world, order, "status", code=500, effect="none")
    await ask_until_sent([order], serving.world.a.api)
    assert await ends(small_rig, [order]) == ["failed"]
    world.simulator.panel.faults.clear()
    assert rows_of(world, order) == []
    await world.simulator.panel.clock.travel(600)
    await world.simulator.panel.wait_idle()
    assert len(rows_of(world, order)) == 1
    clock = SetClock(datetime.now(UTC) + timedelta(minutes=11))
    ports = runtime_of(world, clock=clock).ports
    assert await watch_strays(system_context(ports, "strays")) == 1
    assert [row["enabled"] for row in rows_of(world, order)] == [0]
    assert await check_end(world, order) == "failed"


@pytest.mark.parametrize("text", ["IP FORBIDDEN", "KEY WRONG"])
async def test_p14_a_panel_that_refuses_us_has_done_nothing(small_rig: Rig, text: str) -> None:
    """The first is refused by the panel, the others by the breaker: their keys stay free."""
    world, wanted = small_rig.world, await orders(small_rig.world, CREATES + LINES[2:], 1)
    serving = await small_rig.fleet.serve()
    world.fault({"match": {}, "fault": "refuse", "params": {"text": text}})
    for order in wanted:
        told = await order.ask(serving.world.a.api, wait=20)
        assert (told.status_code, told.json()["code"]) == (502, "panel_misconfigured")
    world.simulator.panel.faults.clear()
    found = await ends(small_rig, wanted)
    assert found == ["failed", "succeeded", "succeeded"]


async def test_p15_what_another_has_on_the_panel_is_never_adopted(small_rig: Rig) -> None:
    """Two copies of the same order for another reseller; then our records of theirs are lost."""
    world, wanted = small_rig.world, await orders(small_rig.world, CREATES, 1)
    serving = await small_rig.fleet.serve()
    stranger = serving.world.b.api
    answers = []
    for order in wanted:
        secret = {"notes": CANARY, "username": order.name} if order.sort is LINE_CREATE else {}
        theirs = order.body | {"notes": CANARY} | secret
        await world.a.api.ok("POST", order.path, theirs, status=201)
        answers.append(await stranger.post(order.path, order.body | {"notes": "mine"}))
        rows = await world.a.api.ok("GET", order.path)
        await _forget(world, order, rows["data"][0]["id"])
        taken = await order.ask(stranger, wait=20)
        answers.append(taken)
    codes = [answer.json()["code"] for answer in answers]
    assert codes == ["username_taken"] * 2 + ["mac_taken"] * 2
    assert {answer.status_code for answer in answers} == {409}
    check_secrets(small_rig.fleet.logs(), *answers)
    for order in wanted:
        (row,) = rows_of(world, order)
        assert (row["enabled"], row["reseller_notes"]) == (1, CANARY)


async def _forget(world: World, order: Order, resource_id: str) -> None:
    """Take it out of our records only."""
    from gateway.services.scope import system_scope  # noqa: PLC0415

    async with world.runtime.database.write(system_scope()) as store:
        rows: Any = store.lines if order.sort is LINE_CREATE else store.devices
        await rows.delete(resource_id)


async def test_p16_exists_on_a_second_call_is_our_own(small_rig: Rig) -> None:
    """A look that shows the past makes it be sent again; the panel says EXISTS: it is the first."""
    world, wanted = small_rig.world, await orders(small_rig.world, CREATES, 1)
    serving = await small_rig.fleet.serve()
    for order in wanted:
        lose(world, order, "status", times=1, code=500, effect="before")
        match = {"sub": "info", "field": order.field}
        stale = {"match": match, "fault": "stale_read", "params": {"seconds": 3_600}, "times": 1}
        world.fault(stale)
    await ask_until_sent(wanted, serving.world.a.api)
    small_rig.fleet.work()
    await end_truthfully(world, wanted, small_rig.fleet.logs(), least=1)
    assert len(world.calls("create")) >= 2 * len(wanted)


@pytest.mark.parametrize("answer", ["true", "500", "reset"])
async def test_p17_half_a_device_is_never_a_success_by_itself(small_rig: Rig, answer: str) -> None:
    """Where the panel said yes it is not sent again; else once more, and then there is a whole."""
    world, order = small_rig.world, await an_order(small_rig.world, DEVICE_CREATE, 1)
    serving = await small_rig.fleet.serve()
    lose(world, order, "half_mag", times=1, answer=answer)
    await ask_until_sent([order], serving.world.a.api)
    assert order.answer.status_code == 202
    (end,) = await ends(small_rig, [order])
    if answer == "true":
        assert end == "failed"
        assert order.answer.json()["code"] == "panel_unsupported"
        assert len(world.calls("create")) == 1
    else:
        assert end == "succeeded"
        assert len(rows_of(world, order)) == 1


async def test_p18_a_panel_that_says_done_and_does_nothing(small_rig: Rig) -> None:
    """A line is sent again; a device never, for each try would leave something behind."""
    world, wanted = small_rig.world, await orders(small_rig.world, CHANGES, 1)
    serving = await small_rig.fleet.serve()
    for order in wanted:
        lose(world, order, "lost_write", times=1)
    await ask_until_sent(wanted, serving.world.a.api)
    for order in wanted:
        assert order.answer.status_code == 202, str(order)
    found = dict(zip([order.sort for order in wanted], await ends(small_rig, wanted), strict=True))
    assert found.pop(DEVICE_CREATE) == "failed"
    assert set(found.values()) == {"succeeded"}


async def test_p19_other_values_than_asked_are_for_a_person(small_rig: Rig) -> None:
    world, order = small_rig.world, await an_order(small_rig.world, LINE_CREATE, 1)
    serving = await small_rig.fleet.serve()
    lose(world, order, "wrong_write", times=1, set={"max_connections": 7})
    await ask_until_sent([order], serving.world.a.api)
    assert order.answer.status_code == 202
    assert await ends(small_rig, [order]) == ["manual"]
    assert "max_connections" in order.answer.json()["problem"]["detail"]
    path = f"/v1/operations/{order.answer.json()['id']}/resolve"
    await world.operator.ok("POST", path, {"decision": "applied"})
    assert (await order.ask(world.a.api)).status_code == 201


async def test_p20_a_device_that_was_not_changed(small_rig: Rig) -> None:
    """As asked already: 200; not there: 409, as the panel no longer knows it; refused: 502."""
    world = small_rig.world
    serving = await small_rig.fleet.serve()
    api = serving.world.a.api
    wanted = [await an_order(world, DEVICE_RENEW, number) for number in range(3)]
    same, gone, refused = wanted
    until = {"expires_at": (same.before or {})["expires_at"]}
    unchanged = await api.post(same.path, until, headers={"Prefer": "wait=20"})
    assert unchanged.status_code == 200, unchanged.text
    for name in ("mag_devices", "users"):
        table = world.simulator.panel.tables[name]
        table.delete(max(table.rows) - 1)
    answer = await gone.ask(api, wait=20)
    assert answer.status_code in {404, 409}, answer.text
    lose(world, refused, "refuse", text="IP FORBIDDEN")
    answer = await refused.ask(api, wait=20)
    assert (answer.status_code, answer.json()["code"]) == (502, "panel_misconfigured")
    params = {"resource_id": (refused.before or {})["id"], "kind": "device.renew"}
    found = await world.operator.ok("GET", "/v1/operations", params=params)
    assert [each["state"] for each in found["data"]] == ["failed"]


async def test_p22_a_password_changed_elsewhere_is_out_of_sync(small_rig: Rig) -> None:
    world = small_rig.world
    serving = await small_rig.fleet.serve()
    line = await world.line(password=f"{CANARY}-1")
    on_panel(world, line, password=f"{CANARY}-elsewhere")
    api = serving.world.a.api
    answers = [
        await api.get(f"/v1/lines/{line['id']}/info", headers=FRESH),
        await api.post(f"/v1/lines/{line['id']}/suspend", headers={"Prefer": "wait=20"}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (409, "credentials_out_of_sync")
    check_secrets(small_rig.fleet.logs(), *answers)


async def test_p24_a_slow_panel_that_comes_and_goes_is_kept_within_its_budget(
    small_rig: Rig,
) -> None:
    world, wire = small_rig.world, small_rig.wire
    wanted = await orders(world, CHANGES, 4)
    budget = {"calls_per_second": 30, "burst": 10, "in_flight": 4, "flood_guard": None}
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"budget": budget})
    serving = await small_rig.fleet.serve()
    small_rig.fleet.work()
    world.fault({"match": {}, "fault": "delay_before", "params": {"seconds": 0.1}})
    asking = asyncio.create_task(ask_until_sent(wanted, serving.world.a.api, wait=20))
    for _ in range(3):
        await asyncio.sleep(0.7)
        await wire.refuse()
        await asyncio.sleep(0.3)
        await wire.mend()
    await asking
    world.simulator.panel.faults.clear()
    await end_truthfully(world, wanted, small_rig.fleet.logs(), least=0.3)


READS: Final[dict[str, tuple[str, dict[str, Any], set[int]]]] = {
    "P02": ("delay_before", {"seconds": 30}, {503}),
    "P07": ("reset_at", {"k_out": 40}, {503}),
    "P08": ("status", {"code": 500}, {503}),
    "P10": ("status", {"code": 200}, {502}),
    "P11": ("status", {"code": 200, "body": '{"result":NaN}'}, {502, 503}),
    "P12": ("status", {"code": 302, "location": "http://127.0.0.1:9/"}, {502}),
    "P13": ("slow_drip", {"rate": 1}, {503}),
    "P14": ("refuse", {"text": "KEY WRONG"}, {502}),
}


#: A read waits for 15 seconds, and both of these wait: one is enough in a short run.
_SLOW: Final = frozenset({"P13"})


@pytest.mark.parametrize(
    "row", [pytest.param(row, marks=[pytest.mark.long] * (row in _SLOW)) for row in READS]
)
async def test_info(small_rig: Rig, row: str) -> None:
    """A read tells the truth: stale and said to be so, or the fault in the contract's words."""
    world = small_rig.world
    fault, params, statuses = READS[row]
    line = await world.line(password=f"{CANARY}-1")
    serving = await small_rig.fleet.serve(CACHE__STALE_IF_ERROR_SECONDS=0)
    api, path = serving.world.a.api, f"/v1/lines/{line['id']}/info"
    world.fault({"match": {"sub": "info"}, "fault": fault, "params": params})
    answers = await asyncio.gather(*(api.get(path, headers=FRESH) for _ in range(3)))
    for answer in answers:
        assert answer.status_code in statuses, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
    world.simulator.panel.faults.clear()
    async with asyncio.timeout(30):
        while (seen := await api.get(path, headers=FRESH)).status_code != httpx2.codes.OK:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert seen.json()["observed"]["stale"] is False
    check_secrets(small_rig.fleet.logs(), await serving.world.b.api.get(path))
