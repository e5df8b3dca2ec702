"""`Authorization: Bearer` -> the caller."""

from __future__ import annotations

import re
from typing import Final

from gateway.api.exchange import Exchange
from gateway.domain.caller import Caller
from gateway.domain.errors import Unauthenticated
from gateway.services.context import Ports

#: RFC 6750 section 2.1, with a limit.
_BEARER: Final = re.compile(rb"bearer +([A-Za-z0-9._~+/-]{1,4096}=*)", re.IGNORECASE)


async def authenticate(exchange: Exchange, ports: Ports) -> Caller:
    """Return who is asking.

    Raises:
        Unauthenticated: no key, more than one, not a bearer's, or one that identity refuses.
        ServiceUnavailable: the key cannot be looked up now.
    """
    given = exchange.headers.get(b"authorization", ())
    if not given:
        raise Unauthenticated("Send a key as Authorization: Bearer <key>.")
    match = _BEARER.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None:
        raise Unauthenticated("The Authorization header is not one Bearer key.")
    exchange.caller = await ports.identity.identify(match[1].decode("ascii"), exchange.ip)
    return exchange.caller
