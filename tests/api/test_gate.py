"""One process has so many requests in work, and says no to more of them at once."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from gateway.api.app import create_app
from gateway.api.gate import GateMiddleware
from gateway.api.options import ApiOptions
from gateway.domain.errors import ServiceUnavailable
from tests.api.support import Store, assert_problem, some_ports

MOST = 20
READS_MOST = 18


class Held:
    """An application that holds each request until it is told to answer."""

    def __init__(self, media_type: bytes = b"application/json") -> None:
        self.media_type = media_type
        self.reached = 0
        self.answering = asyncio.Event()
        self.ending = asyncio.Event()
        self.ending.set()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.reached += 1
        await self.answering.wait()
        headers = [(b"content-type", self.media_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await self.ending.wait()
        await send({"type": "http.response.body", "body": b"{}"})


async def no_body() -> Any:
    raise AssertionError("nothing is read of a request that is refused")


async def nowhere(_message: Any) -> None:
    return


def request(gate: GateMiddleware, method: str = "GET", path: str = "/v1/me") -> asyncio.Task[None]:
    scope = {"type": "http", "method": method, "path": path}
    return asyncio.ensure_future(gate(scope, no_body, nowhere))


async def refusal(gate: GateMiddleware, method: str) -> ServiceUnavailable | None:
    """Return how one more is refused; it must not take a single turn of waiting."""
    asking = request(gate, method)
    await asyncio.sleep(0)
    if not asking.done():
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return None
    error = asking.exception()
    assert isinstance(error, ServiceUnavailable)
    assert error.retry_after_seconds == 1
    return error


async def test_reads_are_refused_before_changes_and_both_at_once() -> None:
    app = Held()
    gate = GateMiddleware(app, MOST)
    waiting = [request(gate) for _ in range(READS_MOST)]
    await asyncio.sleep(0)
    assert await refusal(gate, "GET") is not None
    assert await refusal(gate, "HEAD") is not None
    waiting += [request(gate, "POST") for _ in range(MOST - READS_MOST)]
    await asyncio.sleep(0)
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        assert await refusal(gate, method) is not None
    assert app.reached == MOST
    app.answering.set()
    await asyncio.gather(*waiting)
    assert gate.in_work == 0
    await request(gate)
    assert app.reached == MOST + 1


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
async def test_health_is_always_answered(path: str) -> None:
    app = Held()
    gate = GateMiddleware(app, MOST)
    waiting = [request(gate, "POST") for _ in range(MOST)]
    await asyncio.sleep(0)
    asking = request(gate, path=path)
    await asyncio.sleep(0)
    assert app.reached == MOST + 1
    app.answering.set()
    await asyncio.gather(asking, *waiting)


async def test_a_request_that_breaks_or_goes_away_leaves_its_place() -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise ZeroDivisionError

    gate = GateMiddleware(broken, MOST)
    with pytest.raises(ZeroDivisionError):
        await request(gate)
    gate.app = Held()
    gone = request(gate)
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert gate.in_work == 0


async def test_a_stream_of_events_holds_no_place_once_it_has_begun() -> None:
    app = Held(b"text/event-stream; charset=utf-8")
    app.ending.clear()
    gate = GateMiddleware(app, MOST)
    streams = [request(gate, "POST") for _ in range(MOST)]
    await asyncio.sleep(0)
    assert gate.in_work == MOST
    app.answering.set()
    await asyncio.sleep(0)
    assert gate.in_work == 0
    app.ending.set()
    await asyncio.gather(*streams)
    assert gate.in_work == 0


async def test_the_refusal_is_a_problem_with_retry_after() -> None:
    class Slow(Store):
        async def is_ready(self) -> bool:
            return True

    app = create_app(some_ports(store=Slow()), ApiOptions(requests_max=0))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        refused = await client.get("/v1/me")
        assert_problem(refused, 503, "service_unavailable")
        assert refused.headers["Retry-After"] == "1"
        assert (await client.get("/readyz")).status_code == 200
