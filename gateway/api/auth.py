"""`Authorization: Bearer` -> the caller."""

from __future__ import annotations

import re
from typing import Final

from gateway.api.exchange import Exchange
from gateway.api.limits import charge
from gateway.domain.caller import Caller
from gateway.domain.errors import Unauthenticated
from gateway.services.context import Ports

#: RFC 6750 section 2.1, with a limit.
_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)


async def authenticate(exchange: Exchange, ports: Ports, *, target: str | None = None) -> Caller:
    """Return who is asking, and charge it for the request.

    Args:
        target: the line or device that the request wants to change, if it names one.

    Raises:
        Unauthenticated: no key, more than one, not a bearer's, or one that identity refuses.
        RateLimited: too many requests, or too many wrong keys.
        ServiceUnavailable: the key cannot be looked up now.
    """
    exchange.caller = await ports.identity.identify(bearer_of(exchange), exchange.ip)
    await charge(exchange, ports, exchange.caller, target=target)
    return exchange.caller


def bearer_of(exchange: Exchange) -> str:
    """Return the key that the Authorization header holds.

    Raises:
        Unauthenticated: there is none, or more than one, or it is not a bearer's.
    """
    given = exchange.headers.get(b"authorization", ())
    if not given:
        raise Unauthenticated("Send a key as Authorization: Bearer <key>.")
    return bearer_in(given[0] if len(given) == 1 else b"")


def bearer_in(value: bytes) -> str:
    """Return the key in the *value* of one Authorization header.

    Raises:
        Unauthenticated: it is not `Bearer <key>`.
    """
    match = _BEARER.fullmatch(value.strip())
    if match is None:
        raise Unauthenticated("The Authorization header is not one Bearer key.")
    return match[1].decode("ascii")
