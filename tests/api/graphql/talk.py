"""A client of graphql-transport-ws that says what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.api.graphql.support import WAIT_SECONDS_MAX, Served

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
INIT: Final = {"type": "connection_init"}
INIT_WITH_KEY: Final = {"type": "connection_init", "payload": {"Authorization": "Bearer operator"}}
TICKS: Final = "subscription { ticks }"


class Talk:
    """One connection, spoken to in JSON."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, *messages: object) -> None:
        for message in messages:
            await self.socket.send(json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            return json.loads(await self.socket.recv())

    async def subscribe(self, name: str, query: str, **more: Any) -> None:
        await self.say({"id": name, "type": "subscribe", "payload": {"query": query} | more})

    async def closed(self) -> tuple[int, str]:
        """Return code and reason of the close, which comes next."""
        with pytest.raises(ConnectionClosed) as caught:
            await self.hear()
        assert caught.value.rcvd is not None
        return caught.value.rcvd.code, caught.value.rcvd.reason


@asynccontextmanager
async def opened(
    served: Served, *, init: object = None, headers: dict[str, str] | None = None
) -> AsyncIterator[Talk]:
    """Open a connection; with *init*, wait until it is acknowledged."""
    async with connect(
        served.socket_url,
        subprotocols=[PROTOCOL],
        additional_headers=headers or {},
        proxy=None,
    ) as socket:
        assert socket.subprotocol == PROTOCOL
        talk = Talk(socket)
        if init is not None:
            await talk.say(init)
            assert await talk.hear() == {"type": "connection_ack"}
        yield talk


def next_(name: str, **data: object) -> dict[str, object]:
    return {"id": name, "type": "next", "payload": {"data": data}}


def complete(name: str) -> dict[str, object]:
    return {"id": name, "type": "complete"}
