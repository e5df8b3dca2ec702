"""JSON from an issuer: with a limit on everything, and to no other place than the one named.

Redirects are not followed, the environment's proxies are not used, answers are not decompressed.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import httpx2

from gateway.identity.faults import TokenFault
from gateway.identity.strict_json import object_of

#: Seconds for a whole answer, connecting included.
ANSWER_SECONDS_MAX: Final = 5.0
ANSWER_BYTES_MAX: Final = 256 * 1024

_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": "xtream-gateway",
}


class IssuerAway(Exception):
    """An issuer's answer cannot be had, or is of no use. `why` is one of our own words."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Fetcher(Protocol):
    """Gets JSON."""

    async def get(self, url: str) -> dict[str, Any]:
        """Return the JSON object at *url*.

        Raises:
            IssuerAway: there is none, or none within the limits.
        """


class HttpFetcher:
    """The Fetcher over HTTP. Make it with `opened()`."""

    def __init__(self, client: httpx2.AsyncClient, *, seconds_max: float) -> None:
        self._client = client
        self._seconds_max = seconds_max

    @classmethod
    @asynccontextmanager
    async def opened(cls, *, seconds_max: float = ANSWER_SECONDS_MAX) -> AsyncIterator[HttpFetcher]:
        """Yield one; its connections are closed at the end."""
        limits = httpx2.Limits(max_connections=10, max_keepalive_connections=0)
        async with httpx2.AsyncClient(
            headers=_HEADERS,
            verify=ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(seconds_max),
            limits=limits,
        ) as client:
            yield cls(client, seconds_max=seconds_max)

    async def get(self, url: str) -> dict[str, Any]:
        """See the port."""
        try:
            async with asyncio.timeout(self._seconds_max):
                return object_of(await self._body(url))
        except TimeoutError:
            raise IssuerAway("too_slow") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError, ValueError) as error:
            # ValueError: a name of a host that cannot be one. RuntimeError: uvloop's word for a
            # connection that the other end has reset.
            raise IssuerAway(type(error).__name__) from None
        except TokenFault:
            raise IssuerAway("not_json") from None

    async def _body(self, url: str) -> bytes:
        async with self._client.stream("GET", url) as response:
            if response.status_code != 200:
                raise IssuerAway(f"status_{response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise IssuerAway("encoded")
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > ANSWER_BYTES_MAX:
                    raise IssuerAway("too_large")
            return bytes(body)
