"""The canonical line of a request, and what is counted of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog

from gateway.api.options import ApiOptions
from gateway.domain.caller import Caller, CallerKind
from gateway.domain.ids import ResellerId
from gateway.telemetry.metrics import Metrics
from gateway.telemetry.request_log import note, note_panel_call, present_notes
from gateway.telemetry.requests import RequestTelemetry

RESELLER = Caller(
    kind=CallerKind.RESELLER,
    id="rsl_1",
    key_id="key_1",
    reseller_id=ResellerId("rsl_1"),
    owner_path="/rsl_1/",
)


@dataclass
class Request:
    request_id: str = "req_1"
    method: str = "GET"
    ip: str | None = "203.0.113.7"
    route: str | None = "/v1/lines/{id}"
    caller: Caller | None = RESELLER
    status: int | None = 200
    code: str | None = None
    seconds: float = 0.0123456
    transport: str = "http"


@pytest.fixture(autouse=True)
def nothing_bound() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="1.2.3")


@pytest.fixture
def telemetry(metrics: Metrics) -> RequestTelemetry:
    return RequestTelemetry(metrics)


def told(telemetry: RequestTelemetry, request: Request) -> list[dict[str, object]]:
    with structlog.testing.capture_logs() as lines:
        telemetry.request_ended(request)
    return [dict(line) for line in lines]


async def test_one_line_holds_what_everybody_knew(telemetry: RequestTelemetry) -> None:
    request = Request()
    telemetry.request_began(request)
    assert structlog.contextvars.get_contextvars() == {"request_id": "req_1"}
    note(cache="miss")
    note(cache="hit", operation_id="op_1")

    async def elsewhere() -> None:
        note_panel_call()
        note(replayed=True)

    await asyncio.gather(elsewhere(), elsewhere())
    assert told(telemetry, request) == [
        {
            "event": "request.done",
            "log_level": "info",
            "method": "GET",
            "route": "/v1/lines/{id}",
            "status": 200,
            "duration_ms": 12.346,
            "ip": "203.0.113.7",
            "caller_kind": "reseller",
            "caller_id": "rsl_1",
            "key_id": "key_1",
            "reseller_id": "rsl_1",
            "cache": "hit",
            "operation_id": "op_1",
            "replayed": True,
            "panel_calls": 2,
        }
    ]
    assert structlog.contextvars.get_contextvars() == {}


def test_a_refused_stranger_has_a_code_and_no_caller(telemetry: RequestTelemetry) -> None:
    request = Request(route=None, caller=None, status=401, code="unauthenticated")
    telemetry.request_began(request)
    (line,) = told(telemetry, request)
    assert line["code"] == "unauthenticated"
    assert "caller_kind" not in line
    assert line["panel_calls"] == 0


def test_outside_of_a_request_notes_go_nowhere(telemetry: RequestTelemetry) -> None:
    telemetry.request_began(Request())
    told(telemetry, Request())
    note(cache="hit")
    note_panel_call()
    assert present_notes() is None
    assert "cache" not in told(telemetry, Request())[0]


async def test_requests_at_once_do_not_mix(telemetry: RequestTelemetry) -> None:
    async def served(number: int) -> dict[str, object]:
        request = Request(request_id=f"req_{number}")
        telemetry.request_began(request)
        await asyncio.sleep(0)
        note(operation_id=f"op_{number}")
        await asyncio.sleep(0)
        found = present_notes()
        assert found is not None
        return {**found.fields, **structlog.contextvars.get_contextvars()}

    done = await asyncio.gather(*(asyncio.create_task(served(n)) for n in range(5)))
    assert list(done) == [{"operation_id": f"op_{n}", "request_id": f"req_{n}"} for n in range(5)]


def test_a_bug_is_logged_with_its_error(telemetry: RequestTelemetry) -> None:
    error = RuntimeError("bug")
    with structlog.testing.capture_logs() as lines:
        telemetry.request_broke(Request(), error)
    assert lines == [
        {
            "event": "request.broke",
            "log_level": "error",
            "route": "/v1/lines/{id}",
            "exc_info": error,
        }
    ]


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_requests_are_counted_by_bounded_labels(
    telemetry: RequestTelemetry, metrics: Metrics
) -> None:
    for request in (
        Request(),
        Request(),
        Request(method="BREW", route=None, status=405),
        Request(method="POST", status=None),
    ):
        telemetry.request_began(request)
        told(telemetry, request)
    route = "/v1/lines/{id}"
    name = "gateway_requests_total"
    assert value(metrics, name, route=route, method="GET", status="200") == 2
    assert value(metrics, name, route="unmatched", method="other", status="405") == 1
    assert value(metrics, name, route=route, method="POST", status="0") == 1
    assert value(metrics, "gateway_request_seconds_count", route=route, method="GET") == 2


@pytest.mark.parametrize("transport", ["sse", "websocket"])
def test_what_lasts_as_long_as_its_caller_likes_is_not_measured(
    telemetry: RequestTelemetry, metrics: Metrics, transport: str
) -> None:
    request = Request(route="/graphql", transport=transport)
    (line,) = told(telemetry, request)
    assert (line["transport"], line["duration_ms"]) == (transport, 12.346)
    labels = {"route": "/graphql", "method": "GET"}
    assert value(metrics, "gateway_requests_total", **labels, status="200") == 1
    assert metrics.registry.get_sample_value("gateway_request_seconds_count", labels) is None


def test_everything_else_is_counted_and_rendered(
    telemetry: RequestTelemetry, metrics: Metrics
) -> None:
    metrics.panel_called(panel_id="pnl_1", action="user.info", outcome="ok", seconds=0.2)
    metrics.cache_read("hit")
    metrics.cache_event("forged")
    metrics.operation_reached(kind="line.create", state="succeeded")
    body, media_type = telemetry.metrics()
    text = body.decode()
    assert media_type.startswith("text/plain")
    for line in (
        'gateway_panel_calls_total{action="user.info",outcome="ok",panel="pnl_1"} 1.0',
        'gateway_panel_call_seconds_bucket{action="user.info",le="0.25",panel="pnl_1"} 1.0',
        'gateway_cache_reads_total{result="hit"} 1.0',
        'gateway_cache_events_total{event="forged"} 1.0',
        'gateway_operations_total{kind="line.create",state="succeeded"} 1.0',
        'gateway_build_info{python="',
    ):
        assert line in text


def test_the_edge_takes_it_as_its_telemetry(telemetry: RequestTelemetry) -> None:
    assert ApiOptions(telemetry=telemetry).telemetry is telemetry


def test_two_gateways_in_one_process_do_not_mix(metrics: Metrics) -> None:
    other = Metrics(version="1.2.3")
    metrics.cache_read("hit")
    assert value(other, "gateway_cache_reads_total", result="hit") is None
