"""SIGTERM under load, as in a rolling update: every request and every change has a clean end."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from gateway.simulator.faults import RuleForm
from gateway.simulator.running import RunningSimulator, running_simulator
from tests.process.conftest import GATEWAY, READY_SECONDS_MAX, free_ports, run_gateway
from tests.world import ENCRYPTION_KEYS, FREE_BUDGET, OPEN_POLICY

NOTICE_SECONDS = 2.0
DRAIN_SECONDS = 2.0
SETTLE_SECONDS = 3
#: Creates of these names hang at the panel, and are done there after a while all the same.
HANGING = "^hang"
WRITERS = 4
READERS = 2


@dataclass
class Gateway:
    """One `serve --with-workers`, and where it listens."""

    variables: dict[str, str]
    log: Path
    process: asyncio.subprocess.Process
    url: str
    ops_url: str


@asynccontextmanager
async def a_gateway(folder: Path, name: str) -> AsyncIterator[Gateway]:
    port, ops_port = free_ports(2)
    variables = {
        "GATEWAY_DATABASE_URL": f"sqlite:///{folder}/g.db",
        "GATEWAY_ENCRYPTION_KEYS": ENCRYPTION_KEYS,
        "GATEWAY_BIND": f"127.0.0.1:{port}",
        "GATEWAY_OPS_BIND": f"127.0.0.1:{ops_port}",
        "GATEWAY_DRAIN_NOTICE_SECONDS": str(NOTICE_SECONDS),
        "GATEWAY_DRAIN_SECONDS": str(DRAIN_SECONDS),
        "GATEWAY_PANELS__SETTLE_SECONDS": str(SETTLE_SECONDS),
    }
    done = await asyncio.to_thread(run_gateway, "migrate", env=variables)
    assert done.returncode == 0, done.stderr
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(str(GATEWAY), "serve", "--with-workers"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **variables},
        )
    gateway = Gateway(
        variables, log, process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{ops_port}"
    )
    try:
        await until_ready(gateway)
        yield gateway
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_ready(gateway: Gateway) -> None:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while await readiness(gateway) != 200:
        assert gateway.process.returncode is None, gateway.log.read_text()
        assert time.monotonic() < deadline, gateway.log.read_text()
        await asyncio.sleep(0.05)


async def readiness(gateway: Gateway) -> int:
    async with httpx2.AsyncClient() as client:
        try:
            return (await client.get(f"{gateway.ops_url}/readyz")).status_code
        except httpx2.TransportError:
            return 0


async def seeded(gateway: Gateway, simulator: RunningSimulator) -> str:
    """Add a panel and a reseller; return the reseller's key."""
    issued = await asyncio.to_thread(
        run_gateway, "key", "issue", "--name", "op", "--json", env=gateway.variables
    )
    operator = {"Authorization": f"Bearer {json.loads(issued.stdout)['key']}"}
    async with httpx2.AsyncClient(base_url=gateway.url, headers=operator) as client:

        async def made(path: str, body: dict[str, Any]) -> dict[str, Any]:
            answer = await client.post(path, json=body)
            assert answer.status_code == 201, answer.text
            found: dict[str, Any] = answer.json()
            return found

        panel = await made(
            "/v1/panels",
            {
                "name": "P",
                "dialect": "xtream_v2",
                "base_url": simulator.base_url,
                "budget": FREE_BUDGET,
            },
        )
        accounts = [{"panel_id": panel["id"], "member_id": 7}]
        reseller = await made(
            "/v1/resellers", {"name": "R", "panel_accounts": accounts, "policy": OPEN_POLICY}
        )
        key = await made("/v1/keys", {"name": "k", "reseller_id": reseller["id"]})
    secret: str = key["key"]
    return secret


