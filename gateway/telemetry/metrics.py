"""Prometheus metrics, in a registry of their own: two gateways in one process do not mix.

Labels come from bounded sets: route templates, methods, codes, panel ids; never an id of a line, a
path or a text that a caller sent, for each new value would be a new time series for ever.
"""

from __future__ import annotations

import platform
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

#: Seconds; a cached answer takes about 0.001, a panel 0.01 to 15, a change up to 60.
LATENCY_BUCKETS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0,
)  # fmt: skip
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER: Final = "other"
#: The route of what no route took.
UNMATCHED: Final = "unmatched"


class Metrics:
    """All numbers of one gateway. Made once, by the composition root."""

    def __init__(self, *, version: str) -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        self._requests = Counter(
            "gateway_requests",
            "Requests answered; status 0: the caller went away.",
            ("route", "method", "status"),
            registry=self.registry,
        )
        self._request_seconds = Histogram(
            "gateway_request_seconds",
            "Time from a request's head to the end of its answer.",
            ("route", "method"),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._requests_in_work = Gauge(
            "gateway_requests_in_work",
            "Requests that are being answered, streams of events included.",
            registry=self.registry,
        )
        self._panel_calls = Counter(
            "gateway_panel_calls",
            "Calls sent to panels, by what came of them.",
            ("panel", "action", "outcome"),
            registry=self.registry,
        )
        self._panel_seconds = Histogram(
            "gateway_panel_call_seconds",
            "Time from sending a call to its answer or failure.",
            ("panel", "action"),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._panel_circuits = Gauge(
            "gateway_panel_circuit",
            "Where this process's circuit of a panel stands: 1 at closed, or at why it is open.",
            ("panel", "state"),
            registry=self.registry,
        )
        self._circuit_states: dict[str, str] = {}
        self._panel_limits = Gauge(
            "gateway_panel_calls_at_once_max",
            "Calls that this process has under way at a panel at most: what it can take now.",
            ("panel",),
            registry=self.registry,
        )
        self._panel_retries = Counter(
            "gateway_panel_retries",
            "Reads that failed and could be repeated: sent, or withheld to spare the panel.",
            ("panel", "result"),
            registry=self.registry,
        )
        self._mails = Counter(
            "gateway_mails",
            "Mails to the operators, by what became of them.",
            ("outcome",),
            registry=self.registry,
        )
        self._panel_shed = Counter(
            "gateway_panel_shed",
            "Calls that were not sent, for no turn came in time: change, read or background.",
            ("panel", "priority"),
            registry=self.registry,
        )
        self._cache_reads = Counter(
            "gateway_cache_reads",
            "Info reads by where the answer came from: hit, miss, stale, bypass.",
            ("result",),
            registry=self.registry,
        )
        self._cache_events = Counter(
            "gateway_cache_events",
            "What happened inside the cache: failed, bypassed, forged, raises queued, ...",
            ("event",),
            registry=self.registry,
        )
        self._operations = Counter(
            "gateway_operations",
            "Operations that came to a state.",
            ("kind", "state"),
            registry=self.registry,
        )
        self._describe_build(version)

    def request_began(self) -> None:
        """Count a request as in work, until it is answered."""
        self._requests_in_work.inc()

    def request_answered(
        self, *, route: str | None, method: str, status: int | None, seconds: float | None
    ) -> None:
        """Count a request. *route* is the template, None where no route took it.

        *seconds* None: how long it lasted was the caller's choice.
        """
        self._requests_in_work.dec()
        known_method = method if method in METHODS else OTHER
        known_route = route or UNMATCHED
        self._requests.labels(known_route, known_method, str(status or 0)).inc()
        if seconds is not None:
            self._request_seconds.labels(known_route, known_method).observe(seconds)

    def panel_called(self, *, panel_id: str, action: str, outcome: str, seconds: float) -> None:
        """Count a call. *action* such as `user.info`.

        *outcome*: `answered`, `maybe_sent`, `not_sent`, `cancelled`, or a problem's code.
        """
        self._panel_calls.labels(panel_id, action, outcome).inc()
        self._panel_seconds.labels(panel_id, action).observe(seconds)

    def panel_circuit(self, *, panel_id: str, state: str) -> None:
        """Show where a panel's circuit stands: `closed`, or one of the reasons to open it."""
        before = self._circuit_states.get(panel_id, state)
        self._panel_circuits.labels(panel_id, before).set(0)
        self._panel_circuits.labels(panel_id, state).set(1)
        self._circuit_states[panel_id] = state

    def panel_limit(self, panel_id: str, calls_at_once: int) -> None:
        """Show how many calls a panel can take at once now; fits `Limiters`."""
        self._panel_limits.labels(panel_id).set(calls_at_once)

    def panel_retry(self, panel_id: str, granted: bool) -> None:  # noqa: FBT001 - see below
        """Count a read that could be repeated, and whether it was; fits `RetryBudgets`."""
        self._panel_retries.labels(panel_id, "sent" if granted else "withheld").inc()

    def panel_shed(self, panel_id: str, priority: str) -> None:
        """Count a call that was not sent, for no turn came in time."""
        self._panel_shed.labels(panel_id, priority).inc()

    def mail(self, outcome: str) -> None:
        """Count a mail: `sent`, `later` or `refused`."""
        self._mails.labels(outcome).inc()

    def cache_read(self, result: str) -> None:
        """Count an info read: `hit`, `miss`, `stale` or `bypass`."""
        self._cache_reads.labels(result).inc()

    def cache_event(self, event: str) -> None:
        """Count what a cache tells; fits its `count` argument."""
        self._cache_events.labels(event).inc()

    def operation_reached(self, *, kind: str, state: str) -> None:
        """Count an operation that came to *state*."""
        self._operations.labels(kind, state).inc()

    def render(self) -> tuple[bytes, str]:
        """Return the present numbers and their media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST

    def _describe_build(self, version: str) -> None:
        build = Gauge(
            "gateway_build_info",
            "Always 1; its labels say what runs.",
            ("version", "python"),
            registry=self.registry,
        )
        build.labels(version, platform.python_version()).set(1)
