"""GraphQL over a web socket: the protocol graphql-transport-ws, and no other.

A key or token comes with the upgrade request, in Authorization, or in the payload of
connection_init; a proof of a token's key (DPoP) comes beside it, made for a GET of /graphql. It is
looked up again for each operation, and the connection ends when a token does, so that no connection
can outlive its key. There are no cookies: a page of a stranger that opens a socket has no key to
send. A page of another origin is let in as everywhere; see `api/origins.py`.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope, Send

from gateway.api.auth import Credential, credential_in, credential_of
from gateway.api.exchange import Exchange
from gateway.api.graphql.edge import Edge, note_result
from gateway.api.graphql.messages import (
    PROTOCOL,
    Code,
    Hangup,
    Message,
    cut_reason,
    message_of,
)
from gateway.api.graphql.request import Allowed, Asked, GraphqlRequest, Stage
from gateway.domain.caller import Caller
from gateway.domain.errors import (
    GatewayError,
    PermissionDenied,
    ServiceUnavailable,
    Unauthenticated,
)

_AUTHORIZATION: Final = ("Authorization", "authorization")
_PROOF: Final = ("DPoP", "dpop")
_KEY_ENDED: Final = "Unauthorized: the key has expired, was revoked or is not valid here"


class Gone(Exception):
    """The other end has left, or we have closed: there is nobody to talk to."""


async def serve_socket(
    edge: Edge, exchange: Exchange, scope: Scope, receive: Receive, send: Send
) -> None:
    """Keep one connection until either side ends it.

    Raises:
        Unauthenticated, ServiceUnavailable: the upgrade request has a key that is refused, or that
            cannot be looked up. The handshake has not been answered.
    """
    await receive()  # websocket.connect
    credential = None
    if b"authorization" in exchange.headers:
        credential = credential_of(exchange)
        await edge.asked(exchange, credential, is_charged=False)  # connection_init is.
        credential = credential.once_more()
    offered = PROTOCOL in scope.get("subprotocols", ())
    accept = {"type": "websocket.accept", "subprotocol": PROTOCOL if offered else None}
    socket = Socket(receive, send)
    with suppress(Gone):
        await socket.send_event(accept)
        if offered:
            await Connection(edge, exchange, socket, credential).run()
        else:
            exchange.code = "invalid_request"
            await socket.close(Code.SUBPROTOCOL, "Subprotocol not acceptable")


class Socket:
    """Messages in and out, one at a time; whoever is too slow to read is waited for."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._turn = asyncio.Lock()
        self._closed = False

    async def message(self) -> Message:
        """Return the next message.

        Raises:
            Gone: there will be none.
            Hangup: it is not one that the protocol knows.
        """
        event = await self._receive()
        if event["type"] != "websocket.receive":
            raise Gone
        return message_of(event.get("text"))

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message.

        Raises:
            Gone: nobody is there.
        """
        text = msgspec.json.encode(message).decode()
        await self.send_event({"type": "websocket.send", "text": text})

    async def close(self, code: Code, reason: str) -> None:
        """Say why, and end."""
        with suppress(Gone):
            event = {"type": "websocket.close", "code": int(code), "reason": cut_reason(reason)}
            await self.send_event(event)

    async def send_event(self, event: dict[str, Any]) -> None:
        """Send an event of ASGI; none follows a close.

        Raises:
            Gone: nobody is there.
        """
        async with self._turn:
            if self._closed:
                raise Gone
            self._closed = event["type"] == "websocket.close"
            try:
                await self._send(event)
            except OSError:
                raise Gone from None


class Connection:
    """One connection: its initialisation, then its operations."""

    def __init__(
        self, edge: Edge, exchange: Exchange, socket: Socket, credential: Credential | None
    ) -> None:
        self.edge = edge
        self.exchange = exchange
        self.socket = socket
        self.credential = credential
        self.running: dict[str, asyncio.Task[None]] = {}
        #: Those running, and those that have yet to finish after their client completed them.
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Talk until one side ends it; what still runs then is ended too.

        Raises:
            Gone
        """
        try:
            asked = await self._initialised()
            with self.edge.sockets.taken(asked.caller):
                await self.socket.send({"type": "connection_ack"})
                await self._talk(self._seconds_left(asked.caller))
        except Hangup as it:
            await self._hang_up(it)
        except GatewayError as error:
            await self._hang_up(self._refused(error))
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _talk(self, seconds: float | None) -> None:
        """Take messages until somebody ends it, or for *seconds*: as long as a token lasts.

        Raises:
            Hangup, Gone
        """
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                while True:
                    await self._handle(await self.socket.message())
        except TimeoutError:
            if not limit.expired():
                raise
            raise Hangup(Code.UNAUTHORIZED, _KEY_ENDED, told=Unauthenticated.code) from None

    def _seconds_left(self, caller: Caller) -> float | None:
        """Return how long the caller's token lasts; None: a key, which has no end of its own."""
        if caller.expires_at is None:
            return None
        return (caller.expires_at - self.edge.ports.clock.now()).total_seconds()

    async def _initialised(self) -> Asked:
        """Wait for connection_init, and return who asks.

        Raises:
            Hangup: it does not come, or something else comes first.
            Unauthenticated, RateLimited, ServiceUnavailable
        """
        try:
            async with asyncio.timeout(self.edge.options.streams.init_seconds_max):
                while (message := await self.socket.message()).type != "connection_init":
                    if message.type == "subscribe":
                        raise Hangup(Code.UNAUTHORIZED, "Unauthorized", told="unauthenticated")
                    await self._pong(message)
        except TimeoutError:
            raise Hangup(Code.INIT_TIMEOUT, "Connection initialisation timeout") from None
        if self.credential is None:
            self.credential = _credential_of(message.payload or {}, self.exchange)
        asked = await self.edge.asked(self.exchange, self.credential)
        self.credential = self.credential.once_more()
        return asked

    async def _handle(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                raise Hangup(Code.TOO_MANY_INITS, "Too many initialisation requests")
            case "subscribe":
                await self._subscribe(message.id, message.request)
            case "complete":
                if (task := self.running.pop(message.id, None)) is not None:
                    task.cancel()
            case _:
                await self._pong(message)

    async def _pong(self, message: Message) -> None:
        if message.type == "ping":
            payload = {} if message.payload is None else {"payload": message.payload}
            await self.socket.send({"type": "pong"} | payload)

    async def _subscribe(self, name: str, request: GraphqlRequest) -> None:
        if name in self.running:
            raise Hangup(Code.ID_TAKEN, f"Subscriber for {name} already exists")
        if len(self.tasks) >= self.edge.options.streams.operations_max:
            error = ServiceUnavailable("Too many operations run on this connection.")
            payload = [self.edge.told(error, self.exchange)]
            await self.socket.send({"id": name, "type": "error", "payload": payload})
            return
        task = asyncio.create_task(self._operate(name, request))
        self.running[name] = task
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _operate(self, name: str, request: GraphqlRequest) -> None:
        """Run one operation to its end, and say so."""
        with suppress(Gone):
            try:
                last = await self._results_sent(name, request)
            except Unauthenticated as error:
                await self._hang_up(self._refused(error))
                return
            except Gone:
                raise
            except Exception as error:  # noqa: BLE001 - told, and logged if it is a bug.
                last = {"type": "error", "payload": [self.edge.told(error, self.exchange)]}
            # From here on its id may be used again.
            if self.running.get(name) is asyncio.current_task():
                del self.running[name]
            await self.socket.send({"id": name} | last)

    async def _results_sent(self, name: str, request: GraphqlRequest) -> dict[str, Any]:
        """Send the results, and return the message that ends the operation but for its id."""
        assert self.credential is not None  # noqa: S101 - connection_init came first.
        asked = await self.edge.asked(self.exchange, self.credential)
        with self.edge.streams.taken(asked.caller):
            results = self.edge.executor.stream(request, asked, Allowed.EVERYTHING)
            async with aclosing(results):
                async for result in results:
                    note_result(self.exchange, result)
                    if result.stage is not Stage.EXECUTED:
                        return {"type": "error", "payload": list(result.errors)}
                    payload = result.to_payload()
                    await self.socket.send({"id": name, "type": "next", "payload": payload})
        return {"type": "complete"}

    async def _hang_up(self, it: Hangup) -> None:
        self.exchange.code = it.told
        await self.socket.close(it.code, it.reason)

    def _refused(self, error: GatewayError) -> Hangup:
        self.edge.told(error, self.exchange)
        if isinstance(error, Unauthenticated):
            return Hangup(Code.UNAUTHORIZED, _KEY_ENDED, told=error.code)
        if isinstance(error, PermissionDenied):
            return Hangup(Code.FORBIDDEN, f"Forbidden: {error.detail}", told=error.code)
        return Hangup(Code.TRY_AGAIN_LATER, error.detail, told=error.code)


def _credential_of(payload: dict[str, Any], exchange: Exchange) -> Credential:
    """Return the key or token, and the proof, in the payload of connection_init.

    Raises:
        Unauthenticated: there is none.
    """
    given, proofs = _texts(payload, _AUTHORIZATION), _texts(payload, _PROOF)
    if len(given) != 1:
        raise Unauthenticated("Send a key in the payload: Authorization, with Bearer <key>.")
    return credential_in(given[0], proofs, exchange)


def _texts(payload: dict[str, Any], names: tuple[str, ...]) -> list[bytes]:
    found = [payload[name] for name in names if name in payload]
    # What is no text is told as empty: that it was there must count.
    return [it.encode(errors="replace") if isinstance(it, str) else b"" for it in found]
