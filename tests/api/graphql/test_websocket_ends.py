"""How a connection ends: by refusal, by limits, with its key, its client or the server."""

from __future__ import annotations

import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.api.graphql.support import KEY, Served, serve
from tests.api.graphql.talk import (
    INIT,
    INIT_WITH_KEY,
    PROTOCOL,
    TICKS,
    Talk,
    complete,
    next_,
    opened,
)


@pytest.mark.parametrize("authorization", ["Bearer nobody", "Basic eDp5", "Bearer a, Bearer b"])
async def test_a_wrong_key_in_the_upgrade_request_is_refused_there(
    served: Served, authorization: str
) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with opened(served, headers={"authorization": authorization}):
            pass
    response = caught.value.response
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert json.loads(response.body or b"")["code"] == "unauthenticated"
    await served.until_told()
    (line,) = served.telemetry.ended
    assert (line.status, line.code, line.transport) == (401, "unauthenticated", "websocket")


@pytest.mark.parametrize(
    "payload",
    [
        None,
        {},
        {"Authorization": "Bearer nobody"},
        {"Authorization": "operator"},
        {"Authorization": ["Bearer operator"]},
        {"Authorization": "Bearer operator", "authorization": "Bearer operator"},
        {"token": "Bearer operator"},
    ],
)
async def test_a_wrong_key_in_the_first_message_ends_the_connection(
    served: Served, payload: object
) -> None:
    async with opened(served) as talk:
        await talk.say(INIT | {"payload": payload})
        code, reason = await talk.closed()
        assert (code, reason[:12]) == (4401, "Unauthorized")
    await served.until_told()
    (line,) = served.telemetry.ended
    assert (line.route, line.method, line.status) == ("/graphql", "GET", 101)
    assert (line.code, line.transport) == ("unauthenticated", "websocket")


async def test_without_a_first_message_the_connection_ends() -> None:
    async with serve(init_seconds_max=0.05) as served, opened(served, headers=KEY) as talk:
        assert await talk.closed() == (4408, "Connection initialisation timeout")


async def test_operations_wait_for_the_acknowledgement(served: Served) -> None:
    async with opened(served, headers=KEY) as talk:
        await talk.subscribe("1", "{ hello }")
        assert await talk.closed() == (4401, "Unauthorized")


async def test_one_initialisation_is_enough(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        await talk.say(INIT_WITH_KEY)
        assert await talk.closed() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize("subprotocols", [None, ["graphql-ws"], ["graphql-ws", "soap"]])
async def test_other_protocols_are_not_spoken(
    served: Served, subprotocols: list[Subprotocol] | None
) -> None:
    async with connect(
        served.socket_url, subprotocols=subprotocols, additional_headers=KEY, proxy=None
    ) as socket:
        assert socket.subprotocol is None
        assert await Talk(socket).closed() == (4406, "Subprotocol not acceptable")


async def test_there_are_no_sockets_elsewhere(served: Served) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(f"{served.socket_url}/x", subprotocols=[PROTOCOL], proxy=None):
            pass
    assert caught.value.response.status_code == 403
    await served.until_told()
    assert (served.telemetry.ended[0].status, served.telemetry.ended[0].route) == (403, None)


async def test_an_id_that_is_taken_ends_the_connection(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("é" * 120, TICKS)
        assert (await talk.hear())["type"] == "next"
        await talk.subscribe("é" * 120, "{ hello }")
        code, reason = await talk.closed()
        assert code == 4409
        assert reason.startswith("Subscriber for éé")
        await served.until_open(0)


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "[" * 40,
        '{"type":"ping","type":"pong"}',
        '{"type":"ping","payload":NaN}',
        '{"type":"ping","payload":[]}',
        '{"type":"connection_init","payload":"Bearer operator"}',
        "{}",
        '{"type":7}',
        '{"type":["ping"]}',
        '{"type":"next","id":"1","payload":{}}',
        '{"type":"start","id":"1","payload":{"query":"{ hello }"}}',
        '{"type":"complete"}',
        '{"type":"complete","id":""}',
        '{"type":"complete","id":7}',
        '{"type":"subscribe","payload":{"query":"{ hello }"}}',
        '{"type":"subscribe","id":"","payload":{"query":"{ hello }"}}',
        '{"type":"subscribe","id":{},"payload":{"query":"{ hello }"}}',
        '{"type":"subscribe","id":"%s","payload":{"query":"{ hello }"}}' % ("x" * 129),
        '{"type":"subscribe","id":"1"}',
        '{"type":"subscribe","id":"1","payload":null}',
        '{"type":"subscribe","id":"1","payload":[]}',
        '{"type":"subscribe","id":"1","payload":{}}',
        '{"type":"subscribe","id":"1","payload":{"query":7}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ hello }","variables":[]}}',
        '{"type":"subscribe","id":"1","payload":{"query":"{ hello }","documentId":"known"}}',
    ],
)
async def test_what_is_no_message_ends_the_connection(
    served: Served, text: str, is_before: bool
) -> None:
    async with opened(served, init=None if is_before else INIT_WITH_KEY) as talk:
        await talk.socket.send(text)
        code, reason = await talk.closed()
    assert code == 4400
    assert reason.startswith("Invalid message: ")
    await served.until_told()
    assert served.telemetry.ended[0].code == "invalid_request"
    assert served.telemetry.broken == []