@dataclass
class Load:
    """Clients behind a balancer that looks at /readyz: they move away when it says no."""

    gateway: Gateway
    key: str
    answers: dict[str, httpx2.Response] = field(default_factory=dict)
    statuses: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    reads_while_draining: int = 0
    noticed: asyncio.Event = field(default_factory=asyncio.Event)
    moved_away: asyncio.Event = field(default_factory=asyncio.Event)

    def client(self) -> httpx2.AsyncClient:
        headers = {"Authorization": f"Bearer {self.key}"}
        return httpx2.AsyncClient(base_url=self.gateway.url, headers=headers, timeout=30)

    async def run(self) -> None:
        numbers = itertools.count()
        writers = [self.write(f"{word}{{}}", numbers) for word in ["w"] * WRITERS + ["hang"] * 2]
        await asyncio.gather(self.watch(), *writers, *(self.read() for _ in range(READERS)))

    async def watch(self) -> None:
        while await readiness(self.gateway) == 200:  # noqa: ASYNC110 - a balancer polls
            await asyncio.sleep(0.05)
        self.noticed.set()
        await asyncio.sleep(NOTICE_SECONDS / 2)
        self.moved_away.set()

    async def write(self, name: str, numbers: itertools.count[int]) -> None:
        async with self.client() as client:
            while not self.moved_away.is_set():
                username = name.format(next(numbers))
                sending = client.post(
                    "/v1/lines",
                    json={"period": "P1M", "username": username},
                    headers={"Idempotency-Key": username},
                )
                answer = await self.told("write", sending)
                if answer is not None:
                    self.answers[username] = answer

    async def read(self) -> None:
        async with self.client() as client:
            while not self.moved_away.is_set():
                await self.told("read", client.get("/v1/lines", params={"limit": 5}))

    async def told(self, what: str, sending: Any) -> httpx2.Response | None:
        try:
            answer: httpx2.Response = await sending
        except httpx2.HTTPError as error:
            self.broken.append(f"{what}: {error!r}")
            return None
        self.statuses[f"{what} {answer.status_code}"] += 1
        self.reads_while_draining += what == "read" and self.noticed.is_set()
        return answer


def open_operations(folder: Path) -> list[tuple[str, str]]:
    with sqlite3.connect(f"file:{folder}/g.db?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "select kind, state from operations where state not in ('succeeded', 'failed')"
        )
        return [(kind, state) for kind, state in rows]


@pytest.mark.timeout(600)  # Three programs start, on a machine that may be busy.
async def test_a_rolling_update_under_load_fails_no_request_and_loses_no_change(
    tmp_path: Path,
) -> None:
    async with running_simulator() as simulator:
        faults = simulator.panel.faults
        slow = {"fault": "delay_before", "params": {"seconds": 0.05}}
        stuck = {
            "fault": "delay_after",
            "match": {"sub": "create", "field": {"user_data[username]": HANGING}},
            "params": {"seconds": 2.8},
        }
        for rule in (stuck, slow):
            faults.add(msgspec.convert(rule, RuleForm))
        async with a_gateway(tmp_path, "old") as old:
            key = await seeded(old, simulator)
            load = Load(old, key)
            loading = asyncio.create_task(load.run())
            await under_way(load, simulator)
            stopped_at = time.monotonic()
            old.process.send_signal(signal.SIGTERM)
            await loading
            assert await old.process.wait() == 0, old.log.read_text()
            took = time.monotonic() - stopped_at
        assert load.broken == []
        assert NOTICE_SECONDS <= took <= NOTICE_SECONDS + DRAIN_SECONDS + 4
        assert set(load.statuses) <= {"write 201", "write 202", "read 200"}
        assert load.reads_while_draining >= 1

        faults.clear()
        async with a_gateway(tmp_path, "new") as new:
            await all_told(new, load)
            assert open_operations(tmp_path) == []
        names = Counter(row["username"] for row in simulator.panel.tables["users"])
        assert names == Counter(load.answers.keys())


async def under_way(load: Load, simulator: RunningSimulator) -> None:
    """Wait until lines are made, and some more hang at the panel."""

    def is_hanging() -> bool:
        made = {str(row["username"]) for row in simulator.panel.tables["users"]}
        return any(name.startswith("hang") for name in made - load.answers.keys())

    deadline = time.monotonic() + 30
    while load.statuses["write 201"] < WRITERS or not is_hanging():
        assert time.monotonic() < deadline, load.statuses
        await asyncio.sleep(0.05)


async def all_told(gateway: Gateway, load: Load) -> None:
    """Repeat every request at the next process until each has its line."""
    deadline = time.monotonic() + 40
    headers = {"Authorization": f"Bearer {load.key}"}
    async with httpx2.AsyncClient(base_url=gateway.url, headers=headers, timeout=30) as client:
        for username in load.answers:
            while True:
                answer = await client.post(
                    "/v1/lines",
                    json={"period": "P1M", "username": username},
                    headers={"Idempotency-Key": username},
                )
                if answer.status_code == 201:
                    break
                assert answer.status_code == 202, answer.text
                assert time.monotonic() < deadline, answer.text
                await asyncio.sleep(0.25)
