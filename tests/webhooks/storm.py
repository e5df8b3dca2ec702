"""Receivers for a load: healthy ones that count what they get, and every sort of poison."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.x509 import DNSName

from tests.webhooks.receivers import Authority, Canary, a_canary

#: What a poisonous endpoint does: `tls` has a certificate that nobody trusts.
POISONS: Final = ("hang", "500", "redirect", "drip", "endless", "tls")
THANKS: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nthanks"
CHUNK: Final = b"x" * 16_384
DRIP_SECONDS: Final = 0.5


@dataclass
class Got:
    """What one healthy endpoint was sent. `order`: sequences of a resource as they came first."""

    ids: Counter[str] = field(default_factory=Counter)
    bodies: dict[str, int] = field(default_factory=dict)
    order: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    delays: list[float] = field(default_factory=list)
    changed: int = 0

    def note(self, webhook_id: str, body: bytes) -> None:
        """Note a delivery; a repeat must have the same bytes."""
        self.ids[webhook_id] += 1
        if self.ids[webhook_id] > 1:
            self.changed += self.bodies[webhook_id] != hash(body)
            return
        self.bodies[webhook_id] = hash(body)
        payload = json.loads(body)
        self.order[payload["data"]["id"]].append(payload["data"]["sequence"])
        happened = datetime.fromisoformat(payload["timestamp"]).timestamp()
        self.delays.append(time.time() - happened)


@dataclass
class Storm:
    """All receivers. `got`: by the path of a healthy endpoint; `poisoned`: requests by sort."""

    canary: Canary
    port: int = 0
    tls_port: int = 0
    got: dict[str, Got] = field(default_factory=lambda: defaultdict(Got))
    poisoned: Counter[str] = field(default_factory=Counter)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def places(self) -> tuple[str, ...]:
        return (f"127.0.0.1:{self.port}", f"127.0.0.1:{self.tls_port}")

    def urls(self, healthy: int, poisonous: int) -> Iterator[str]:
        """Return the URLs of so many endpoints, the poisonous ones of each sort by turns."""
        for number in range(poisonous):
            sort = POISONS[number % len(POISONS)]
            is_tls = sort == "tls"
            base = f"https://{self.places[1]}" if is_tls else f"http://{self.places[0]}"
            yield f"{base}/{sort}/{number}"
        for number in range(healthy):
            yield f"http://{self.places[0]}/well/{number}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        self.writers.add(writer)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):  # The sender has gone.
            return
        finally:
            writer.close()
            self.writers.discard(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split()[1]
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        body = await reader.readexactly(int(headers["content-length"]))
        sort = path.split("/")[1]
        if sort == "well":
            self.got[path].note(headers["webhook-id"], body)
            writer.write(THANKS)
            await writer.drain()
            return
        self.poisoned[sort] += 1
        await self._poison(sort, reader, writer)

    async def _poison(
        self, sort: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if sort == "hang":
            await reader.read()
        elif sort == "500":
            writer.write(b"HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n")
        elif sort == "redirect":
            place = f"http://127.0.0.1:{self.canary.port}/"
            writer.write(f"HTTP/1.1 307 x\r\nlocation: {place}\r\n\r\n".encode())
        else:
            length = b"content-length: 1000\r\n" if sort == "drip" else b""
            writer.write(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
            while True:
                writer.write(b"x" if sort == "drip" else CHUNK)
                await writer.drain()
                await asyncio.sleep(DRIP_SECONDS if sort == "drip" else 0)
        await writer.drain()

    async def count_tls(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Count who got through the handshake, which nobody should."""
        self.poisoned["through-tls"] += 1
        writer.close()


@asynccontextmanager
async def a_storm(folder: Path) -> AsyncIterator[Storm]:
    """Yield receivers that listen, and a canary behind the redirects."""
    async with AsyncExitStack() as stack:
        storm = Storm(canary=await stack.enter_async_context(a_canary()))
        plain = await asyncio.start_server(storm.serve, "127.0.0.1", 0, backlog=1_000)
        storm.port = (await stack.enter_async_context(plain)).sockets[0].getsockname()[1]
        context = Authority.made(folder).serves(DNSName("hooks.example.com"))
        secret = await asyncio.start_server(storm.count_tls, "127.0.0.1", 0, ssl=context)
        storm.tls_port = (await stack.enter_async_context(secret)).sockets[0].getsockname()[1]
        yield storm
        for writer in list(storm.writers):
            writer.close()
