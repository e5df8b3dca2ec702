"""One request on its way through the edge: what is known of it, and the answer it gets."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from starlette.types import Receive, Scope, Send

from gateway.domain.caller import Caller
from gateway.domain.limits import Standing

EXCHANGE: Final = "gateway.exchange"

RawHeaders = tuple[tuple[bytes, bytes], ...]


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What is known of a request; filled on the way down, told in the log line at the end.

    `route` is the template of the path, such as `/v1/lines/{line_id}`; None: no route took it.
    `code` is the problem's code, None for a success. `ip` is the client's, behind our proxies.
    `transport` other than `http` lasts as long as its caller likes; its `seconds` tell nothing of
    how fast we are. `standings`: how the caller's rate limits stand; empty: not charged.

    `page` is the origin of the page that a browser sends this for, None: of none that we know of.
    `is_own_page`: it is one of ours. `readable_by` is the page that may read the answer.
    """

    request_id: str
    method: str
    path: str
    ip: str | None
    headers: Mapping[bytes, list[bytes]] = field(repr=False)
    route: str | None = None
    caller: Caller | None = None
    status: int | None = None
    code: str | None = None
    seconds: float = 0.0
    transport: Literal["http", "sse", "websocket"] = "http"
    page: str | None = None
    is_own_page: bool = False
    readable_by: str | None = None
    standings: tuple[Standing, ...] = ()


def new_request_id() -> str:
    """Return an id for a request that has none."""
    return f"req_{secrets.token_hex(16)}"


def exchange_of(scope: Scope) -> Exchange:
    """Return the exchange that the outermost middleware put into *scope*."""
    exchange: Exchange = scope[EXCHANGE]
    return exchange


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response. Content-Length is added; an empty *media_type* means there is no body."""

    status: int
    body: bytes = field(default=b"", repr=False)
    media_type: bytes = b"application/json"
    headers: RawHeaders = field(default=())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers = list(self.headers)
        if self.media_type:
            headers.append((b"content-type", self.media_type))
        if self.status not in {204, 304}:
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def header(name: bytes, value: str | int) -> tuple[bytes, bytes]:
    """Return one response header; *value* is ASCII and holds no line break."""
    return name, str(value).encode("ascii")
