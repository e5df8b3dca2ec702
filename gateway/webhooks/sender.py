"""The Sender port: one POST over HTTP/1.1, with a limit on everything that comes back.

One request for each connection. Redirects are told, not followed; the environment's proxies are
not used; answers are not decompressed. Faults are our own words: no URL and no text of the other
side leaves this file but the status and the first bytes of the body.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpcore2

from gateway.services.ports.sender import BODY_START_BYTES, SEND_SECONDS, SendFault, Sent
from gateway.webhooks.egress import (
    CONNECT_SECONDS,
    EgressFailed,
    Resolve,
    SystemResolver,
    connected,
)
from gateway.webhooks.urls import HostPort, Target, UrlRefused, read_url

if TYPE_CHECKING:
    from gateway.services.ports.system import Clock

#: What may come before the body: status line and headers, also those of 100 to 199; bytes.
HEAD_BYTES_MAX: Final = 16 * 1024
#: What may come as body, its framing included; bytes. Only its start is kept. The rest is read
#: so that a receiver that answers with a page of its own is not cut off in the middle of it.
BODY_BYTES_MAX: Final = 64 * 1024
_READ_BYTES: Final = 4 * 1024
_OUR_OWN: Final = ("host", "content-length", "connection", "accept-encoding", "user-agent")


@dataclass(slots=True)
class _Answer:
    """What has come so far."""

    status: int | None = None
    body: bytearray = field(default_factory=bytearray)


class _TooLarge(Exception):
    """The answer's part goes on after its limit."""


class _Limited(httpcore2.AsyncNetworkStream):
    """A connection that gives no more than `left` bytes; `has_ended`: the other side closed it."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, left: int) -> None:
        self._stream = stream
        self.left = left
        self.has_ended = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if self.left <= 0:
            raise _TooLarge
        got = await self._stream.read(min(max_bytes, self.left, _READ_BYTES), timeout)
        self.left -= len(got)
        self.has_ended = not got
        return got

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()


class HttpSender:
    """Sends over HTTP. Make it with `opened()`."""

    def __init__(
        self,
        clock: Clock,
        *,
        resolve: Resolve,
        context: ssl.SSLContext,
        dangerous: Collection[HostPort] = (),
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._context = context
        self._dangerous = frozenset(dangerous)
        self._connect_seconds = connect_seconds

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, clock: Clock, *, dangerous: Collection[HostPort] = ()
    ) -> AsyncIterator[HttpSender]:
        """Yield one that asks the system's resolver and trusts the system's authorities.

        Args:
            dangerous: places that may have private addresses, any port, and http.
        """
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        resolver = SystemResolver()
        try:
            yield cls(clock, resolve=resolver, context=context, dangerous=dangerous)
        finally:
            resolver.close()

    def check_url(self, url: str) -> SendFault | None:
        """See the port."""
        try:
            read_url(url, self._dangerous)
        except UrlRefused as refusal:
            return refusal.fault
        return None

    async def send(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        timeout_seconds: float = SEND_SECONDS,
    ) -> Sent:
        """See the port."""
        began = self._clock.monotonic()
        answer = _Answer()
        fault: SendFault | None = None
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._exchange(read_url(url, self._dangerous), headers, body, answer)
        except (UrlRefused, EgressFailed) as refusal:
            fault = refusal.fault
        except _TooLarge:
            is_head = answer.status is None
            fault = SendFault.HEAD_TOO_LARGE if is_head else SendFault.BODY_TOO_LARGE
        except TimeoutError:
            fault = SendFault.TIMED_OUT
        except (httpcore2.NetworkError, OSError, RuntimeError):
            # RuntimeError: uvloop's word for a connection that the other end has reset.
            fault = SendFault.BROKEN_OFF
        return Sent(
            status=answer.status,
            body_start=bytes(answer.body),
            milliseconds=round((self._clock.monotonic() - began) * 1_000),
            fault=fault,
        )

    async def _exchange(
        self, target: Target, headers: Mapping[str, str], body: bytes, answer: _Answer
    ) -> None:
        request = _request(target, headers, body)
        plain = await connected(
            target,
            resolve=self._resolve,
            context=self._context,
            connect_seconds=self._connect_seconds,
        )
        stream = _Limited(plain, HEAD_BYTES_MAX)
        try:
            connection = httpcore2.AsyncHTTP11Connection(request.url.origin, stream)
            response = await connection.handle_async_request(request)
            answer.status = response.status
            stream.left = BODY_BYTES_MAX
            async for chunk in response.aiter_stream():
                answer.body += chunk[: BODY_START_BYTES - len(answer.body)]
        except httpcore2.ProtocolError:
            fault = SendFault.BROKEN_OFF if stream.has_ended else SendFault.NOT_HTTP
            raise EgressFailed(fault) from None
        finally:
            await stream.aclose()


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> httpcore2.Request:
    given = {name.lower(): value for name, value in headers.items()}
    if not given.keys().isdisjoint(_OUR_OWN):
        raise ValueError("these headers are the sender's own")
    ours = {
        "host": target.authority,
        "user-agent": "xtream-gateway",
        "accept-encoding": "identity",
        "connection": "close",
        "content-length": str(len(body)),
    }
    return httpcore2.Request(
        "POST",
        httpcore2.URL(
            scheme="https" if target.is_tls else "http",
            host=target.place.host,
            port=target.place.port,
            target=target.path,
        ),
        headers=[(name.encode(), value.encode()) for name, value in (ours | given).items()],
        content=body,
    )
