"""GraphQL over server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.domain.errors import ServiceUnavailable
from tests.api.graphql.conftest import RunScript
from tests.api.graphql.stand_in import MUCH
from tests.api.graphql.support import EVENTS, JSON, KEY, RESPONSE, Served, serve

HEADERS = KEY | {"accept": EVENTS}
TICKS = {"query": "subscription { ticks }"}
COMPLETE = ("complete", None)


def events_in(text: str) -> list[tuple[str, Any]]:
    """Return names and data of the events in a whole answer, and check that there is no rest."""
    assert text == "" or text.endswith("\n\n")
    found = []
    for block in text.split("\n\n")[:-1]:
        if block != ":":
            name, data = block.split("\n")
            payload = data.removeprefix("data:").strip()
            found.append((name.removeprefix("event: "), json.loads(payload) if payload else None))
    return found


async def asked(served: Served, query: str, **headers: str) -> list[tuple[str, Any]]:
    async with served.client(**HEADERS) as client:
        response = await client.post(served.url, json={"query": query}, headers=headers)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.text.startswith(":\n\n")
    return events_in(response.text)


async def next_event(lines: AsyncIterator[str]) -> tuple[str, Any]:
    """Return the next event of a stream that is still open."""
    async for line in lines:
        if line.startswith("event: "):
            data = (await anext(lines)).removeprefix("data:").strip()
            return line.removeprefix("event: "), json.loads(data) if data else None
    return ("end", None)


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ hello }", [{"hello": "hello you"}]),
        ("mutation { touch }", [{"touch": 1}]),
        ("subscription { count(to: 3) }", [{"count": 1}, {"count": 2}, {"count": 3}]),
        ("subscription { count(to: 0) }", []),
    ],
)
async def test_each_result_is_an_event_and_then_it_is_complete(
    served: Served, query: str, data: list[Any]
) -> None:
    expected = [("next", {"data": it}) for it in data]
    assert await asked(served, query) == [*expected, COMPLETE]


async def test_the_exact_bytes_are_those_of_the_protocol(served: Served) -> None:
    async with served.client(**HEADERS) as client:
        response = await client.post(served.url, json={"query": "{ hello }"})
    assert response.content == (
        b':\n\nevent: next\ndata: {"data":{"hello":"hello you"}}\n\nevent: complete\ndata:\n\n'
    )


async def test_a_get_reads_and_follows_but_changes_nothing(served: Served) -> None:
    async with served.client(**HEADERS) as client:
        for query, names in (
            ("subscription { count(to: 1) }", {"data"}),
            ("{ hello }", {"data"}),
            ("mutation { touch }", {"errors"}),
        ):
            response = await client.get(served.url, params={"query": query})
            (name, payload), last = events_in(response.text)
            assert (name, set(payload), last) == ("next", names, COMPLETE)
    assert served.executor.touched == 0


@pytest.mark.parametrize("query", ["{", "{ unknown }", "subscription { count }"])
async def test_what_is_wrong_with_the_operation_is_an_event(served: Served, query: str) -> None:
    (name, payload), last = await asked(served, query)
    assert (name, set(payload), last) == ("next", {"errors"}, COMPLETE)
    assert payload["errors"][0]["extensions"]["code"] == "invalid_request"
    await served.until_told()
    assert served.telemetry.ended[0].code == "invalid_request"


async def test_before_the_stream_begins_errors_have_their_status(served: Served) -> None:
    async with served.client(accept=EVENTS) as client:
        stranger = await client.post(served.url, json=TICKS)
        malformed = await client.post(
            served.url, content=b"{", headers=KEY | {"content-type": JSON}
        )
    assert (stranger.status_code, malformed.status_code) == (401, 400)
    assert stranger.json()["errors"][0]["extensions"]["code"] == "unauthenticated"
    assert malformed.headers["content-type"] == f"{JSON}; charset=utf-8"


async def test_a_client_of_many_forms_gets_a_stream_for_a_subscription_only(
    served: Served,
) -> None:
    accept = f"{RESPONSE}, {JSON}, {EVENTS}, multipart/mixed"
    async with served.client(**KEY, accept=accept) as client:
        one = await client.post(served.url, json={"query": "{ hello }"})
        many = await client.post(served.url, json={"query": "subscription { count(to: 1) }"})
        read = await client.get(served.url, params={"query": "subscription { count(to: 1) }"})
    assert one.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert events_in(many.text) == [("next", {"data": {"count": 1}}), COMPLETE]
    assert read.status_code == 405


async def test_a_quiet_stream_shows_that_it_is_alive() -> None:
    async with (
        serve(keep_alive_seconds=0.01) as served,
        served.client(**HEADERS) as client,
        client.stream("POST", served.url, json=TICKS) as response,
    ):
        lines = response.aiter_lines()
        assert await next_event(lines) == ("next", {"data": {"ticks": 0}})
        comments = [await anext(lines) for _ in range(9)]
    assert comments.count(":") >= 4
    assert set(comments) == {":", ""}


async def test_an_operation_ends_with_its_client(served: Served) -> None:
    async with served.client(**HEADERS) as client:
        async with client.stream("POST", served.url, json=TICKS) as response:
            lines = response.aiter_lines()
            assert await next_event(lines) == ("next", {"data": {"ticks": 0}})
            await served.until_open(1)
            served.executor.events.put_nowait(7)
            assert await next_event(lines) == ("next", {"data": {"ticks": 7}})
        await served.until_open(0)
    await served.until_told()
    (line,) = served.telemetry.ended
    assert (line.route, line.status, line.code) == ("/graphql", 200, None)
    assert line.transport == "sse"
    assert served.telemetry.broken == []


async def test_a_stream_ends_with_its_key(served: Served) -> None:
    async with (
        served.client(**HEADERS) as client,
        client.stream("POST", served.url, json=TICKS) as response,
    ):
        lines = response.aiter_lines()
        assert await next_event(lines) == ("next", {"data": {"ticks": 0}})
        served.keys.ended = True
        served.executor.events.put_nowait(7)
        name, payload = await next_event(lines)
        assert (name, set(payload)) == ("next", {"errors"})
        assert payload["errors"][0]["extensions"]["code"] == "unauthenticated"
        assert await next_event(lines) == COMPLETE
        assert await next_event(lines) == ("end", None)
    await served.until_open(0)
    await served.until_told()
    assert served.telemetry.ended[0].code == "unauthenticated"


@pytest.mark.parametrize(
    ("error", "code"), [("down", "service_unavailable"), ("bug", "internal_error")]
)
async def test_a_broken_source_is_told_and_complete(served: Served, error: str, code: str) -> None:
    events = await asked(served, f'subscription {{ broken(error: "{error}") }}')
    assert [name for name, _ in events] == ["next", "next", "complete"]
    assert events[0][1] == {"data": {"broken": 1}}
    assert events[1][1]["errors"][0]["extensions"]["code"] == code
    assert "secret" not in str(events)
    assert len(served.telemetry.broken) == (1 if error == "bug" else 0)


async def test_a_failure_before_the_first_result_is_told(served: Served) -> None:
    served.executor.broken = ServiceUnavailable("The database is down.")
    (name, payload), last = await asked(served, "{ hello }")
    assert (name, last) == ("next", COMPLETE)
    assert payload["errors"][0]["extensions"]["retryAfterSeconds"] == 5


@pytest.mark.parametrize("limit", ["per_caller_max", "per_process_max"])
async def test_too_many_streams_are_refused_until_one_ends(limit: str) -> None:
    async with serve(**{limit: 1}) as served, served.client(**HEADERS) as client:
        async with client.stream("POST", served.url, json=TICKS) as response:
            assert response.status_code == 200
            await served.until_open(1)
            refused = await client.post(served.url, json=TICKS)
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "30"
            other = await client.post(
                served.url,
                json={"query": "subscription { count(to: 1) }"},
                headers={"authorization": "Bearer reseller"},
            )
            assert other.status_code == (200 if limit == "per_caller_max" else 503)
        await served.until_told(3)
        assert await asked(served, "{ hello }") == [
            ("next", {"data": {"hello": "hello you"}}),
            COMPLETE,
        ]


async def test_nothing_is_queued_for_a_slow_reader(served: Served) -> None:
    body = json.dumps({"query": "subscription { flood }"}).encode()
    head = (
        f"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer operator\r\n"
        f"Accept: {EVENTS}\r\nContent-Type: {JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    _, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=len(MUCH))
    writer.write(head.encode() + body)
    await writer.drain()
    events = await served.until_flood_stands()
    assert 0 < events < 500
    writer.transport.abort()
    await served.until_told()


async def test_streams_end_when_the_server_stops() -> None:
    async with serve() as served, served.client(**HEADERS) as client:
        async with client.stream("POST", served.url, json=TICKS) as response:
            lines = response.aiter_lines()
            assert await next_event(lines) == ("next", {"data": {"ticks": 0}})
            served.stop.set()
            # No `complete`: the client is to come back.
            assert await next_event(lines) == ("end", None)
        await served.until_open(0)


async def test_the_client_graphql_sse_understands_it_all(
    served: Served, run_script: RunScript
) -> None:
    told = asyncio.create_task(run_script("sse.mjs", served.url, "operator"))
    await served.until_open(1)
    served.executor.events.put_nowait(7)
    await served.until_open(0)
    assert await told == {
        "query": [{"data": {"hello": "hello you"}}],
        "count": [{"data": {"count": 1}}, {"data": {"count": 2}}],
        "refused": ["invalid_request"],
        "ticks": [0, 7],
        "stranger": 401,
    }


async def test_the_client_graphql_sse_learns_that_its_key_has_ended(
    served: Served, run_script: RunScript
) -> None:
    told = asyncio.create_task(run_script("sse_ended.mjs", served.url, "operator"))
    await served.until_open(1)
    served.keys.ended = True
    served.executor.events.put_nowait(7)
    assert await told == [{"ticks": 0}, "unauthenticated", "complete"]


async def test_the_client_graphql_sse_comes_back_after_a_restart(run_script: RunScript) -> None:
    async with serve() as first, serve() as second:
        told = asyncio.create_task(run_script("sse_again.mjs", first.url, "operator", second.url))
        await first.until_open(1)
        first.stop.set()
        await second.until_open(1)
        second.executor.events.put_nowait(7)
        assert await told == [0, 0, 7]
