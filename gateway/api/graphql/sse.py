"""GraphQL over server-sent events, in the `distinct connections mode` of graphql-sse.

One request, one operation, one stream of `next` events and a `complete`. What is wrong with the
operation comes as a `next` as well, for the answer has begun. Nothing is queued: the next result is
asked for when the last one is on its way.

Protocol: PROTOCOL.md of the npm package graphql-sse.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final

import msgspec
from starlette.types import Receive, Send

from gateway.api.exchange import Exchange
from gateway.api.graphql.edge import Edge, note_result
from gateway.api.graphql.http import VARY
from gateway.api.graphql.negotiation import Media
from gateway.api.graphql.request import Result

#: A comment: shows proxies and clients that the stream is alive.
_ALIVE: Final = b":\n\n"
#: With empty data, since browsers pass no event on that has none.
_COMPLETE: Final = b"event: complete\ndata:\n\n"
_HEADERS: Final = (
    (b"content-type", f"{Media.EVENTS}; charset=utf-8".encode()),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back.
    VARY,
)


class EventStream:
    """The answer that carries one operation's results."""

    def __init__(self, edge: Edge, exchange: Exchange, send: Send) -> None:
        self.edge = edge
        self.exchange = exchange
        self._send = send
        #: A comment must not come into the midst of an event that waits for a slow reader.
        self._turn = asyncio.Lock()

    async def run(
        self,
        results: AsyncGenerator[Result, None],
        receive: Receive,
        stopping: asyncio.Event,
    ) -> None:
        """Send *results* until they end, the client goes away or the server stops.

        On the server's stop the answer ends without `complete`: clients take that for a broken
        connection and come back, to another process.
        """
        self.exchange.transport = "sse"
        start = {"type": "http.response.start", "status": 200, "headers": list(_HEADERS)}
        await self._send(start)
        await self._write(_ALIVE)
        await _until_one_ends(
            self._write_all(results), self._keep_alive(), _client_gone(receive), stopping.wait()
        )
        await self._send({"type": "http.response.body", "body": b""})

    async def _write_all(self, results: AsyncGenerator[Result, None]) -> None:
        async with aclosing(self._events(results)) as events:
            async for event in events:
                await self._write(event)

    async def _events(self, results: AsyncGenerator[Result, None]) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(results):
                async for result in results:
                    note_result(self.exchange, result)
                    yield _next(result.to_payload())
        except Exception as error:  # noqa: BLE001 - told to the caller, and logged if it is a bug.
            yield _next({"errors": [self.edge.told(error, self.exchange)]})
        yield _COMPLETE

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self.edge.options.streams.keep_alive_seconds)
            await self._write(_ALIVE)

    async def _write(self, body: bytes) -> None:
        async with self._turn:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})


def _next(payload: dict[str, Any]) -> bytes:
    return b"event: next\ndata: %b\n\n" % msgspec.json.encode(payload)


async def _client_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _until_one_ends(*things: Coroutine[Any, Any, object]) -> None:
    """Run *things* until one of them ends, then end the others; its error is raised."""
    tasks = [asyncio.ensure_future(thing) for thing in things]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
