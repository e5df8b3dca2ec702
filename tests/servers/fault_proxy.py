"""A TCP proxy that misbehaves on demand; goes in front of a panel, a Redis or a PostgreSQL.

What happens to a connection is decided by the proxy's `Wire` at the moment of its first bytes, and
can be changed at any time for the connections that come after; `refuse`, `cut` and `mend` act at
once on all of them.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit, urlunsplit

CHUNK: Final = 65_536
#: Closing a socket with this lingers for no time: the other side gets a reset, and no end.
_NO_LINGER: Final = struct.pack("ii", 1, 0)

#: Told what was read so far, returns after how many bytes to reset; None: more must be seen.
Cut: TypeAlias = Callable[[bytes], int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """What a connection goes through; by default nothing.

    `when`: only connections whose first bytes hold one of these are meant, others pass.
    `delay_seconds`: before the first byte is handed on. `blackhole`: taken, and never answered.
    `reset_request`, `reset_answer`: after so many bytes both sides get a reset.
    `end_answer_after`: after so many bytes the client sees the end, while its own side stays open.
    `bytes_per_second`: how quick the answer is.
    """

    when: tuple[bytes, ...] = ()
    delay_seconds: float = 0.0
    blackhole: bool = False
    reset_request: Cut | None = None
    reset_answer: Cut | None = None
    end_answer_after: int | None = None
    bytes_per_second: float | None = None


WHOLE: Final = Wire()


def at(count: int) -> Cut:
    """Cut after *count* bytes."""
    return lambda _seen: count


def of_http(share: float, *, but: int = 0) -> Cut:
    """Cut an HTTP message with a Content-Length after a *share* of it, less *but* bytes."""

    def cut(seen: bytes) -> int | None:
        head, found, _ = seen.partition(b"\r\n\r\n")
        if not found:
            return None
        _, _, length = head.lower().partition(b"content-length:")
        size = int(length.split(b"\r\n")[0] or 0)
        return max(0, int((len(head) + 4 + size) * share) - but)

    return cut


class FaultProxy:
    """Listens on a free loopback port and hands on to *host*:*port*."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = 0
        self.wires: tuple[Wire, ...] = (WHOLE,)
        #: Connections taken, and those that met a fault of the wire.
        self.taken = 0
        self.spoilt = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def before(cls, url: str) -> AsyncIterator[FaultProxy]:
        """Stand in front of the server of *url*."""
        parts = urlsplit(url)
        proxy = cls(parts.hostname or "127.0.0.1", parts.port or 0)
        await proxy.mend()
        try:
            yield proxy
        finally:
            await proxy.refuse()
            for task in tuple(proxy._tasks):
                task.cancel()
            await asyncio.gather(*proxy._tasks, return_exceptions=True)

    @property
    def wire(self) -> Wire:
        """What the next connection that is meant goes through: the wires take turns."""
        return self.wires[self.spoilt % len(self.wires)]

    @wire.setter
    def wire(self, wire: Wire) -> None:
        self.wires = (wire,)

    def url(self, url: str) -> str:
        """Return *url* as it leads through the proxy."""
        parts = urlsplit(url)
        user, found, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user}{found}127.0.0.1:{self.port}"))

    async def refuse(self) -> None:
        """Break all connections and take no new one, as a server that is down."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def mend(self) -> None:
        """Take connections, on the same port as before, and be whole."""
        self.wire = WHOLE
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection that is open now."""
        for writer in tuple(self._open):
            reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.taken += 1
        self._tasks.add(task)
        self._open.add(writer)
        try:
            with suppress(OSError, asyncio.CancelledError):
                await self._connect(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire, first = self.wire, b""
        if wire.when:
            first = await reader.read(CHUNK)
            wire = wire if any(each in first for each in wire.when) else WHOLE
        self.spoilt += wire != WHOLE
        if wire.blackhole:
            while await reader.read(CHUNK):
                pass
            await writer.wait_closed()  # The client's end is no reason to answer.
            return
        await asyncio.sleep(wire.delay_seconds)
        there, back = await asyncio.open_connection(*self.target)
        self._open.add(back)
        try:
            way_in = asyncio.create_task(self._hand_on(reader, back, writer, wire, first))
            way_out = asyncio.create_task(self._hand_back(there, writer, back, wire))
            try:
                await asyncio.gather(way_in, way_out)
            finally:
                way_in.cancel()
                way_out.cancel()
        finally:
            self._open.discard(back)
            back.transport.abort()

    async def _hand_on(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        wire: Wire,
        first: bytes,
    ) -> None:
        if wire.reset_request is None:
            if first:
                back.write(first)
            while data := await reader.read(CHUNK):
                back.write(data)
                await back.drain()
            back.write_eof()
            return
        await _cut(reader, back, first, wire.reset_request)
        reset(writer)
        reset(back)

    async def _hand_back(
        self,
        there: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        wire: Wire,
    ) -> None:
        if wire.reset_answer is not None:
            await _cut(there, writer, b"", wire.reset_answer)
            reset(writer)
            reset(back)
            return
        left = wire.end_answer_after
        while data := await there.read(CHUNK):
            if left is not None:
                data, left = data[:left], left - len(data[:left])
            if wire.bytes_per_second is None:
                writer.write(data)
                await writer.drain()
            else:
                await _drip(writer, data, wire.bytes_per_second)
            if left == 0:
                break
        writer.write_eof()
        while left == 0 and await there.read(CHUNK):
            pass


async def _cut(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes, cut: Cut
) -> None:
    """Hand on what comes before the cut."""
    seen, sent = first, 0
    while True:
        count = cut(seen)
        if count is not None and len(seen) >= count:
            writer.write(seen[sent:count])
            await writer.drain()
            return
        # What lies beyond a cut that is not known yet must not be handed on.
        if count is not None:
            writer.write(seen[sent:])
            sent = len(seen)
        data = await reader.read(CHUNK)
        if not data:
            writer.write(seen[sent:])
            return
        seen += data


async def _drip(writer: asyncio.StreamWriter, data: bytes, bytes_per_second: float) -> None:
    for index in range(len(data)):
        writer.write(data[index : index + 1])
        await writer.drain()
        await asyncio.sleep(1 / bytes_per_second)


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side gets a reset; what was not sent yet is lost."""
    transport = writer.transport
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    transport.abort()
