"""What happens to every request, whatever it asks: plain ASGI, outermost first."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.client_address import client_address
from gateway.api.exchange import EXCHANGE, Exchange, RawHeaders, new_request_id
from gateway.api.limits import rate_limit_fields
from gateway.api.oauth.errors import error_answer
from gateway.api.oauth.paths import RESOURCE_PATH
from gateway.api.options import ApiOptions
from gateway.api.origins import headers_for, origin_of, page_of
from gateway.api.problems import problem_answer, shown_error
from gateway.domain.errors import BodyTooLarge, InternalError, RequestTimeout
from gateway.services.lifecycle import Lifecycle

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
SECURITY: Final[RawHeaders] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
API_POLICY: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
#: Beside what an answer varies by on its own account: fields of one name are one list.
_VARY: Final = (b"vary", b"Origin")
NO_STORE: Final = (b"cache-control", b"no-store")
#: RFC 6455 section 7.4.1: a condition that kept us from fulfilling the request.
SOCKET_BROKE: Final = 1011
#: Challenges that a token answers.
_FOR_TOKENS: Final = (b"Bearer", b"DPoP")
_CLOSE: Final = (b"connection", b"close")
_HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")


class ExchangeMiddleware:
    """Gives each request its id and client address, each response its headers, and tells the log.

    No exception leaves it while an answer can still be given.
    """

    def __init__(
        self, app: ASGIApp, options: ApiOptions, lifecycle: Lifecycle | None = None
    ) -> None:
        self.app = app
        self.options = options
        self.lifecycle = lifecycle or Lifecycle()
        self.own_origin = origin_of(options.public_url)
        https = options.public_url.startswith("https://")
        self.fixed_headers = (*SECURITY, _HTTPS_ONLY) if https else SECURITY
        at = options.public_url
        self.about_us = f'resource_metadata="{at}{RESOURCE_PATH}"'.encode() if at else b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        with self._told(scope) as exchange:
            if scope["type"] == "http":
                await self._answer(exchange, scope, receive, send)
            else:
                await SocketGuard(self, exchange, send).run(scope, receive)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        is_head = scope["method"] == "HEAD"

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = self.headers_of(exchange, message["headers"])
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except ClientDisconnect:
            pass  # Nobody is left to answer.
        except Exception as error:
            if exchange.status is not None:
                raise
            note(exchange, error, self.options)
            await error_answer(error, exchange)(scope, receive, answer)

    @contextmanager
    def _told(self, scope: Scope) -> Iterator[Exchange]:
        """Tell telemetry of the exchange within the block."""
        began = time.perf_counter()
        exchange = self._begin(scope)
        telemetry = self.options.telemetry
        telemetry.request_began(exchange)
        try:
            yield exchange
        finally:
            exchange.seconds = time.perf_counter() - began
            telemetry.request_ended(exchange)

    def _begin(self, scope: Scope) -> Exchange:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        peer = scope.get("client")
        page = page_of(headers)
        exchange = Exchange(
            request_id=_request_id(headers),
            method=scope.get("method", "GET"),  # A web socket begins as a GET.
            path=scope["path"],
            ip=client_address(peer[0] if peer else None, headers, self.options.trusted_proxies),
            headers=headers,
            page=page,
            is_own_page=page is not None and page == self.own_origin,
        )
        scope[EXCHANGE] = exchange
        return exchange

    def headers_of(
        self, exchange: Exchange, given: Iterable[tuple[bytes, bytes]]
    ) -> list[tuple[bytes, bytes]]:
        """Return the headers of a response: those *given*, and those that all have."""
        given = list(given)
        headers = [*map(self._with_metadata, given), *self.fixed_headers]
        headers += [*headers_for(exchange), _VARY, *rate_limit_fields(exchange.standings)]
        headers.append((b"x-request-id", exchange.request_id.encode()))
        if self.lifecycle.is_draining:
            headers.append(_CLOSE)  # The next request goes to another process.
        names = {name for name, _ in given}
        if b"cache-control" not in names:
            headers.append(NO_STORE)
        if b"content-security-policy" not in names:
            headers.append(API_POLICY)
        return headers

    def _with_metadata(self, field: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
        """Let a challenge for a token say where to learn how to get one (RFC 9728 section 5.1)."""
        name, value = field
        is_for_tokens = name == b"www-authenticate" and value.startswith(_FOR_TOKENS)
        if not is_for_tokens or not self.about_us:
            return field
        return name, value + (b", " if b" " in value else b" ") + self.about_us


class SocketGuard:
    """The same for one web socket: its handshake, and what is told of it at its end."""

    def __init__(self, edge: ExchangeMiddleware, exchange: Exchange, send: Send) -> None:
        self.edge = edge
        self.exchange = exchange
        self.send = send

    async def run(self, scope: Scope, receive: Receive) -> None:
        """Let the socket live; a bug closes it, or refuses it while that can still be done."""
        self.exchange.transport = "websocket"
        try:
            await self.edge.app(scope, receive, self._answer)
        except Exception as error:  # noqa: BLE001 - told, and logged if it is a bug.
            note(self.exchange, error, self.edge.options)
            if self.exchange.status is None:
                await self._refuse(error, scope, receive)
            else:
                with suppress(OSError, RuntimeError):  # It may be closed already.
                    await self.send({"type": "websocket.close", "code": SOCKET_BROKE})

    async def _answer(self, message: Message) -> None:
        if message["type"] == "websocket.accept":
            self.exchange.status = 101
            request_id = (b"x-request-id", self.exchange.request_id.encode())
            message["headers"] = [*message.get("headers", ()), request_id]
        elif message["type"] == "websocket.http.response.start":
            self.exchange.status = message["status"]
            message["headers"] = self.edge.headers_of(self.exchange, message["headers"])
        elif message["type"] == "websocket.close" and self.exchange.status is None:
            self.exchange.status = 403  # What servers make of it, by the ASGI specification.
        await self.send(message)

    async def _refuse(self, error: Exception, scope: Scope, receive: Receive) -> None:
        async def as_handshake(message: Message) -> None:
            await self._answer({**message, "type": f"websocket.{message['type']}"})

        if "websocket.http.response" in scope.get("extensions", ()):
            await problem_answer(error, self.exchange.request_id)(scope, receive, as_handshake)
        else:
            await self._answer({"type": "websocket.close"})


class BodyLimitMiddleware:
    """Refuses bodies over the limit: by their announced length, else while they come in.

    A body that does not come in time is refused as well.
    """

    def __init__(self, app: ASGIApp, bytes_max: int, seconds_max: float) -> None:
        self.app = app
        self.bytes_max = bytes_max
        self.seconds_max = seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope[EXCHANGE].headers if scope["type"] == "http" else {}
        if b"content-length" not in headers and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        announced = headers.get(b"content-length", [b""])[0]
        if announced.isdigit() and (len(announced) > 18 or int(announced) > self.bytes_max):
            raise self._too_large()
        received, is_whole = 0, False
        until: float | None = None

        async def counted() -> Message:
            nonlocal received, is_whole, until
            if is_whole:  # What is waited for now is that the client goes away.
                return await receive()
            until = until or asyncio.get_running_loop().time() + self.seconds_max
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError:
                raise self._too_slow() from None
            is_whole = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > self.bytes_max:
                raise self._too_large()
            return message

        await self.app(scope, counted, send)

    def _too_slow(self) -> RequestTimeout:
        return RequestTimeout(f"The body did not come within {self.seconds_max:g} seconds.")

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(f"The body is larger than {self.bytes_max} bytes.")


def note(exchange: Exchange, error: Exception, options: ApiOptions) -> None:
    """Keep the code of *error* for the log line, and its traceback if it is a bug."""
    shown = shown_error(error)
    exchange.code = shown.code
    if isinstance(shown, InternalError):
        options.telemetry.request_broke(exchange, error)


def _request_id(headers: Mapping[bytes, list[bytes]]) -> str:
    given = headers.get(b"x-request-id", ())
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode()
    return new_request_id()
