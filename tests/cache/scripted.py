"""A server that speaks Redis's protocol and answers what a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

RUN_ID: Final = "a" * 40
SCRIPTS: Final = iter(range(10**9))

Answer = Callable[[list[bytes]], bytes | None]


class ScriptedServer:
    """Answers the greeting as a master does; `answer` may say otherwise, None leaves it to us."""

    def __init__(self, answer: Answer = lambda _command: None) -> None:
        self.answer = answer
        self.run_id = RUN_ID
        self.role = "master"
        self.connections = 0
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedServer]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                writer.write(self._answer(await _command(reader)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            writer.close()

    def _answer(self, command: list[bytes]) -> bytes:
        if (answer := self.answer(command)) is not None:
            return answer
        match command:
            case [b"INFO", b"server"]:
                return bulk(f"# Server\r\nrun_id:{self.run_id}\r\n".encode())
            case [b"INFO", _]:
                return bulk(f"# Replication\r\nrole:{self.role}\r\n".encode())
            case [b"SCRIPT", *_]:
                return bulk(b"%040d" % next(SCRIPTS))
            case [b"MGET", *keys]:
                return b"*%d\r\n" % len(keys) + b"$-1\r\n" * len(keys)
            case _:
                return b":1\r\n"


def bulk(text: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(text), text)


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    parts = []
    for _ in range(int((await reader.readline())[1:])):
        length = int((await reader.readline())[1:])
        parts.append((await reader.readexactly(length + 2))[:-2])
    return parts
