"""Sending an answer, well or badly: in one go, in drops, cut off, or with a reset."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Coroutine
from typing import Any, Final

from gateway.simulator.clock import Clock
from gateway.simulator.messages import Drip

LINGER_IDLE: Final = 5.0
LINGER_WHOLE: Final = 30.0
RESET_DELAY: Final = 0.02
"""Seconds that bytes before a reset get to arrive."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def write(writer: asyncio.StreamWriter, raw: bytes) -> int:
    """Send *raw*; return how many bytes went out as far as can be told."""
    try:
        writer.write(raw)
        await writer.drain()
    except ConnectionError:
        return 0
    return 0 if writer.is_closing() and raw else len(raw)


async def drip(
    writer: asyncio.StreamWriter, raw: bytes, how: Drip, clock: Clock, gone: asyncio.Event
) -> int:
    """Send *raw* slowly until it is out, stalls or the caller has gone; return the bytes sent."""
    until = len(raw) if how.stall_after is None else min(how.stall_after, len(raw))
    sent = 0
    for piece, is_slow in _pieces(raw[:until], how):
        if gone.is_set() or await write(writer, piece) != len(piece):
            return sent
        sent += len(piece)
        if is_slow:
            await _either(clock.sleep(1 / (how.bytes_per_second or 1)), gone)
    if until < len(raw):
        await gone.wait()
    return sent


def _pieces(raw: bytes, how: Drip) -> list[tuple[bytes, bool]]:
    body = raw.find(b"\r\n\r\n") + 4
    head, rest = (raw[:body], raw[body:]) if body >= 4 else (raw, b"")
    pieces: list[tuple[bytes, bool]] = []
    for part, name in ((head, "head"), (rest, "body")):
        if how.bytes_per_second is None or how.where not in (name, "both"):
            pieces += [(part, False)] if part else []
        else:
            pieces += [(part[place : place + 1], True) for place in range(len(part))]
    return pieces


async def _either(sleeping: Coroutine[Any, Any, None], gone: asyncio.Event) -> None:
    """Wait for one of two."""
    tasks = [asyncio.ensure_future(sleeping), asyncio.ensure_future(gone.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection with a TCP reset; give the bytes before it time to arrive."""
    await asyncio.sleep(RESET_DELAY)
    abort(writer)


def abort(writer: asyncio.StreamWriter) -> None:
    """Break the connection at once."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def close_gently(streams: Streams, *, body_unread: bool) -> None:
    """Close so that the caller reads the whole answer even while it is still sending."""
    reader, writer = streams
    with contextlib.suppress(ConnectionError, OSError, TimeoutError):
        if writer.can_write_eof():
            writer.write_eof()
        if not body_unread:
            return
        async with asyncio.timeout(LINGER_WHOLE):
            while True:
                async with asyncio.timeout(LINGER_IDLE):
                    if not await reader.read(65536):
                        return


async def watch(reader: asyncio.StreamReader, gone: asyncio.Event) -> None:
    """Set *gone* when the caller closes; what it may still send is not wanted any more."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            pass
    gone.set()
