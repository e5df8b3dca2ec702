"""The panel's port: a raw server, because it must leave lengths out and break connections."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Final

from gateway.simulator.httpwire import (
    BODY_LIMIT,
    HEAD_LIMIT,
    BadRequest,
    Hangup,
    Head,
    read_body,
    read_head,
    render,
)
from gateway.simulator.messages import PanelAnswer, PanelRequest, web_page
from gateway.simulator.panel import SimulatedPanel

LINGER_IDLE: Final = 5.0
LINGER_WHOLE: Final = 30.0
CLOSING_STATUSES: Final = (400, 413, 414, 500, 501)
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger(__name__)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def listen(
    bind: str,
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    purpose: str,
) -> asyncio.Server:
    """Listen on `host:port`; `OSError` names the port when it is taken."""
    host, _, port = bind.rpartition(":")
    try:
        return await asyncio.start_server(
            serve, host.strip("[]") or "127.0.0.1", int(port), limit=HEAD_LIMIT, backlog=1024
        )
    except ValueError as error:
        raise ValueError(f"{bind!r} is no host:port for {purpose}.") from error
    except OSError as error:
        reason = "is taken" if error.errno == errno.EADDRINUSE else f"failed: {error.strerror}"
        raise OSError(error.errno, f"Port {port} for {purpose} ({bind}) {reason}") from error


class PanelServer:
    """Serves one simulated panel on one port."""

    def __init__(self, panel: SimulatedPanel) -> None:
        self.panel: Final = panel
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    async def start(self, bind: str) -> str:
        """Begin to listen and return the base URL."""
        self._server = await listen(bind, self._connected, purpose="the simulated panel")
        return url_of(self._server)

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            while await self._exchange((reader, writer)):
                pass
        except (Hangup, ConnectionError, TimeoutError):
            pass
        except Exception:  # noqa: BLE001 - whatever a request does, the port goes on.
            _log.exception("The simulated panel failed on a request.")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await writer.wait_closed()

    async def _exchange(self, streams: Streams) -> bool:
        """Serve one request; True if the connection goes on."""
        reader, writer = streams
        try:
            head = await read_head(reader)
            if head is None:
                return False
            if head.headers.get("expect", "").lower() == "100-continue" and _fits(head):
                writer.write(_CONTINUE)
                await writer.drain()
            body = await read_body(reader, head)
        except BadRequest as error:
            await self._send_last(streams, web_page(error.status))
            return False
        answer, gone = await self._answered(streams, head, body)
        return await self._send(streams, head, answer, gone=gone)

    async def _answered(
        self, streams: Streams, head: Head, body: bytes | None
    ) -> tuple[PanelAnswer, asyncio.Event]:
        reader, writer = streams
        peer = writer.get_extra_info("peername") or ("", 0)
        gone = asyncio.Event()
        request = PanelRequest(
            method=head.method,
            path=head.path,
            query=head.query,
            body=body or b"",
            content_type=head.headers.get("content-type", ""),
            caller=_plain_address(str(peer[0])),
            port=int(peer[1]),
            too_large=body is None,
            gone=gone,
        )
        if not self.panel.faults.rules:  # Only a fault makes a request outlive its caller.
            return await self.panel.prepare(request), gone
        watcher = asyncio.get_running_loop().create_task(_watch(reader, gone))
        try:
            return await self.panel.prepare(request), gone
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _send(
        self, streams: Streams, head: Head, answer: PanelAnswer, *, gone: asyncio.Event
    ) -> bool:
        writer = streams[1]
        if answer.lost:
            self.panel.finish(answer, 0, gone=gone.is_set())
            return False
        keep = not answer.from_script and answer.status not in CLOSING_STATUSES and head.keep_alive
        whole = answer.truncate_after is None and answer.reset_after is None
        raw = render(
            answer,
            self.panel.clock.now(),
            keep_alive=keep,
            with_body=head.method != "HEAD",
        )
        if answer.reset_after is not None:
            raw = raw[: answer.reset_after]
        sent = 0
        try:
            sent = await _write(writer, raw)
        finally:
            self.panel.finish(answer, sent, gone=not sent and bool(raw))
        if answer.reset_after is not None:
            await _reset(writer)
            return False
        if keep and whole:
            return True
        await _close_gently(streams, body_unread=answer.status == 413)
        return False

    async def _send_last(self, streams: Streams, answer: PanelAnswer) -> None:
        raw = render(answer, self.panel.clock.now(), keep_alive=False)
        await _write(streams[1], raw)
        await _close_gently(streams, body_unread=True)


def _fits(head: Head) -> bool:
    return head.chunked or head.length <= BODY_LIMIT


def _plain_address(address: str) -> str:
    return address.removeprefix("::ffff:")


async def _watch(reader: asyncio.StreamReader, gone: asyncio.Event) -> None:
    """Set *gone* when the caller closes; what it may still send is not wanted any more."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            pass
    gone.set()


async def _write(writer: asyncio.StreamWriter, raw: bytes) -> int:
    try:
        writer.write(raw)
        await writer.drain()
    except ConnectionError:
        return 0
    return 0 if writer.is_closing() and raw else len(raw)


async def _reset(writer: asyncio.StreamWriter) -> None:
    """Break the connection with a TCP reset; give the bytes before it time to arrive."""
    await asyncio.sleep(0.02)
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _close_gently(streams: Streams, *, body_unread: bool) -> None:
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


def url_of(server: asyncio.Server) -> str:
    """Return the URL of the first address a server listens on."""
    host, port = server.sockets[0].getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
