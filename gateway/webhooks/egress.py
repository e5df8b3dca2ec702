"""Connections to places that customers name: looked up once, checked, and that very address used.

The check cannot be got round by a name that changes its address in between (rebinding): what is
connected to is the checked number, and nothing looks the name up again. TLS is then held against
the name, so a public address that is not the name's own is of no use either.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpcore2

from gateway.services.ports.sender import SendFault
from gateway.webhooks.addresses import Address, is_public
from gateway.webhooks.urls import Target

#: Seconds for finding the address and TCP together; TLS has as many again.
CONNECT_SECONDS: Final = 5.0
#: How many of a name's addresses are tried; all are checked.
ADDRESSES_TRIED_MAX: Final = 4
#: Look-ups at once. A name whose servers do not answer holds one for seconds, and must not hold
#: up those of others: neither here nor in the event loop's own threads.
LOOKUPS_MAX: Final = 64

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class EgressFailed(Exception):
    """There is no connection; the fault says why."""

    def __init__(self, fault: SendFault) -> None:
        super().__init__(fault)
        self.fault = fault


class SystemResolver:
    """Asks the system's resolver, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS_MAX, thread_name_prefix="webhook-lookup")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name, the system's first choice first.

        Raises:
            OSError: there are none.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _look_up, host, port)

    def close(self) -> None:
        """Give no more answers."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(place[0]) for *_, place in found]


async def connected(
    target: Target,
    *,
    resolve: Resolve,
    context: ssl.SSLContext,
    connect_seconds: float = CONNECT_SECONDS,
) -> httpcore2.AsyncNetworkStream:
    """Return a connection to *target*, with TLS where it has that. Whoever gets it closes it.

    Raises:
        EgressFailed
    """
    try:
        async with asyncio.timeout(connect_seconds):
            addresses = await _checked_addresses(target, resolve)
            stream = await _first_connection(addresses, target.place.port, connect_seconds)
    except TimeoutError:
        raise EgressFailed(SendFault.CONNECT_TIMED_OUT) from None
    if not target.is_tls:
        return stream
    return await _with_tls(stream, target, context, connect_seconds)


async def _checked_addresses(target: Target, resolve: Resolve) -> list[Address]:
    """Return the addresses of *target*; one that is not public spoils them all."""
    if target.address is not None:
        return [target.address]  # Checked as its URL was read.
    host, port = target.place
    # A dot at the end: just this name, and none of the endings that the machine may add.
    name = host if target.is_dangerous else f"{host}."
    try:
        found = [ipaddress.ip_address(text) for text in await resolve(name, port)]
    except (OSError, ValueError):  # ValueError: a name that cannot be one.
        raise EgressFailed(SendFault.NAME_NOT_FOUND) from None
    if not found:
        raise EgressFailed(SendFault.NAME_NOT_FOUND)
    if not target.is_dangerous and not all(map(is_public, found)):
        raise EgressFailed(SendFault.ADDRESS_REFUSED)
    return list(dict.fromkeys(found))


async def _first_connection(
    addresses: Sequence[Address], port: int, seconds: float
) -> httpcore2.AsyncNetworkStream:
    """Return a connection to the first address that takes one; the time is shared out evenly."""
    tried = addresses[:ADDRESSES_TRIED_MAX]
    fault = SendFault.CONNECT_FAILED
    for address in tried:
        try:
            return await httpcore2.AnyIOBackend().connect_tcp(
                str(address), port, timeout=seconds / len(tried)
            )
        except httpcore2.ConnectTimeout:
            fault = SendFault.CONNECT_TIMED_OUT
        except (httpcore2.ConnectError, OSError, ExceptionGroup):
            # ExceptionGroup: uvloop has a RuntimeError for connections that the other end has
            # reset, and anyio, which knows of none, hands it on in a group.
            fault = SendFault.CONNECT_FAILED
    raise EgressFailed(fault)


async def _with_tls(
    stream: httpcore2.AsyncNetworkStream,
    target: Target,
    context: ssl.SSLContext,
    seconds: float,
) -> httpcore2.AsyncNetworkStream:
    host = target.place.host
    try:
        return await stream.start_tls(context, server_hostname=host, timeout=seconds)
    except BaseException as error:
        await stream.aclose()
        fault = _tls_fault_of(error)
        if fault is None:
            raise
    raise EgressFailed(fault)


def _tls_fault_of(error: BaseException) -> SendFault | None:
    """Return what a handshake's error means; None: it is not about the handshake."""
    if isinstance(error, httpcore2.ConnectTimeout):
        return SendFault.CONNECT_TIMED_OUT
    # OSError, ValueError: a certificate's own errors are of their kind. RuntimeError: uvloop's.
    if isinstance(error, httpcore2.ConnectError | OSError | RuntimeError | ValueError):
        return SendFault.TLS_FAILED
    return None
