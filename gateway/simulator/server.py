"""The panel's port: a raw server, because it must leave lengths out and break connections."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

from gateway.simulator import sending
from gateway.simulator.faults import Rule
from gateway.simulator.httpwire import (
    BODY_LIMIT,
    BadRequest,
    Hangup,
    Head,
    read_body,
    read_head,
    read_part,
    render,
)
from gateway.simulator.listening import address_of, drop_packets, listen, url_of
from gateway.simulator.messages import PanelAnswer, PanelRequest, web_page
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.sending import Streams

__all__ = ["PanelServer", "listen", "url_of"]

CLOSING_STATUSES: Final = (400, 413, 414, 500, 501)
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger(__name__)


class PanelServer:
    """Serves one simulated panel on one port."""

    def __init__(self, panel: SimulatedPanel, *, tls: ssl.SSLContext | None = None) -> None:
        self.panel: Final = panel
        self._tls: Final = tls
        self._bind = ""
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._restarting: asyncio.Task[None] | None = None

    async def start(self, bind: str) -> str:
        """Begin to listen and return the base URL."""
        server = await self._listen(bind)
        self._bind = address_of(server)
        self.panel.world.bans.listeners.append(self._filter)
        self.panel.world.restarts.append(self._restart)
        return url_of(server, scheme="http" if self._tls is None else "https")

    async def stop(self) -> None:
        """Stop listening and drop every connection."""
        if self._restarting is not None:
            self._restarting.cancel()
        if self._server is not None:
            self._server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, bind: str) -> asyncio.Server:
        purpose = "the simulated panel"
        self._server = await listen(bind, self._connected, purpose=purpose, tls=self._tls)
        self._filter()
        return self._server

    def _filter(self) -> None:
        """Let the system drop what banned callers send; where it cannot, they meet silence."""
        if self._server is not None and self._server.is_serving():
            drop_packets(self._server, self.panel.world.bans.dropped())

    def _restart(self, seconds: float) -> None:
        """Drop all connections, and listen again after a while."""
        loop = asyncio.get_running_loop()
        self._restarting = loop.create_task(self._restarted(seconds))

    async def _restarted(self, seconds: float) -> None:
        if self._server is not None:
            self._server.close()
        for task, writer in list(self._connections.items()):
            sending.abort(writer)
            task.cancel()
        await self.panel.clock.sleep(seconds)
        await self._listen(self._bind)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections[task] = writer
            task.add_done_callback(lambda done: self._connections.pop(done, None))
        try:
            while await self._exchange((reader, writer)):
                pass
        except (Hangup, ConnectionError, TimeoutError):
            pass
        except Exception:  # noqa: BLE001 - whatever a request does, the port goes on.
            _log.exception("The simulated panel failed on a request.")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError, ssl.SSLError):
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
            rule = self.panel.cut_short(_request(streams, head, b"", asyncio.Event()))
            if rule is not None:
                await self._cut(streams, head, rule)
                return False
            body = await read_body(reader, head)
        except BadRequest as error:
            await self._send_last(streams, web_page(error.status))
            return False
        gone = asyncio.Event()
        request = _request(streams, head, body, gone)
        async with self._watching(request, reader, gone):
            answer = await self.panel.prepare(request)
            return await self._send(streams, head, answer, gone)

    async def _cut(self, streams: Streams, head: Head, rule: Rule) -> None:
        """Read so many bytes of the request, then reset."""
        more = int(rule.number("k_in")) - head.size
        with contextlib.suppress(Hangup):
            await read_part(streams[0], min(more, head.length))
        sending.abort(streams[1])

    @contextlib.asynccontextmanager
    async def _watching(
        self, request: PanelRequest, reader: asyncio.StreamReader, gone: asyncio.Event
    ) -> AsyncIterator[None]:
        """Notice when the caller hangs up, where a request may outlive its caller."""
        if not self.panel.may_linger:
            yield
            return

        async def wait() -> None:
            await sending.watch(reader, gone)
            self.panel.hung_up(request)

        watcher = asyncio.get_running_loop().create_task(wait())
        try:
            yield
        finally:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _send(
        self, streams: Streams, head: Head, answer: PanelAnswer, gone: asyncio.Event
    ) -> bool:
        writer = streams[1]
        if not answer.is_sent:
            self.panel.finish(answer, 0, gone=gone.is_set())
            if answer.silent:
                await gone.wait()
            return False
        keep = not answer.from_script and answer.status not in CLOSING_STATUSES and head.keep_alive
        now, with_body = self.panel.clock.now(), head.method != "HEAD"
        raw = render(answer, now, keep_alive=keep, with_body=with_body)
        if answer.reset_after is not None:
            raw = raw[: answer.reset_after]
        sent = 0
        try:
            if answer.drip is None:
                sent = await sending.write(writer, raw)
            else:
                sent = await sending.drip(writer, raw, answer.drip, self.panel.clock, gone)
        finally:
            self.panel.finish(answer, sent, gone=gone.is_set() or (not sent and bool(raw)))
        if answer.reset_after is not None:
            await sending.reset(writer)
            return False
        if keep and answer.is_whole:
            return True
        await sending.close_gently(streams, body_unread=answer.status == 413)
        return False

    async def _send_last(self, streams: Streams, answer: PanelAnswer) -> None:
        raw = render(answer, self.panel.clock.now(), keep_alive=False)
        await sending.write(streams[1], raw)
        await sending.close_gently(streams, body_unread=True)


def _request(streams: Streams, head: Head, body: bytes | None, gone: asyncio.Event) -> PanelRequest:
    peer = streams[1].get_extra_info("peername") or ("", 0)
    return PanelRequest(
        method=head.method,
        path=head.path,
        query=head.query,
        body=body or b"",
        content_type=head.headers.get("content-type", ""),
        caller=str(peer[0]).removeprefix("::ffff:"),
        port=int(peer[1]),
        too_large=body is None,
        gone=gone,
    )


def _fits(head: Head) -> bool:
    return head.chunked or head.length <= BODY_LIMIT
