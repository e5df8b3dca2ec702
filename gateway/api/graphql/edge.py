"""What all transports share: the executor, the ports, and how much is open."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gateway.api.auth import Credential, identify
from gateway.api.exchange import Exchange
from gateway.api.graphql.errors import graphql_error
from gateway.api.graphql.request import Asked, Executor, Result
from gateway.api.graphql.slots import Slots
from gateway.api.limits import charge
from gateway.api.middleware import note
from gateway.api.options import ApiOptions
from gateway.api.rest.headers import wants_fresh
from gateway.api.rest.preferences import preferences_of
from gateway.services.context import Ports


@dataclass(frozen=True, slots=True)
class Edge:
    """Made once an application. `streams` counts running operations, `sockets` connections."""

    executor: Executor
    ports: Ports
    options: ApiOptions
    streams: Slots = field(init=False)
    sockets: Slots = field(init=False)

    def __post_init__(self) -> None:
        limits = self.options.streams
        for name in ("streams", "sockets"):
            slots = Slots(all_max=limits.per_process_max, per_caller_max=limits.per_caller_max)
            object.__setattr__(self, name, slots)

    async def asked(
        self, exchange: Exchange, credential: Credential, *, is_charged: bool = True
    ) -> Asked:
        """Return who asks, found out anew, and charge it for one request.

        Raises:
            Unauthenticated: the key or token is not, or no longer, valid.
            PermissionDenied: the page that asks may not use it.
            RateLimited: too many requests, or too many wrong keys.
            ServiceUnavailable: it cannot be looked up now.
        """

        async def charge_more(count: int) -> None:
            await charge(exchange, self.ports, caller, cost=count)

        caller = await identify(exchange, self.ports, credential)
        if is_charged:
            await charge(exchange, self.ports, caller)
        return Asked(
            ports=self.ports,
            caller=caller,
            request_id=exchange.request_id,
            ip=exchange.ip,
            identify=lambda: identify(exchange, self.ports, credential.once_more()),
            charge=charge_more,
            no_cache=wants_fresh(exchange.headers),
            preferences=preferences_of(exchange.headers),
        )

    def told(self, error: Exception, exchange: Exchange) -> dict[str, Any]:
        """Return *error* as the caller sees it; the log line keeps its code, the log a bug."""
        note(exchange, error, self.options)
        return graphql_error(error, exchange.request_id)


def note_result(exchange: Exchange, result: Result) -> None:
    """Keep the code of a result's first error for the log line."""
    if result.errors:
        exchange.code = result.errors[0].get("extensions", {}).get("code")
