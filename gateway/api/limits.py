"""Rate limits at the edge: each authenticated request is charged once, and its answer says so.

The fields are those of the IETF's draft "RateLimit header fields for HTTP".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.api.exchange import Exchange, RawHeaders, header
from gateway.domain.caller import Caller
from gateway.domain.errors import RateLimited
from gateway.domain.limits import Standing
from gateway.services.context import Ports


async def charge(
    exchange: Exchange,
    ports: Ports,
    caller: Caller,
    *,
    cost: int = 1,
    target: str | None = None,
) -> None:
    """Charge *caller* for a request, and keep how it stands for the answer's headers.

    Raises:
        RateLimited
    """
    try:
        standings = await ports.rates.charge(caller, cost=cost, target=target)
    except RateLimited as error:
        exchange.standings = error.standings
        raise
    exchange.standings = standings or exchange.standings


def rate_limit_fields(standings: Sequence[Standing]) -> RawHeaders:
    """Return the RateLimit fields: the caller's own policy, and those that refuse the request."""
    shown = [it for place, it in enumerate(standings) if place == 0 or it.wait]
    if not shown:
        return ()
    policies = (f'"{it.policy}";q={it.rate.quota};w={it.rate.window_seconds}' for it in shown)
    states = (f'"{it.policy}";r={it.remaining};t={it.full_in_seconds}' for it in shown)
    return header(POLICY, ", ".join(policies)), header(STATE, ", ".join(states))


POLICY: Final = b"ratelimit-policy"
STATE: Final = b"ratelimit"
