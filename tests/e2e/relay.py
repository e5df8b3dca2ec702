"""A wire to a real PostgreSQL that a test can cut, mend, or cut at the answer to a commit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

COMMIT = b"COMMIT"


class Relay:
    """Hands bytes both ways while it is whole."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self.url = url
        self.is_cut = False
        #: Which commit from now on gets no answer; 0 is the next one.
        self.lose_answer_of: int | None = None
        self.lost = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Relay]:
        """Listen on a free port; `url` then leads through it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = self.url.replace(f":{self.target[1]}/", f":{port}/")
        try:
            yield self
        finally:
            server.close()
            self.cut()
            await server.wait_closed()

    def cut(self) -> None:
        """Drop every connection and take no new one."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Be whole again."""
        self.is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(*self.target)
        self._writers |= {writer, back}
        with suppress(ConnectionError, OSError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._forward(reader, back))
                group.create_task(self._hand_back(there, writer))
        for each in (writer, back):
            self._writers.discard(each)
            each.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            if COMMIT in data and self.lose_answer_of is not None:
                self.lose_answer_of -= 1
                if self.lose_answer_of < 0:
                    await self._send_and_lose(data, back)
                    return
            back.write(data)
            await back.drain()
        back.close()

    async def _send_and_lose(self, data: bytes, back: asyncio.StreamWriter) -> None:
        """Let the commit happen; then nobody answers any more until the wire is mended."""
        self.lose_answer_of = None
        self.is_cut = True
        self.lost.set()
        back.write(data)
        await back.drain()
        await asyncio.sleep(0.05)
        self.cut()

    async def _hand_back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await there.read(65_536):
            if self.is_cut:
                return
            writer.write(data)
            await writer.drain()
        writer.close()
