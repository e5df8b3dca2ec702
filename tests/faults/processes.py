"""Real processes of one gateway: `serve` and `work`, started, stopped and killed by a test."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import httpx2

from tests.faults import crashing
from tests.faults.crashing import Crash
from tests.servers.processes import free_port
from tests.world import Api, Tenant, World

READY_SECONDS_MAX: Final = 30.0
STOP_SECONDS_MAX: Final = 30.0
#: What a process needs, imported once by the one that all others are forked from.
_IMPORTED: Final = [
    "gateway.cli.main",
    "gateway.cli.run",
    "gateway.serving",
    "gateway.db.migrations",
]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([*_IMPORTED, "uvloop", "tests.faults.crashing"])


@dataclass(slots=True, kw_only=True)
class Process:
    """One process; `world` talks to it, if it serves."""

    role: str
    handle: BaseProcess
    log: Path
    world: World

    @property
    def pid(self) -> int:
        assert self.handle.pid is not None
        return self.handle.pid

    @property
    def is_alive(self) -> bool:
        return self.handle.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it has not ended by itself."""
        if self.is_alive:
            with suppress(ProcessLookupError):  # It ended just now.
                os.kill(self.pid, number)

    async def ended(self, seconds: float = STOP_SECONDS_MAX) -> int:
        """Wait for its end; return its exit code, negative for a signal."""
        await asyncio.to_thread(self.handle.join, seconds)
        code = self.handle.exitcode
        assert code is not None, f"{self.role} still runs:\n{self.log.read_text()[-2000:]}"
        return code

    async def kill(self) -> None:
        """End it at once."""
        self.send(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """End it in order, and return its exit code."""
        self.send(signal.SIGTERM)
        return await self.ended()


@dataclass(slots=True, kw_only=True)
class Fleet:
    """The processes of one gateway, all on the world's database, panel and Redis."""

    world: World
    folder: Path
    stack: AsyncExitStack
    variables: dict[str, str]
    processes: list[Process] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def of(cls, world: World, folder: Path, **variables: Any) -> AsyncIterator[Fleet]:
        """Yield a fleet without any process; at the end all of them are killed."""
        settings = world.settings
        given = {
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "ENCRYPTION_KEYS": settings.encryption_keys.get_secret_value()
            if settings.encryption_keys
            else "",
            "CHANGE_DEADLINE_SECONDS": settings.change_deadline_seconds,
            "DRAIN_SECONDS": settings.drain_seconds,
            "PANELS__SETTLE_SECONDS": settings.panels.settle_seconds,
            "DANGEROUS_WEBHOOK_TARGETS": ",".join(settings.dangerous_webhook_targets),
            "LOG_LEVEL": "debug",
        }
        texts = {f"GATEWAY_{name}": str(text) for name, text in (given | variables).items()}
        async with AsyncExitStack() as stack:
            fleet = cls(world=world, folder=folder, stack=stack, variables=texts)
            try:
                yield fleet
            finally:
                for process in fleet.processes:
                    await process.kill()

    async def serve(
        self, crash: Crash | None = None, *, wall_ahead_seconds: float = 0.0, **variables: Any
    ) -> Process:
        """Start one that serves, and wait until it answers."""
        port = free_port()
        more = {"BIND": f"127.0.0.1:{port}"} | variables
        process = self._start("serve", crash, wall_ahead_seconds, **more)
        base_url = f"http://127.0.0.1:{port}"
        client = httpx2.AsyncClient(base_url=base_url, timeout=60, trust_env=False)
        await self.stack.enter_async_context(client)
        process.world = seen_by(self.world, client)
        await until(lambda: _answers(client), process)
        # The first call to a panel loads authorities, which may take longer than an answer may.
        await process.world.operator.ok("POST", f"/v1/panels/{self.world.panel_id}/probe")
        return process

    def work(
        self, crash: Crash | None = None, *, wall_ahead_seconds: float = 0.0, **variables: Any
    ) -> Process:
        """Start one that runs the workers."""
        return self._start("work", crash, wall_ahead_seconds, **variables)

    def _start(
        self, role: str, crash: Crash | None, wall_ahead_seconds: float, **variables: Any
    ) -> Process:
        log = self.folder / f"{len(self.processes)}-{role}.log"
        log.touch()
        texts = {f"GATEWAY_{name}": str(text) for name, text in variables.items()}
        handle = _forks.Process(
            target=crashing.main,
            args=(role, self.variables | texts, str(log), crash, wall_ahead_seconds),
        )
        handle.start()
        process = Process(role=role, handle=handle, log=log, world=self.world)
        self.processes.append(process)
        return process

    def logs(self) -> str:
        """Return what all processes have written so far."""
        return "".join(process.log.read_text() for process in self.processes)


def seen_by(world: World, client: httpx2.AsyncClient) -> World:
    """Return the world with callers who talk to another process."""
    return replace(
        world,
        client=client,
        operator=Api(client, world.operator.key),
        a=Tenant(id=world.a.id, api=Api(client, world.a.api.key)),
        b=Tenant(id=world.b.id, api=Api(client, world.b.api.key)),
    )


async def until(is_so: Callable[[], Any], process: Process | None = None) -> None:
    """Wait until something is so; *process* must live meanwhile."""
    async with asyncio.timeout(READY_SECONDS_MAX):
        while not await is_so():
            assert process is None or process.is_alive, process.log.read_text()
            await asyncio.sleep(0.02)


async def _answers(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/livez")).status_code == 200
    except httpx2.TransportError:
        return False
