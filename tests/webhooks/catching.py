"""A receiver of webhooks on loopback that keeps what it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Caught:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Catcher:
    """Answers 200; below `/500` and the like with that status; below `/hang` never while
    `hanging`.

    `answers`: what a path is answered instead, one after the other.
    """

    port: int = 0
    caught: list[Caught] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    hanging: bool = True
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/hook") -> str:
        return f"http://{self.place}{path}"

    def at(self, path: str) -> list[Caught]:
        return [each for each in self.caught if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split()[1]
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        self.caught.append(Caught(path, headers, body))
        if path.startswith("/hang") and self.hanging:
            return
        first = path.split("/")[1]
        status = int(first) if first.isdecimal() else 200
        if self.answers.get(path):
            status = self.answers[path].pop(0)
        location = "location: http://127.0.0.1:1/\r\n" if 300 <= status <= 399 else ""
        writer.write(f"HTTP/1.1 {status} x\r\n{location}content-length: 6\r\n\r\nthanks".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def a_catcher() -> AsyncIterator[Catcher]:
    """Yield one that listens."""
    catcher = Catcher()
    server = await asyncio.start_server(catcher.serve, "127.0.0.1", 0)
    catcher.port = server.sockets[0].getsockname()[1]
    async with server:
        yield catcher
        for writer in catcher.writers:
            writer.close()
