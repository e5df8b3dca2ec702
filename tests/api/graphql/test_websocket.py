"""GraphQL over web sockets: graphql-transport-ws, message by message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.api.graphql.conftest import RunScript
from tests.api.graphql.support import KEY, Served, serve
from tests.api.graphql.talk import (
    INIT,
    INIT_WITH_KEY,
    TICKS,
    complete,
    next_,
    opened,
)


@pytest.mark.parametrize(
    ("headers", "init"),
    [
        (KEY, INIT),
        (KEY, INIT | {"payload": None}),
        (KEY, INIT | {"payload": {"Authorization": "Bearer nobody"}}),
        ({}, INIT_WITH_KEY),
        ({}, INIT | {"payload": {"authorization": "bearer operator", "other": [1]}}),
    ],
    ids=["header", "header, null payload", "header before payload", "payload", "lower case"],
)
async def test_a_key_comes_with_the_upgrade_or_the_first_message(
    served: Served, headers: dict[str, str], init: object
) -> None:
    async with opened(served, headers=headers, init=init) as talk:
        await talk.subscribe("1", "{ hello }")
        assert await talk.hear() == next_("1", hello="hello you")
        assert await talk.hear() == complete("1")


async def test_operations_of_all_kinds_share_one_connection(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("s", TICKS)
        assert await talk.hear() == next_("s", ticks=0)
        await talk.subscribe("m", "mutation { touch }")
        assert [await talk.hear(), await talk.hear()] == [next_("m", touch=1), complete("m")]
        named: dict[str, object] = {
            "documentId": "known",
            "query": None,
            "operationName": "",
            "extensions": {},
        }
        await talk.say({"id": "d", "type": "subscribe", "payload": named})
        expected = [next_("d", hello="hello you"), complete("d")]
        assert [await talk.hear(), await talk.hear()] == expected
        query = "query A($n: String!) { hello(name: $n) } query B { hello }"
        await talk.subscribe("q", query, variables={"n": "x"}, operationName="A")
        assert [await talk.hear(), await talk.hear()] == [
            next_("q", hello="hello x"),
            complete("q"),
        ]
        served.executor.events.put_nowait(7)
        assert await talk.hear() == next_("s", ticks=7)
        await talk.subscribe("c", "subscription { count(to: 2) }")
        assert [await talk.hear() for _ in range(3)] == [
            next_("c", count=1),
            next_("c", count=2),
            complete("c"),
        ]


@pytest.mark.parametrize("query", ["{", "{ unknown }", "subscription { count }"])
async def test_a_refused_operation_is_an_error_and_the_connection_lives(
    served: Served, query: str
) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        for _ in range(2):  # The id is free again.
            await talk.subscribe("1", query)
            message = await talk.hear()
            assert (message["id"], message["type"]) == ("1", "error")
            (error,) = message["payload"]
            assert error["extensions"]["code"] == "invalid_request"


@pytest.mark.parametrize(
    ("error", "code"), [("down", "service_unavailable"), ("bug", "internal_error")]
)
async def test_a_broken_source_is_an_error(served: Served, error: str, code: str) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("1", f'subscription {{ broken(error: "{error}") }}')
        assert await talk.hear() == next_("1", broken=1)
        message = await talk.hear()
        assert (message["id"], message["type"]) == ("1", "error")
        assert message["payload"][0]["extensions"]["code"] == code
        assert "secret" not in str(message)
        await talk.subscribe("1", "{ hello }")
        assert await talk.hear() == next_("1", hello="hello you")
    assert len(served.telemetry.broken) == (1 if error == "bug" else 0)


async def test_a_failed_field_is_a_result(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("1", "{ nothing }")
        message = await talk.hear()
        assert message["payload"]["data"] == {"nothing": None}
        assert message["payload"]["errors"][0]["extensions"]["code"] == "not_found"
        assert await talk.hear() == complete("1")


async def test_a_completed_operation_ends_and_its_id_is_free(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        for _ in range(3):
            await talk.subscribe("1", TICKS)
            assert await talk.hear() == next_("1", ticks=0)
            await talk.say(complete("1"), complete("1"), complete("unknown"))
        await talk.say({"type": "ping"})
        assert await talk.hear() == {"type": "pong"}
        await served.until_open(0)


@pytest.mark.parametrize("payload", [None, {}, {"a": [1, "é"]}])
async def test_a_ping_is_answered_with_what_it_held(served: Served, payload: Any) -> None:
    given = {} if payload is None else {"payload": payload}
    async with opened(served) as talk:
        await talk.say({"type": "pong"}, {"type": "ping"} | given)
        assert await talk.hear() == {"type": "pong"} | given
        await talk.say(INIT_WITH_KEY)
        assert await talk.hear() == {"type": "connection_ack"}
        await talk.say({"type": "pong"} | given, {"type": "ping"} | given)
        assert await talk.hear() == {"type": "pong"} | given


async def test_the_handshake_tells_the_request_id_and_errors_name_it(served: Served) -> None:
    headers = KEY | {"x-request-id": "billing.4711"}
    async with opened(served, headers=headers, init=INIT) as talk:
        assert talk.socket.response is not None
        assert talk.socket.response.headers["x-request-id"] == "billing.4711"
        await talk.subscribe("1", "{")
        error = (await talk.hear())["payload"][0]
        assert error["extensions"]["requestId"] == "billing.4711"


async def test_the_client_graphql_ws_understands_it_all(
    served: Served, run_script: RunScript
) -> None:
    told = asyncio.create_task(run_script("ws.mjs", served.socket_url, "operator"))
    await served.until_open(1)
    served.executor.events.put_nowait(7)
    assert await told == {
        "query": [{"data": {"hello": "hello you"}}],
        "count": [{"data": {"count": 1}}, {"data": {"count": 2}}],
        "refused": ["invalid_request"],
        "ticks": [0, 7],
        "stranger": 4401,
    }
    await served.until_open(0)


async def test_the_client_graphql_ws_does_not_come_back_with_an_ended_key(
    served: Served, run_script: RunScript
) -> None:
    told = asyncio.create_task(run_script("ws_ended.mjs", served.socket_url, "operator"))
    await served.until_open(1)
    served.keys.ended = True
    served.executor.events.put_nowait(7)
    first, code, reason, connections = await told
    assert (first, code, connections) == ({"ticks": 0}, 4401, 1)
    assert "expired" in reason


async def test_the_client_graphql_ws_comes_back_after_a_restart(run_script: RunScript) -> None:
    async with serve() as first, serve() as second:
        told = asyncio.create_task(
            run_script("ws_again.mjs", first.socket_url, "operator", second.socket_url)
        )
        await first.until_open(1)
        first.stop.set()
        await second.until_open(1)
        second.executor.events.put_nowait(7)
        assert await told == [0, 0, 7]
