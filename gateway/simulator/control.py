"""The control surface: JSON on a listener of its own, never on the panel's port.

It serves credentials in the clear and asks for no key: bind it to loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from gateway.simulator.httpwire import BadRequest, Hangup, read_body, read_head
from gateway.simulator.listening import listen, url_of
from gateway.simulator.messages import REASONS
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.surface import Control, error_body


class ControlServer:
    """Serves the control surface."""

    def __init__(self, panel: SimulatedPanel) -> None:
        self._control: Final = Control(panel)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    async def start(self, bind: str) -> str:
        """Begin to listen and return the URL."""
        self._server = await listen(bind, self._connected, purpose="the control surface")
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
        with contextlib.suppress(Hangup, ConnectionError):
            try:
                head = await read_head(reader)
                if head is not None:
                    body = await read_body(reader, head)
                    status, raw = await self._control.call(head, body or b"")
                    await _send(writer, status, raw)
            except BadRequest as error:
                await _send(writer, error.status, error_body(error))
        writer.close()


async def _send(writer: asyncio.StreamWriter, status: int, raw: bytes) -> None:
    head = (
        f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode() + raw)
    await writer.drain()
