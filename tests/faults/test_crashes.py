"""Rows K: processes that are killed at every point of a change, stopped, and stopped in order."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import httpx2
import pytest
from _pytest.mark import ParameterSet

from tests.faults.crashing import POINTS, Crash
from tests.faults.orders import (
    CHANGES,
    DEVICE_RENEW,
    LINE_CREATE,
    LINE_RENEW,
    LINES,
    PASSWORD,
    TRIES,
    Order,
    age_leases,
    age_prepared,
    an_order,
    ask_until_sent,
    check_secrets,
    effects_of,
    end_truthfully,
    open_operations,
    orders,
    rows_of,
    settled,
)
from tests.faults.processes import Process, until
from tests.faults.rig import Rig
from tests.servers.flags import flag
from tests.servers.plugin import DATABASE_KINDS
from tests.world import World

SERVING: Final = tuple(f"C{number}" for number in range(9))
WORKING: Final = tuple(point for point in POINTS if point.startswith("C10"))


def _working() -> list[ParameterSet]:
    """Pair points and databases: all of both in the long mode, by turns otherwise."""
    return [
        pytest.param(kind, point, id=f"{point}-{kind}")
        for number, point in enumerate(WORKING)
        for kind in (DATABASE_KINDS if flag("LONG") else DATABASE_KINDS[number % 2 :][:1])
    ]


#: Points at which the panel has not got a whole call yet.
BEFORE_THE_CALL: Final = frozenset({"C0", "C1", "C2", "C3"})


@pytest.mark.parametrize("point", SERVING)
async def test_a_process_that_serves_is_killed(rig: Rig, point: str) -> None:
    """A process for each sort of change, so that one dies at this point of each."""
    wanted = await orders(rig.world, CHANGES, 1)
    if point == "C4":
        for order in wanted:
            await _die_while_the_panel_holds_its_answer(rig, order)
        rig.world.simulator.panel.faults.clear()
        rig.world.simulator.panel.world.gates.release()
        died = wanted
    else:
        deaths = await asyncio.gather(*(_die(rig, order, POINTS[point]) for order in wanted))
        died = [order for order, is_dead in zip(wanted, deaths, strict=True) if is_dead]
    assert died
    await rig.world.simulator.panel.wait_idle()
    for order in died:
        done = 0 if point in BEFORE_THE_CALL else 1
        assert effects_of(rig.world, order) == done, f"{point}: {order}"
    await _ends_well(rig, wanted)


async def _die(rig: Rig, order: Order, point: str) -> bool:
    """Let a process die of this order; one that was too busy to come so far is asked again."""
    process = await rig.fleet.serve(Crash(point))
    for _ in range(TRIES):
        with suppress(httpx2.TransportError):
            await order.ask(process.world.a.api, wait=20)
        if not process.is_alive or (order.answers and order.answer.status_code == 202):
            break
    died = not process.is_alive
    await process.kill()
    return died


async def _die_while_the_panel_holds_its_answer(rig: Rig, order: Order) -> None:
    gates = rig.world.simulator.panel.world.gates
    match = {"sub": order.sort.sub, "field": order.field}
    rig.world.fault({"match": match, "fault": "pause_at", "params": {"step": "answer"}})
    process, before = await rig.fleet.serve(), gates.waiting

    async def is_held() -> bool:
        return gates.waiting > before

    asking = asyncio.create_task(order.ask(process.world.a.api, wait=20))
    await until(is_held)
    await process.kill()
    with suppress(httpx2.TransportError):
        await asking


@pytest.mark.parametrize(("database_url", "point"), _working(), indirect=["database_url"])
async def test_a_worker_is_killed(rig: Rig, point: str) -> None:
    """Workers die one after the other at this point; what they had taken up is taken up again."""
    wanted = await orders(rig.world, CHANGES, 2)
    for number, order in enumerate(wanted):
        params = {"code": 500, "effect": "none" if number < len(CHANGES) else "before"}
        match = {"sub": order.sort.sub, "field": order.field}
        rig.world.fault({"match": match, "fault": "status", "params": params})
    serving = await rig.fleet.serve()
    await ask_until_sent(wanted, serving.world.a.api)
    rig.world.simulator.panel.faults.clear()
    deaths = 0
    for nth in (1, 2):
        worker = rig.fleet.work(Crash(POINTS[point], nth=nth))
        await _ended_or_quiet(rig, worker)
        deaths += not worker.is_alive
        await worker.kill()
        await age_leases(rig.world)
    assert deaths
    await _ends_well(rig, wanted)


async def _ended_or_quiet(rig: Rig, worker: Process) -> None:
    async def is_so() -> bool:
        return not worker.is_alive or not await open_operations(rig.world)

    await until(is_so)


async def _ends_well(rig: Rig, wanted: Sequence[Order]) -> None:
    """Run workers until all is settled; every change must then be done, once."""
    await age_prepared(rig.world)
    rig.fleet.work()
    await end_truthfully(rig.world, wanted, rig.fleet.logs())
    _check_integrity(rig.world)


def _check_integrity(world: World) -> None:
    """Let SQLite look at its own file."""
    url = world.settings.database_url
    if not url.startswith("sqlite"):
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


async def test_k12_a_process_that_stood_still_sends_nothing_late(rig: Rig) -> None:
    """Each stops between its commit and its call; others settle it, and change the line again."""
    wanted = [await an_order(rig.world, sort, 1) for sort in (LINE_RENEW, PASSWORD, DEVICE_RENEW)]
    stopped = [await _stopped(rig, order) for order in wanted]
    rig.fleet.work()
    async with asyncio.timeout(30):
        while await open_operations(rig.world):  # noqa: ASYNC110 - other processes tell no event
            await asyncio.sleep(0.2)
    sent = len(rig.world.calls("edit"))
    again = [await an_order_of(rig.world, order) for order in wanted]
    for process, asking in stopped:
        process.send(signal.SIGCONT)
        answer = await asking
        assert answer.status_code in {200, 202}, answer.text
    await asyncio.sleep(0.5)
    assert len(rig.world.calls("edit")) == sent + len(again)
    for order, later in zip(wanted, again, strict=True):
        (row,) = rows_of(rig.world, order)
        held = await rig.world.a.api.ok("GET", f"/v1/{order.sort.noun}/{later['id']}")
        assert held["expires_at"] == later["expires_at"]
        if order.sort is PASSWORD:
            assert row["password"] == "the-next-one"
        assert effects_of(rig.world, order) == 2
    check_secrets(rig.fleet.logs())


async def _stopped(rig: Rig, order: Order) -> tuple[Process, asyncio.Task[httpx2.Response]]:
    process = await rig.fleet.serve(Crash("sending.after", number=signal.SIGSTOP))
    asking = asyncio.create_task(order.ask(process.world.a.api, wait=60))
    await until(lambda: _is_stopped(process))
    return process, asking


async def _is_stopped(process: Process) -> bool:
    with open(f"/proc/{process.pid}/stat") as file:  # noqa: ASYNC230, PTH123 - no disk
        return file.read().rpartition(")")[2].split()[0] == "T"


async def an_order_of(world: World, order: Order) -> dict[str, Any]:
    """Change the same line or device once more, as somebody else would."""
    body = {"password": "the-next-one"} if order.sort is PASSWORD else order.body
    return await world.a.api.ok("POST", order.path, body, headers={"Prefer": "wait=20"})


async def test_k12_a_worker_that_stood_still_past_its_lease_changes_nothing(rig: Rig) -> None:
    wanted = await orders(rig.world, LINES, 1)
    for order in wanted:
        match = {"sub": order.sort.sub, "field": order.field}
        params = {"code": 500, "effect": "none"}
        rig.world.fault({"match": match, "fault": "status", "params": params, "times": 1})
    serving = await rig.fleet.serve()
    await ask_until_sent(wanted, serving.world.a.api)
    slow = rig.fleet.work(Crash("look.after", number=signal.SIGSTOP))
    await until(lambda: _is_stopped(slow))
    assert await age_leases(rig.world)  # What it had in hand as it stopped.
    rig.fleet.work()
    await settled(rig.world, wanted)
    slow.send(signal.SIGCONT)
    await asyncio.sleep(1.5)
    assert await slow.stop() == 0
    await end_truthfully(rig.world, wanted, rig.fleet.logs())


async def test_k13_stopping_in_order_under_load_loses_no_answer(rig: Rig) -> None:
    """A rolling update: one process goes, another serves on; nobody is told of an error."""
    fleet, world = rig.fleet, rig.world
    going, staying = await fleet.serve(), await fleet.serve()
    wanted = await orders(world, (LINE_CREATE,), 30)
    gate = asyncio.Semaphore(4)
    told: list[int] = []

    async def ask(order: Order) -> None:
        async with gate:
            for process in random.sample([going, staying], 2):
                with suppress(httpx2.TransportError):  # It takes no new connection any more.
                    await ask_until_sent([order], process.world.a.api, wait=20)
                    told.append(order.answer.status_code)
                    return

    async def stop() -> int:
        while len(told) < 10:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)
        return await going.stop()

    code, *_ = await asyncio.gather(stop(), *(ask(order) for order in wanted))
    assert code == 0, going.log.read_text()[-2000:]
    assert set(told) <= {201, 202}
    assert len(told) == len(wanted)
    fleet.work()
    await end_truthfully(world, wanted, fleet.logs())
