"""What the edge tells of each request: the canonical log line, and the numbers."""

from __future__ import annotations

from typing import Any, Final, Protocol

import structlog

from gateway.domain.caller import Caller
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_log import begin_notes, end_notes, present_notes

_log: Final = structlog.get_logger("gateway.requests")
#: The transport whose requests take as long as we need, not as long as the caller likes.
_SHORT: Final = "http"


class SeenRequest(Protocol):
    """What of a request is told; the edge's `Exchange` fits.

    `route` is the template of the path, `code` that of the problem; None where there is none.
    `status` None: no answer was given, for the caller went away.
    """

    @property
    def request_id(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def ip(self) -> str | None: ...
    @property
    def route(self) -> str | None: ...
    @property
    def caller(self) -> Caller | None: ...
    @property
    def status(self) -> int | None: ...
    @property
    def code(self) -> str | None: ...
    @property
    def seconds(self) -> float: ...
    @property
    def transport(self) -> str: ...


class RequestTelemetry:
    """Logs and counts requests; implements the edge's `Telemetry`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def request_began(self, exchange: SeenRequest) -> None:
        """Bind the request id to all that is logged from here on, and start the notes."""
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        begin_notes()
        self._metrics.request_began()

    def request_ended(self, exchange: SeenRequest) -> None:
        """Write the canonical line, once, and count the request."""
        self._metrics.request_answered(
            route=exchange.route,
            method=exchange.method,
            status=exchange.status,
            seconds=exchange.seconds if exchange.transport == _SHORT else None,
        )
        _log.info("request.done", **_line_of(exchange))
        end_notes()
        structlog.contextvars.unbind_contextvars("request_id")

    def request_broke(self, exchange: SeenRequest, error: Exception) -> None:
        """Log a bug with its traceback; the caller only sees `internal_error`."""
        _log.error("request.broke", route=exchange.route, exc_info=error)

    def metrics(self) -> tuple[bytes, str]:
        """Return the present metrics and their media type."""
        return self._metrics.render()


def _line_of(exchange: SeenRequest) -> dict[str, Any]:
    """Return the fields of the line. The path is not among them: it is the caller's text."""
    line: dict[str, Any] = {
        "method": exchange.method,
        "route": exchange.route,
        "status": exchange.status,
        "duration_ms": round(exchange.seconds * 1000, 3),
        "ip": exchange.ip,
    }
    if (caller := exchange.caller) is not None:
        line |= {"caller_kind": caller.kind.value, "caller_id": caller.id, "key_id": caller.key_id}
        line["reseller_id"] = caller.reseller_id
    if exchange.transport != _SHORT:
        line["transport"] = exchange.transport
    if exchange.code is not None:
        line["code"] = exchange.code
    if (notes := present_notes()) is not None:
        line |= notes.fields
        line["panel_calls"] = notes.panel_calls
    return line
