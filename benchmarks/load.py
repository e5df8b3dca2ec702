"""The load generator: a small HTTP/1.1 client on bare sockets, and the process that drives it.

`python -m benchmarks.load` reads a `Plan` as JSON from the standard input and writes a `Result`.
It does what the measurements need and no more: no redirects, no chunks, no TLS.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, cast

import msgspec
import uvloop

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
_END: Final = b"\r\n\r\n"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to ask: *requests* in turn, over and over, until the time or the count is reached.

    Without `rate` each connection asks again as soon as it has its answer. With it, requests leave
    at that pace whether or not earlier ones were answered. Without `keep_alive` each request has a
    connection of its own, and opening it counts.
    """

    host: str = "127.0.0.1"
    port: int
    requests: tuple[bytes, ...]
    connections: int = 1
    warm_seconds: float = 0.0
    seconds: float | None = None
    count: int | None = None
    rate: float | None = None
    keep_alive: bool = True


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan. Only `asked` counts the warm-up as well."""

    seconds: float
    milliseconds: list[float]
    asked: int
    refused: int
    first_refusal: str
    busy: float
    """Share of a core that the generator itself used: near 1 it measured itself."""

    @property
    def per_second(self) -> float:
        """Return answers per second."""
        return len(self.milliseconds) / self.seconds


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer."""

    status: int
    body: bytes


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._received = bytearray()
        self._body_at = 0
        self._whole: int | None = None

    @classmethod
    async def opened(cls, host: str, port: int) -> Connection:
        """Return an open connection."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, port)
        return connection

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send *request*; the future holds the answer, or ConnectionError."""
        assert self._transport is not None
        self._received.clear()
        self._body_at, self._whole = 0, None
        self._waiter = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self._waiter.set_exception(ConnectionResetError("the connection was closed"))
        else:
            self._transport.write(request)
        return self._waiter

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass.

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._body_at:
            end = self._received.find(_END)
            if end < 0:
                return
            self._body_at = end + len(_END)
            length = _LENGTH.search(self._received, 0, self._body_at)
            self._whole = None if length is None else self._body_at + int(length[1])
        if self._whole is not None and len(self._received) >= self._whole:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if self._body_at and self._whole is None and exc is None:
            self._finish()  # The end of the connection is the end of the body.
        else:
            self._waiter.set_exception(ConnectionResetError("closed before the answer's end"))

    def _finish(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            status = int(self._received[9:12])
            self._waiter.set_result(Answer(status, bytes(self._received[self._body_at :])))


@dataclass(slots=True)
class _Run:
    """One plan being carried out."""

    plan: Plan
    turns: Iterator[bytes]
    counts_from: float = 0.0
    ends_at: float = float("inf")
    milliseconds: list[float] = field(default_factory=list)
    asked: int = 0
    refused: int = 0
    first_refusal: str = ""

    async def ask(self, connection: Connection | None, request: bytes) -> None:
        """Ask once and note how long it took."""
        began = time.perf_counter()
        try:
            if connection is None:
                answer = await self._ask_once(request)
            else:
                answer = await connection.ask(request)
        except OSError as error:
            self.refuse(str(error))
            return
        ended = time.perf_counter()
        self.asked += 1
        if answer.status != 200:
            self.refuse(f"{answer.status}: {answer.body[:300].decode(errors='replace')}")
        elif self.counts_from <= ended <= self.ends_at:
            self.milliseconds.append((ended - began) * 1000)

    async def _ask_once(self, request: bytes) -> Answer:
        connection = await Connection.opened(self.plan.host, self.plan.port)
        try:
            return await connection.ask(request)
        finally:
            connection.close()

    def refuse(self, why: str) -> None:
        """Count an answer that is none."""
        self.refused += 1
        self.first_refusal = self.first_refusal or why

    async def keep_asking(self, connection: Connection | None) -> None:
        """Ask again and again, until it is over or goes wrong."""
        for request in self.turns:
            await self.ask(connection, request)
            if self.refused or time.perf_counter() >= self.ends_at:
                return


async def carry_out(plan: Plan) -> Result:
    """Carry out a plan. All connections are open before the first request leaves."""
    run = _Run(plan, itertools.islice(itertools.cycle(plan.requests), plan.count))
    connections = [
        await Connection.opened(plan.host, plan.port) if plan.keep_alive else None
        for _ in range(plan.connections)
    ]
    began, began_cpu = time.perf_counter(), time.process_time()
    run.counts_from = began + plan.warm_seconds
    if plan.seconds is not None:
        run.ends_at = run.counts_from + plan.seconds
    if plan.rate is None:
        await asyncio.gather(*(run.keep_asking(connection) for connection in connections))
    else:
        await _at_a_pace(run, plan.rate, connections)
    ended = time.perf_counter()
    for connection in connections:
        if connection is not None:
            connection.close()
    await asyncio.sleep(0)  # They close in the loop's next round.
    return Result(
        seconds=min(ended, run.ends_at) - run.counts_from,
        milliseconds=run.milliseconds,
        asked=run.asked,
        refused=run.refused,
        first_refusal=run.first_refusal,
        busy=(time.process_time() - began_cpu) / (ended - began),
    )


async def _at_a_pace(run: _Run, rate: float, connections: list[Connection | None]) -> None:
    """Let requests leave at *rate* per second, each on a connection that is free just then."""
    free: asyncio.Queue[Connection | None] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)
    began = time.perf_counter()

    async def one(request: bytes) -> None:
        connection = await free.get()
        await run.ask(connection, request)
        free.put_nowait(connection)

    async with asyncio.TaskGroup() as group:
        for number, request in enumerate(run.turns):
            leaves_at = began + number / rate
            if run.refused or leaves_at >= run.ends_at:
                return
            await asyncio.sleep(max(0.0, leaves_at - time.perf_counter()))
            group.create_task(one(request))


def main() -> None:
    """Carry out the plan on the standard input."""
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    result = uvloop.run(carry_out(plan))
    sys.stdout.buffer.write(msgspec.json.encode(result))


if __name__ == "__main__":
    main()