async def test_bytes_are_no_message(served: Served) -> None:
    async with opened(served) as talk:
        await talk.socket.send(json.dumps(INIT_WITH_KEY).encode())
        assert await talk.closed() == (4400, "Invalid message: only text is understood")


async def test_too_many_operations_are_refused_until_one_ends() -> None:
    async with serve(operations_max=1) as served, opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("1", TICKS)
        assert await talk.hear() == next_("1", ticks=0)
        await talk.subscribe("2", "{ hello }")
        message = await talk.hear()
        assert (message["id"], message["type"]) == ("2", "error")
        assert message["payload"][0]["extensions"]["code"] == "service_unavailable"
        await talk.say(complete("1"))
        await served.until_open(0)
        await talk.subscribe("2", "{ hello }")
        assert await talk.hear() == next_("2", hello="hello you")


async def test_too_many_connections_are_to_try_again_later() -> None:
    async with serve(per_caller_max=1) as served, opened(served, init=INIT_WITH_KEY):
        async with opened(served) as second:
            await second.say(INIT_WITH_KEY)
            assert (await second.closed())[0] == 1013
        async with opened(served) as other:
            await other.say(INIT | {"payload": {"Authorization": "Bearer reseller"}})
            assert await other.hear() == {"type": "connection_ack"}


async def test_operations_count_over_all_connections() -> None:
    async with (
        serve(per_caller_max=2) as served,
        opened(served, init=INIT_WITH_KEY) as first,
        opened(served, init=INIT_WITH_KEY) as second,
    ):
        await first.subscribe("1", TICKS)
        await first.subscribe("2", TICKS)
        await served.until_open(2)
        await second.subscribe("1", "{ hello }")
        message = await second.hear()
        assert message["payload"][0]["extensions"]["code"] == "service_unavailable"


async def test_a_running_operation_ends_with_its_key(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("1", TICKS)
        assert await talk.hear() == next_("1", ticks=0)
        served.keys.ended = True
        served.executor.events.put_nowait(7)
        code, reason = await talk.closed()
        assert code == 4401
        assert reason.startswith("Unauthorized: the key has expired, was revoked")
    await served.until_open(0)
    await served.until_told()
    assert served.telemetry.ended[0].code == "unauthenticated"


async def test_a_connection_does_not_outlive_its_key(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        served.keys.ended = True
        await talk.subscribe("1", "mutation { touch }")
        assert (await talk.closed())[0] == 4401
    assert served.executor.touched == 0


async def test_keys_that_cannot_be_looked_up_are_not_refused(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        served.keys.down = True
        await talk.subscribe("1", "{ hello }")
        message = await talk.hear()
        assert message["payload"][0]["extensions"]["code"] == "service_unavailable"
        async with opened(served) as other:
            await other.say(INIT_WITH_KEY)
            assert (await other.closed())[0] == 1013
        with pytest.raises(InvalidStatus) as caught:
            async with opened(served, headers=KEY):
                pass
        assert caught.value.response.status_code == 503
        served.keys.down = False
        await talk.subscribe("1", "{ hello }")
        assert await talk.hear() == next_("1", hello="hello you")


async def test_operations_end_with_their_client(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        for name in "abc":
            await talk.subscribe(name, TICKS)
        await served.until_open(3)
        talk.socket.transport.abort()
        await served.until_open(0)
    await served.until_told()
    (line,) = served.telemetry.ended
    assert (line.status, line.code, line.seconds > 0) == (101, None, True)
    assert served.telemetry.broken == []


async def test_nothing_is_queued_for_a_slow_reader(served: Served) -> None:
    async with opened(served, init=INIT_WITH_KEY) as talk:
        talk.socket.transport.pause_reading()
        for name in "abc":
            await talk.subscribe(name, "subscription { flood }")
        events = await served.until_flood_stands()
        assert 0 < events < 500
        talk.socket.transport.abort()
        await served.until_told()


async def test_connections_end_when_the_server_stops() -> None:
    async with serve() as served, opened(served, init=INIT_WITH_KEY) as talk:
        await talk.subscribe("1", TICKS)
        assert await talk.hear() == next_("1", ticks=0)
        served.stop.set()
        assert (await talk.closed())[0] == 1012
        await served.until_open(0)
