"""What the edge is told by the composition root, besides the ports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Final, Protocol

from gateway.api.exchange import Exchange
from gateway.api.gate import REQUESTS_MAX
from gateway.domain.documents import DocumentsModes

BODY_BYTES_MAX: Final = 1024 * 1024
#: The default of GATEWAY_LIMITS__REQUEST_SECONDS.
REQUEST_SECONDS: Final = 10.0

#: Tells whether something that we can do without is well; may raise, which counts as no.
Check = Callable[[], Awaitable[bool]]


class Telemetry(Protocol):
    """Logs and metrics of requests. No method raises."""

    def request_began(self, exchange: Exchange) -> None:
        """Bind the request id to everything that is logged from here on."""

    def request_ended(self, exchange: Exchange) -> None:
        """Write the canonical log line and count the request."""

    def request_broke(self, exchange: Exchange, error: Exception) -> None:
        """Log *error*, a bug, with its traceback; the caller only sees `internal_error`."""

    def metrics(self) -> tuple[bytes, str]:
        """Return the present metrics and their media type."""


class NoTelemetry:
    """Writes nothing."""

    def request_began(self, exchange: Exchange) -> None:
        """Do nothing."""

    def request_ended(self, exchange: Exchange) -> None:
        """Do nothing."""

    def request_broke(self, exchange: Exchange, error: Exception) -> None:
        """Do nothing."""

    def metrics(self) -> tuple[bytes, str]:
        """Return no metrics."""
        return b"", "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLimits:
    """How much may stay open: streams of events, and web sockets with what runs on them.

    `per_process_max` and `per_caller_max` hold for running operations and, counted apart, for
    connections. `operations_max` is for one connection.
    """

    per_process_max: int = 2_000
    per_caller_max: int = 200
    operations_max: int = 100
    keep_alive_seconds: float = 12.0
    init_seconds_max: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiOptions:
    """How the edge behaves. All defaults are safe.

    `public_url` is where callers reach us, without a trailing slash; empty: not known.
    `trusted_proxies` may tell us the client's address. `soft_checks` are named in /readyz, where a
    failing one means `degraded`; each check has `check_seconds_max`. `documents`: which GraphQL
    documents each kind of caller may send; ask `documents_mode`. `requests_max`: how many
    requests are in work at once. `request_seconds`: how long a body may take to arrive.
    """

    public_url: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    body_bytes_max: int = BODY_BYTES_MAX
    streams: StreamLimits = field(default_factory=StreamLimits)
    requests_max: int = REQUESTS_MAX
    request_seconds: float = REQUEST_SECONDS
    telemetry: Telemetry = field(default_factory=NoTelemetry)
    soft_checks: Mapping[str, Check] = field(default_factory=dict)
    check_seconds_max: float = 2.0
    documents: DocumentsModes = field(default_factory=DocumentsModes)
