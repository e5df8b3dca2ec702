"""Which pages may use the API, and may read what it answers (CORS).

A browser names the page's origin with every request to another origin. Storefront tokens are for
the pages of their own client. Whatever else a caller shows is a secret, which no page has a
business with, but for those of our own. Who has shown nothing yet is let in from every origin that
some client has, so that a page can read what is wrong. Nothing is ever allowed with the browser's
own credentials: there are no cookies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.exchange import Answer, Exchange, RawHeaders, exchange_of, header
from gateway.domain.caller import Caller, CallerKind
from gateway.domain.errors import PermissionDenied, ServiceUnavailable
from gateway.services import clients
from gateway.services.context import Context, Ports

#: How long the origins of all clients are known without being looked up again.
KNOWN_SECONDS: Final = 5.0
#: How long a browser may keep the answer to a preflight; the request itself is checked anyway.
MAX_AGE_SECONDS: Final = 3_600

#: Below this path secrets of clients are sent: it is for servers, not for pages.
_FOR_SERVERS: Final = "/oauth/"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
_HEADERS: Final = ", ".join(
    (
        *("Accept", "Authorization", "Cache-Control", "Content-Type", "DPoP", "Idempotency-Key"),
        *("If-Match", "If-None-Match", "Prefer", "X-Request-Id"),
    )
)
_EXPOSED: Final = ", ".join(
    (
        *("Age", "Allow", "Cache-Status", "DPoP-Nonce", "ETag", "Idempotent-Replayed", "Link"),
        *("Location", "Preference-Applied", "RateLimit", "RateLimit-Policy", "Retry-After"),
        *("WWW-Authenticate", "X-Request-Id"),
    )
)
_PREFLIGHT: Final[RawHeaders] = (
    header(b"access-control-allow-methods", _METHODS),
    header(b"access-control-allow-headers", _HEADERS),
    header(b"access-control-max-age", MAX_AGE_SECONDS),
    header(b"vary", "Access-Control-Request-Method, Access-Control-Request-Headers"),
)


def origin_of(url: str) -> str | None:
    """Return the origin of an address as browsers write it; None: it has none."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), parts.hostname, parts.port
    except ValueError:
        return None
    if not host or scheme not in _DEFAULT_PORTS:
        return None
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" + ("" if port in {None, _DEFAULT_PORTS[scheme]} else f":{port}")


def page_of(headers: Mapping[bytes, list[bytes]]) -> str | None:
    """Return the origin that a request names, whatever it is; None: it names none."""
    given = headers.get(b"origin")
    return None if given is None else b", ".join(given).decode("latin-1")


def check_page(exchange: Exchange, caller: Caller) -> None:
    """Hold the page that a request comes from against the caller it speaks for.

    From here on the answer may be read by this page, or by none. A request that names no page
    comes from none.

    Raises:
        PermissionDenied: this page may not use what the caller has shown.
    """
    exchange.readable_by = None
    if exchange.page is None:
        return
    if caller.kind is not CallerKind.STOREFRONT:
        if not exchange.is_own_page:
            raise PermissionDenied(
                "Keys and tokens of clients are not for pages of another origin; ours is that of "
                "GATEWAY_PUBLIC_URL."
            )
        return
    if exchange.page not in caller.origins:
        raise PermissionDenied("This token is not for pages of this origin.")
    exchange.readable_by = exchange.page


def headers_for(exchange: Exchange) -> RawHeaders:
    """Return what lets the page read the answer; nothing where it may not."""
    if exchange.readable_by is None:
        return ()
    return (
        header(b"access-control-allow-origin", exchange.readable_by),
        header(b"access-control-expose-headers", _EXPOSED),
    )


class KnownOrigins:
    """The origins of all clients that are not revoked, looked up every `KNOWN_SECONDS`."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._known: frozenset[str] = frozenset()
        self._until = float("-inf")
        self._turn = asyncio.Lock()

    async def find(self, request_id: str) -> frozenset[str]:
        """Return them; while the database is away, those known last."""
        if self._is_old():
            async with self._turn:
                if self._is_old():
                    await self._look_up(request_id)
        return self._known

    def _is_old(self) -> bool:
        return self._ports.clock.monotonic() >= self._until

    async def _look_up(self, request_id: str) -> None:
        # Counted from before the look: what changes meanwhile is not seen late because of it.
        began = self._ports.clock.monotonic()
        context = Context(ports=self._ports, caller=Caller.system("origins"), request_id=request_id)
        # Whoever is let in by what is old is held against its own client all the same.
        with suppress(ServiceUnavailable):
            self._known = await clients.list_origins(context)
        self._until = began + KNOWN_SECONDS


class OriginMiddleware:
    """Answers preflights, and turns away pages that belong to no client; plain ASGI."""

    def __init__(self, app: ASGIApp, ports: Ports) -> None:
        self.app = app
        self.known = KnownOrigins(ports)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, answer its preflight, or refuse it.

        Raises:
            PermissionDenied: a preflight or a web socket from nowhere, or a page of another origin
                where secrets of clients are sent.
        """
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        exchange = exchange_of(scope)
        if exchange.page is not None and not exchange.is_own_page:
            await self._admit(exchange, scope)
            if _is_preflight(exchange):
                await Answer(204, media_type=b"", headers=_PREFLIGHT)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _admit(self, exchange: Exchange, scope: Scope) -> None:
        if exchange.path.startswith(_FOR_SERVERS):
            raise PermissionDenied("This is for servers: no page may ask for it.")
        if exchange.page in await self.known.find(exchange.request_id):
            exchange.readable_by = exchange.page
        elif _is_preflight(exchange) or scope["type"] == "websocket":
            raise PermissionDenied("No client has this origin.")


def _is_preflight(exchange: Exchange) -> bool:
    return exchange.method == "OPTIONS" and (b"access-control-request-method" in exchange.headers)
