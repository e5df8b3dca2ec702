"""The real transports, served over TCP, with a small schema behind and a key that can be ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx2
from starlette.applications import Starlette

from gateway.api.app import create_app
from gateway.api.exchange import Exchange
from gateway.api.options import ApiOptions, StreamLimits
from gateway.api.server import open_socket, serving
from gateway.domain.caller import Caller
from gateway.domain.errors import (
    ServiceUnavailable,
    Unauthenticated,
)
from gateway.domain.proofs import Proof
from tests.api.graphql.stand_in import StandIn
from tests.api.support import Keys, Recorder, some_ports

KEY: Final = {"authorization": "Bearer operator"}
RESPONSE: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
WAIT_SECONDS_MAX: Final = 20


class EndingKeys(Keys):
    """Keys that can be ended; `down`: they cannot be looked up."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = False
        self.down = False

    async def identify(self, bearer: str, ip: str | None, proof: Proof | None = None) -> Caller:
        if self.down:
            raise ServiceUnavailable("The database is down.")
        if self.ended:
            raise Unauthenticated("This key is not known.")
        return await super().identify(bearer, ip, proof)


@dataclass
class Telling(Recorder):
    """Telemetry that one can wait for."""

    more: asyncio.Event = field(default_factory=asyncio.Event)

    def request_ended(self, exchange: Exchange) -> None:
        super().request_ended(exchange)
        self.more.set()


@dataclass
class Served:
    """A gateway: one that listens, or, on port 0, one that is called within the process."""

    app: Starlette
    executor: StandIn
    keys: EndingKeys
    telemetry: Telling
    port: int = 0
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def made(cls, **limits: Any) -> Self:
        """Return one that does not listen yet."""
        executor, keys, telemetry = StandIn(), EndingKeys(), Telling()
        options = ApiOptions(telemetry=telemetry, streams=StreamLimits(**limits))
        app = create_app(some_ports(keys=keys), options, table=(), executor=executor)
        return cls(app, executor, keys, telemetry)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    def client(self, **headers: str) -> httpx2.AsyncClient:
        transport = None if self.port else httpx2.ASGITransport(self.app)
        return httpx2.AsyncClient(headers=headers, timeout=WAIT_SECONDS_MAX, transport=transport)

    async def until_open(self, count: int) -> None:
        """Wait until so many subscriptions to `ticks` run."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while self.executor.open != count:
                self.executor.changed.clear()
                await self.executor.changed.wait()

    async def until_told(self, count: int = 1) -> None:
        """Wait for so many log lines."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(self.telemetry.ended) < count:
                self.telemetry.more.clear()
                await self.telemetry.more.wait()

    async def until_flood_stands(self) -> int:
        """Wait until nobody asks the flood for more, and return how many events there were."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            seen = -1
            while seen != self.executor.flooded or not seen:
                seen = self.executor.flooded
                await asyncio.sleep(0.3)
        return seen


@asynccontextmanager
async def serve(**limits: Any) -> AsyncIterator[Served]:
    """Serve the small schema until the block ends, or its `stop` is set."""
    served = Served.made(**limits)
    listener = open_socket("127.0.0.1:0")
    served.port = listener.getsockname()[1]

    async def until_stopped() -> None:
        async with serving([(served.app, listener)], drain_seconds=30):
            ready.set()
            await served.stop.wait()

    ready = asyncio.Event()
    task = asyncio.create_task(until_stopped())
    await ready.wait()
    try:
        yield served
    finally:
        served.stop.set()
        await task
