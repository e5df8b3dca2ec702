"""What runs inside a process of the tests: the product's own command, or one that dies on the way.

The product has no hooks for this: here its ports are wrapped by others that end the process at a
named moment, and the rest is the same composition root, server and workers. A fork of a process
that has imported everything starts in a tenth of the time of a fresh one.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import random
import signal
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.bootstrap import Runtime, build
from gateway.domain.clock import SystemClock
from gateway.domain.operations import OperationState
from gateway.settings import Settings

#: Where a process dies. C0 to C10 are the crash points in the design of operations; the others are
#: those on the way of an event that was delivered to us.
POINTS: Final = {
    "C0": "prepared.before",
    "C1": "prepared.after",
    "C2": "call.before",
    "C3": "call.half",
    "C4": "",  # The test kills it, while the panel holds its answer back.
    "C5": "call.after",
    "C6": "ended.during",
    "C7": "told.after",
    "C8": "ended.after",
    "C9": "sent.after",
    "C9-expanding": "expanded.before",
    "C9-expanded": "expanded.after",
    "C9-leased": "leased.after",
    "C9-marking": "marked.before",
    "C9-marked": "marked.after",
    "received": "received.after",
    "reading": "read.before",
    "read": "read.after",
    "due": "due.after",
    "asked": "call.after",
    "done": "ended.after",
    "driving": "driven.before",
    "driven": "driven.after",
    "C10-taken": "taken.after",
    "C10-looked": "look.after",
    "C10-sending": "sending.after",
    "C10-called": "call.after",
    "C10-ending": "ended.before",
    "C10-ended": "ended.after",
}
_ENDS: Final = {OperationState.SUCCEEDED: "ended", OperationState.FAILED: "failed"}
_PR_SET_PDEATHSIG: Final = 1
_COMMIT_SECONDS_MAX: Final = 0.004


@dataclass(slots=True)
class Crash:
    """Ends, or stops, the process when it passes *point* for the *nth* time."""

    point: str
    nth: int = 1
    number: signal.Signals = signal.SIGKILL
    last: str = ""

    def at(self, point: str) -> None:
        """Say that the process is here."""
        self.last = point
        if point == self.point:
            self.nth -= 1
            if self.nth == 0:
                self.now()

    def soon(self, step: str) -> None:
        """Die at some moment of what comes now."""
        if self.point == f"{step}.during":
            threading.Timer(random.uniform(0, _COMMIT_SECONDS_MAX), self.now).start()

    def now(self) -> None:
        os.kill(os.getpid(), self.number)


class _Wrapped:
    """Stands before a port and hands on what it does not watch."""

    def __init__(self, port: Any, crash: Crash) -> None:
        self._port = port
        self._crash = crash

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


class _Operations(_Wrapped):
    step = ""

    async def add(self, operation: Any) -> None:
        await self._port.add(operation)
        self.step = "prepared"

    async def claim(self, operation: Any) -> bool:
        claimed: bool = await self._port.claim(operation)
        self.step = "sending" if claimed else self.step
        return claimed

    async def save(self, operation: Any, *, was: OperationState) -> bool:
        saved: bool = await self._port.save(operation, was=was)
        if saved and operation.state is OperationState.SENDING:
            self.step = "sending"
        elif saved:
            self.step = _ENDS.get(operation.state, "")
        return saved

    async def take_due(self, *args: Any) -> Any:
        taken = await self._port.take_due(*args)
        self.step = "taken" if taken else self.step
        return taken


class _Deliveries(_Wrapped):
    step = ""

    async def add_missing(self, deliveries: Any) -> int:
        added: int = await self._port.add_missing(deliveries)
        self.step = "expanded" if added else self.step
        return added

    async def take_due(self, *args: Any, **more: Any) -> Any:
        taken = await self._port.take_due(*args, **more)
        self.step = "leased" if taken else self.step
        return taken

    async def add_attempts(self, attempts: Any) -> None:
        await self._port.add_attempts(attempts)
        self.step = "marked"


class _InboundEvents(_Wrapped):
    step = ""

    async def add(self, event: Any) -> bool:
        added: bool = await self._port.add(event)
        self.step = "received" if added else self.step
        return added

    async def take_received(self) -> Any:
        event = await self._port.take_received()
        self.step = "read" if event is not None else self.step
        return event


class _InboundSubjects(_Wrapped):
    step = ""

    async def take_due(self, *args: Any) -> Any:
        taken = await self._port.take_due(*args)
        self.step = "due" if taken else self.step
        return taken

    async def save(self, subject: Any) -> None:
        await self._port.save(subject)
        self.step = "driven"


class _Store(_Wrapped):
    def __init__(self, port: Any, crash: Crash) -> None:
        super().__init__(port, crash)
        self.operations = _Operations(port.operations, crash)
        self.deliveries = _Deliveries(port.deliveries, crash)
        self.inbound_events = _InboundEvents(port.inbound_events, crash)
        self.inbound_subjects = _InboundSubjects(port.inbound_subjects, crash)

    @property
    def step(self) -> str:
        watched = (
            *(self.operations, self.deliveries),
            *(self.inbound_events, self.inbound_subjects),
        )
        return next((each.step for each in watched if each.step), "")


class _Database(_Wrapped):
    @asynccontextmanager
    async def write(self, scope: Any) -> AsyncIterator[_Store]:
        async with self._port.write(scope) as real:
            store = _Store(real, self._crash)
            yield store
            step = store.step
            if step:
                self._crash.at(f"{step}.before")
                self._crash.soon(step)
        if step:
            self._crash.at(f"{step}.after")


class _Panels(_Wrapped):
    async def change(self, panel: Any, call: Any, token: Any, **more: Any) -> Any:
        self._crash.at("call.before")
        if self._crash.point == "call.half":
            await self._send_half(panel, call, token)
            self._crash.at("call.half")
        answer = await self._port.change(panel, call, token, **more)
        self._crash.at("call.after")
        return answer

    async def read(self, *args: Any, **more: Any) -> Any:
        answer = await self._port.read(*args, **more)
        self._crash.at("look.after")
        return answer

    async def _send_half(self, panel: Any, call: Any, token: Any) -> None:
        request = self._port._prepared(panel, call, token)[1].request()
        address = urlsplit(panel.base_url)
        head = (
            f"POST {request.path}?{request.query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(request.body)}\r\n\r\n"
        )
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(head.encode() + request.body[: len(request.body) // 2])
        await writer.drain()
        await asyncio.sleep(0.02)


class _Sender(_Wrapped):
    async def send(self, *args: Any, **more: Any) -> Any:
        sent = await self._port.send(*args, **more)
        self._crash.at("sent.after")
        return sent


class _Cache(_Wrapped):
    async def raise_epoch(self, *args: Any, **more: Any) -> None:
        is_told = self._crash.last == "ended.after"
        await self._port.raise_epoch(*args, **more)
        if is_told:
            self._crash.at("told.after")


def _crashing(runtime: Runtime, crash: Crash) -> Runtime:
    ports = runtime.ports
    wrapped: dict[str, Any] = {
        "database": _Database(ports.database, crash),
        "panels": _Panels(ports.panels, crash),
        "cache": _Cache(ports.cache, crash),
        "sender": _Sender(ports.sender, crash),
    }
    return replace(runtime, ports=replace(ports, **wrapped))


async def _run(role: str, settings: Settings, crash: Crash) -> None:
    from gateway.api.server import open_socket, stop_on_signals  # noqa: PLC0415 - as the CLI
    from gateway.serving import serve_apps  # noqa: PLC0415 - as the CLI
    from gateway.workers.runner import run_workers  # noqa: PLC0415 - as the CLI

    stop = asyncio.Event()
    with stop_on_signals(stop):
        async with build(settings) as real:
            runtime = _crashing(real, crash)
            if role == "work":
                await run_workers(runtime.workers(), stop, heart=runtime.heart())
                return
            listener = open_socket(settings.bind)
            await serve_apps(runtime, [(runtime.app(), listener)], stop, with_workers=False)


def main(
    role: str,
    variables: dict[str, str],
    log: str,
    crash: Crash | None = None,
    wall_ahead_seconds: float = 0.0,
) -> None:
    """Be one process; *wall_ahead_seconds*: how wrong this machine's clock is."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        del os.environ[name]
    os.environ.update(variables)
    if wall_ahead_seconds:
        _set_wall_clock(wall_ahead_seconds)
    if crash is None:
        from gateway.cli.main import main as command  # noqa: PLC0415 - only here

        sys.argv = ["xtream-gateway", role]
        command()
        return
    import uvloop  # noqa: PLC0415 - as the CLI

    from gateway.cli.environment import load_settings, start_logging  # noqa: PLC0415 - as the CLI

    settings = load_settings()
    start_logging(settings)
    uvloop.run(_run(role, settings, crash))


def _set_wall_clock(ahead_seconds: float) -> None:
    """Be a machine whose wall clock is wrong, and whose monotonic clock is not."""
    right = SystemClock.now

    def now(self: SystemClock) -> Any:
        return right(self) + timedelta(seconds=ahead_seconds)

    SystemClock.now = now  # type: ignore[method-assign]
