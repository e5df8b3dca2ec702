"""HTTP to panels: one request per connection, every limit stated, and the truth about "not sent".

The only file that opens connections to panels. Redirects are not followed, the environment's
proxies are not used, answers are not decompressed and never larger than the request allows. What
goes wrong leaves as TransportFault, which holds no URL, no form and no text of the other side.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import httpx2

from gateway.domain.panels import Panel, Tls
from gateway.panels.dialect import Answer, Reason, Request, TransportFault

#: Seconds for name resolution and TCP; TLS has as many again.
CONNECT_SECONDS: Final = 5.0

_HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "Connection": "close",
    "User-Agent": "xtream-gateway",
}
#: The trace event after which a byte of the request may have left.
_WRITING: Final = "http11.send_request_headers.started"
_TLS_BEGINS: Final = "connection.start_tls.started"


class _Progress:
    """How far a request came, as the HTTP library reports it."""

    def __init__(self) -> None:
        self.tls = False
        self.writing = False

    async def __call__(self, event: str, _info: dict[str, Any]) -> None:
        self.tls = self.tls or event == _TLS_BEGINS
        self.writing = self.writing or event == _WRITING


class Transport:
    """Sends requests to panels. Make it with `opened()`, which also closes its connections."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._clients: dict[Tls, httpx2.AsyncClient] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Transport]:
        """Yield a transport; at the end what is still in flight is cut."""
        async with AsyncExitStack() as stack:
            yield cls(stack)

    async def send(self, panel: Panel, request: Request, *, timeout_seconds: float) -> Answer:
        """Send *request* once and return the whole answer, within *timeout_seconds* in all.

        Raises:
            TransportFault: no answer; `sent` tells whether the panel may have got the request.
        """
        progress = _Progress()
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._exchange(panel, request, timeout_seconds, progress)
        except Exception as error:  # noqa: BLE001 - whatever it was, "maybe sent" must be told.
            reason = _reason_of(error, progress)
        # Raised outside of the handler: the library's errors hold the request, with its form.
        raise TransportFault(reason, sent=progress.writing)

    async def _exchange(
        self, panel: Panel, request: Request, timeout_seconds: float, progress: _Progress
    ) -> Answer:
        client = await self._client(panel.tls)
        async with client.stream(
            "POST",
            f"{panel.base_url}{request.path}?{request.query}",
            content=request.body,
            timeout=httpx2.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
            extensions={"trace": progress},
        ) as response:
            body, whole = await _read(response, request.answer_bytes_max)
            return Answer(
                status=response.status_code,
                body=body,
                content_type=response.headers.get("content-type", ""),
                content_encoding=response.headers.get("content-encoding", ""),
                whole=whole,
            )

    async def _client(self, tls: Tls) -> httpx2.AsyncClient:
        client = self._clients.get(tls)
        if client is None:
            client = httpx2.AsyncClient(
                headers=_HEADERS,
                verify=_ssl_context(tls),
                trust_env=False,
                follow_redirects=False,
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            )
            self._clients[tls] = client
            await self._stack.enter_async_context(client)
        return client


async def _read(response: httpx2.Response, most: int) -> tuple[bytes, bool]:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            return bytes(body[:most]), False
    return bytes(body), True


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    """Return how certificates are checked: the system's authorities, the panel's own, or not."""
    context = ssl.create_default_context(cadata=tls.ca_pem or None)
    # Panels make their own certificates, carelessly; the same rules on every Python.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason_of(error: Exception, progress: _Progress) -> Reason:
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        if progress.writing:
            return Reason.TIMED_OUT
        return Reason.TLS_FAILED if progress.tls else Reason.CONNECT_TIMED_OUT
    if progress.writing:
        return Reason.BROKEN_OFF
    # SSLError before any connection: the panel's own authority is no certificate.
    failed = progress.tls or isinstance(error, ssl.SSLError)
    return Reason.TLS_FAILED if failed else Reason.UNREACHABLE
