"""Everything at once: processes that die at random on a bad panel; wrong clocks; no Redis."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx2
import pytest
import redis

from tests.faults.orders import (
    CHANGES,
    LINE_CREATE,
    Order,
    age_leases,
    age_prepared,
    an_order,
    ask_until_sent,
    check_end,
    check_secrets,
    effects_of,
    end_truthfully,
    is_final,
    orders,
    settled,
)
from tests.faults.processes import Process
from tests.faults.rig import Rig, a_rig
from tests.servers.fault_proxy import FaultProxy, Wire
from tests.servers.flags import flag

STORMS, ORDERS = (50, 100) if flag("LONG") else (1, 30)
CLIENTS: Final = 8
FRESH: Final = {"Cache-Control": "no-cache"}
#: How a panel treats a call now and then; the rest goes well.
BAD: Final = (
    ("status", {"code": 500, "effect": "none"}, 0.06),
    ("status", {"code": 502, "effect": "before"}, 0.06),
    ("ghost_write", {"seconds": 0.05}, 0.04),
    ("reset_at", {"k_out": 0, "effect": "before"}, 0.04),
    ("delay_after", {"seconds": 1.2}, 0.03),
    ("empty_200", {"effect": "before"}, 0.04),
)


class Storm:
    """Clients who repeat until they know, and processes that are killed under them."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig = rig
        self.random = random.Random(seed)
        self.served: list[Process] = []
        self.deaths = 0
        self.over = False

    async def run(self, wanted: list[Order]) -> None:
        """Let all be asked, to a final answer each."""
        for fault, params, share in BAD:
            for sub in ("create", "edit"):
                match = {"sub": sub, "probability": share}
                self.rig.world.fault({"match": match, "fault": fault, "params": params})
        self.served = [await self.rig.fleet.serve() for _ in range(2)]
        worker = self.rig.fleet.work()
        killing = asyncio.create_task(self._kill(worker))
        queue = list(wanted)
        await asyncio.gather(*(self._client(queue) for _ in range(CLIENTS)))
        self.over = True
        await killing
        self.rig.world.simulator.panel.faults.clear()

    async def _client(self, queue: list[Order]) -> None:
        while queue:
            order = queue.pop()
            while not (order.answers and is_final(order.answer)):
                process = self.random.choice(self.served)
                with suppress(httpx2.TransportError):
                    await order.ask(process.world.a.api, wait=self.random.choice([0, 1, 3]))
                await asyncio.sleep(0.05)

    async def _kill(self, worker: Process) -> None:
        """Kill one process after the other, and start another in its place."""
        while not self.over:
            await asyncio.sleep(self.random.uniform(0.2, 1.0))
            if self.random.random() < 0.3:
                await worker.kill()
                worker = self.rig.fleet.work()
            else:
                number = self.random.randrange(len(self.served))
                await self.served[number].kill()
                self.served[number] = await self.rig.fleet.serve()
            self.deaths += 1
            await age_leases(self.rig.world)
            await age_prepared(self.rig.world)


@pytest.mark.timeout(7_200 if flag("LONG") else 600)
async def test_a_storm_loses_nothing_and_doubles_nothing(rig: Rig) -> None:
    """5,000 changes with LONG=1, on each database; the seed is in the name of what fails."""
    for round_ in range(STORMS):
        seed = random.SystemRandom().randrange(2**32)
        wanted = [
            await an_order(rig.world, CHANGES[n % len(CHANGES)], round_ * ORDERS + n)
            for n in range(ORDERS)
        ]
        storm = Storm(rig, seed)
        await storm.run(wanted)
        await settled(rig.world, wanted, wait_for=120)
        ends = Counter([await check_end(rig.world, order) for order in wanted])
        print(f"storm {seed}: {storm.deaths} deaths, {dict(ends)}")  # noqa: T201 - the figures
        assert storm.deaths, seed
        assert ends["manual"] == 0, (seed, ends)
        assert ends["succeeded"] > ends["failed"], (seed, ends)
        for order in wanted:
            assert effects_of(rig.world, order) <= 1 or not order.sort.is_create, (seed, str(order))
        for process in rig.fleet.processes:
            await process.kill()
    check_secrets(rig.fleet.logs())
    if rig.world.settings.database_url.startswith("sqlite"):
        with sqlite3.connect(rig.world.settings.database_url.removeprefix("sqlite:///")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.mark.parametrize("ahead_seconds", [300.0, -7_200.0, *([-300.0, 7_200.0] * flag("LONG"))])
async def test_t01_waiting_times_hold_where_clocks_are_wrong(
    shared_rig: Rig, ahead_seconds: float
) -> None:
    """A process that serves and one that works disagree about the time of day; PostgreSQL tells."""
    rig = shared_rig
    wanted = await orders(rig.world, CHANGES, 1)
    for order in wanted:
        match = {"sub": order.sort.sub, "field": order.field}
        params = {"code": 500, "effect": "none"}
        rig.world.fault({"match": match, "fault": "status", "params": params, "times": 1})
    worker = rig.fleet.work(wall_ahead_seconds=ahead_seconds)
    serving = await rig.fleet.serve(wall_ahead_seconds=-ahead_seconds / 10)
    await ask_until_sent(wanted, serving.world.a.api)
    await end_truthfully(rig.world, wanted, rig.fleet.logs(), in_order=False)
    assert worker.is_alive
    for order in wanted:
        subject = f"mac:{order.name}" if order.sort.action == "stb" else f"user:{order.name}"
        calls = [each for each in rig.world.calls(order.sort.sub) if subject in each.subjects]
        first, second = (each.at for each in calls[:2])
        assert second - first >= 1.5, str(order)  # What the first may take, and then the wait.


async def test_d06_a_locked_file_is_503_and_nothing_is_sent(
    migrated_file: Path, redis_url: str, tmp_path: Path
) -> None:
    """Somebody else writes for long; a process is killed meanwhile."""
    file = shutil.copy(migrated_file, tmp_path / "gateway.db")
    async with a_rig(f"sqlite:///{file}", redis_url, tmp_path) as rig:
        wanted = await orders(rig.world, CHANGES, 1)
        serving = await rig.fleet.serve()
        before = len(rig.world.calls())
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answers = await asyncio.gather(*(order.ask(serving.world.a.api) for order in wanted))
        assert {each.json()["code"] for each in answers} == {"service_unavailable"}
        assert {each.status_code for each in answers} == {503}
        assert len(rig.world.calls()) == before
        await serving.kill()
        other.execute("ROLLBACK")
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        other.close()
        rig.fleet.work()
        await end_truthfully(rig.world, wanted, rig.fleet.logs())


@pytest.mark.parametrize("row", ["R01", "R02", "R03"])
async def test_without_redis_answers_are_the_same(
    migrated_postgres: str, redis_url: str, tmp_path: Path, row: str
) -> None:
    """Down, hanging, or emptied all the time: what one process changed, the other one shows."""
    async with (
        FaultProxy.before(redis_url) as wire,
        a_rig(migrated_postgres, redis_url, tmp_path, settle_seconds=5) as rig,
    ):
        through = wire.url(redis_url)
        if row == "R01":
            await wire.refuse()
        one, two = [await rig.fleet.serve(REDIS_URL=through) for _ in range(2)]
        line = await an_order(rig.world, LINE_CREATE, 1)
        made = await line.ask(one.world.a.api, wait=20)
        assert made.status_code == 201
        path = f"/v1/lines/{made.json()['id']}"
        until = made.json()["expires_at"]
        if row == "R02":
            wire.wire = Wire(blackhole=True)
            wire.cut()
        slowest = 0.0
        for number in range(12):
            if row == "R03":
                _flush(redis_url)
            if number == 6 and row == "R01":
                await wire.mend()
            began = time.monotonic()
            answer = await two.world.a.api.get(path)
            assert answer.status_code == 200, rig.fleet.logs()[-9000:]
            seen = answer.json()
            slowest = max(slowest, time.monotonic() - began)
            assert seen["expires_at"] == until, number
            if number % 2:
                done = await one.world.a.api.ok(
                    "POST", f"{path}/renew", {"period": "P1D"}, headers={"Prefer": "wait=20"}
                )
                until = done["expires_at"]
        assert slowest < 5
        ready = await two.world.a.api.get("/readyz")
        assert ready.status_code == 200
        check_secrets(rig.fleet.logs())


def _flush(url: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.flushdb()
