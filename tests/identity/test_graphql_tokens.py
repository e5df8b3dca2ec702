"""Tokens with GraphQL: by HTTP, in a stream of events, on a web socket; and how they end it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import pytest
import pytest_asyncio
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from gateway.services.scope import system_scope
from tests.identity.resource_server import Gateway, a_gateway, reseller_client
from tests.identity.signing import LINE_ID, RESELLER_ID, URL
from tests.identity.test_dpop import a_proof, a_token

pytestmark = pytest.mark.asyncio(loop_scope="module")

ME: Final = {"query": "{ me { resellerId kind } }"}
WATCH: Final = {"query": f'subscription {{ lineChanged(id: "{LINE_ID}") {{ id }} }}'}
PROTOCOL: Final = Subprotocol("graphql-transport-ws")
WAIT_SECONDS_MAX: Final = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    async with a_gateway(tmp_path_factory.mktemp("gateway")) as made:
        yield made


def a_short_token(gateway: Gateway, seconds: int = 2) -> str:
    now = int(datetime.now(UTC).timestamp())
    return gateway.maker("own").token(exp=now + 1 + seconds)


@asynccontextmanager
async def socket(gateway: Gateway, **headers: str) -> AsyncIterator[ClientConnection]:
    url = str(gateway.client.base_url).replace("http", "ws", 1).rstrip("/") + "/graphql"
    async with connect(
        url, subprotocols=[PROTOCOL], additional_headers=headers, proxy=None
    ) as open_socket:
        yield open_socket


async def say(to: ClientConnection, **message: Any) -> None:
    await to.send(json.dumps(message))


async def hear(of: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        found: dict[str, Any] = json.loads(await of.recv())
        return found


async def closed(it: ClientConnection) -> int:
    """Return the code with which it closes; what comes before is passed over."""
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        await it.wait_closed()
    assert it.close_code is not None
    return it.close_code


@pytest.mark.parametrize("name", ["own", "keycloak", "auth0"])
async def test_a_token_asks_over_http(gateway: Gateway, name: str) -> None:
    headers = {"authorization": f"Bearer {gateway.maker(name).token()}"}
    response = await gateway.client.post("/graphql", json=ME, headers=headers)
    assert response.json()["data"]["me"] == {"resellerId": RESELLER_ID, "kind": "RESELLER"}


async def test_a_bad_token_is_refused_as_in_rest(gateway: Gateway) -> None:
    headers = {"authorization": f"Bearer {gateway.maker('own').token(aud='x')}"}
    response = await gateway.client.post("/graphql", json=ME, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert response.json()["errors"][0]["extensions"]["code"] == "unauthenticated"


async def test_a_bound_token_asks_with_a_proof(gateway: Gateway) -> None:
    token = a_token(gateway)
    proof = a_proof(token, htm="POST", htu=f"{URL}/graphql")
    headers = {"authorization": f"DPoP {token}", "dpop": proof}
    response = await gateway.client.post("/graphql", json=ME, headers=headers)
    assert response.json()["data"]["me"]["resellerId"] == RESELLER_ID
    response = await gateway.client.post("/graphql", json=ME, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')


async def test_a_stream_of_events_ends_with_its_token(gateway: Gateway) -> None:
    headers = {
        "authorization": f"Bearer {a_short_token(gateway)}",
        "accept": "text/event-stream",
    }
    async with (
        asyncio.timeout(WAIT_SECONDS_MAX),
        gateway.client.stream("POST", "/graphql", json=WATCH, headers=headers) as response,
    ):
        assert response.status_code == 200
        data = [
            json.loads(line.removeprefix("data: "))
            async for line in response.aiter_lines()
            if line.startswith("data: ")
        ]
    assert data[0]["data"]["lineChanged"]["id"] == LINE_ID
    assert data[-1]["errors"][0]["extensions"]["code"] == "unauthenticated"


async def test_a_stream_goes_on_with_the_proof_that_began_it(gateway: Gateway) -> None:
    """The proof was used up by the first look; the later looks must not need another."""
    token = a_token(gateway, exp=int(datetime.now(UTC).timestamp()) + 8)
    proof = a_proof(token, htm="POST", htu=f"{URL}/graphql")
    headers = {
        "authorization": f"DPoP {token}",
        "dpop": proof,
        "accept": "text/event-stream",
    }
    async with (
        asyncio.timeout(WAIT_SECONDS_MAX),
        gateway.client.stream("POST", "/graphql", json=WATCH, headers=headers) as response,
    ):
        seen = 0
        async for line in response.aiter_lines():
            if line.startswith("data: ") and "lineChanged" in line:
                seen += 1
                async with gateway.runtime.database.write(system_scope()) as store:
                    line_now = await store.lines.get(LINE_ID)
                    await store.lines.save(replace(line_now, notes=f"{line_now.notes}x"))
            if seen == 2:
                break
    assert seen == 2


@pytest.mark.parametrize("where", ["header", "payload"])
async def test_a_connection_ends_with_its_token(gateway: Gateway, where: str) -> None:
    bearer = f"Bearer {a_short_token(gateway)}"
    headers = {"authorization": bearer} if where == "header" else {}
    payload = {} if where == "header" else {"Authorization": bearer}
    async with socket(gateway, **headers) as it:
        await say(it, type="connection_init", payload=payload)
        assert (await hear(it))["type"] == "connection_ack"
        assert await closed(it) == 4401


async def test_a_subscription_on_a_connection_ends_with_its_token(gateway: Gateway) -> None:
    async with socket(gateway, authorization=f"Bearer {a_short_token(gateway)}") as it:
        await say(it, type="connection_init")
        assert (await hear(it))["type"] == "connection_ack"
        await say(it, type="subscribe", id="1", payload=WATCH)
        assert (await hear(it))["payload"]["data"]["lineChanged"]["id"] == LINE_ID
        assert await closed(it) == 4401


async def test_a_client_that_is_revoked_ends_its_subscriptions(gateway: Gateway) -> None:
    async with socket(gateway, authorization=f"Bearer {gateway.maker('own').token()}") as it:
        await say(it, type="connection_init")
        assert (await hear(it))["type"] == "connection_ack"
        await say(it, type="subscribe", id="1", payload=WATCH)
        assert (await hear(it))["type"] == "next"
        revoked = reseller_client(revoked_at=datetime.now(UTC))
        try:
            async with gateway.runtime.database.write(system_scope()) as store:
                await store.clients.save(revoked)
            assert await closed(it) == 4401
        finally:
            async with gateway.runtime.database.write(system_scope()) as store:
                await store.clients.save(replace(revoked, revoked_at=None))


@pytest.mark.parametrize("where", ["header", "payload"])
async def test_one_proof_opens_a_connection_and_serves_all_its_operations(
    gateway: Gateway, where: str
) -> None:
    token = a_token(gateway)
    proof = a_proof(token, htu=f"{URL}/graphql")
    given = {"Authorization": f"DPoP {token}", "DPoP": proof}
    headers, payload = (given, {}) if where == "header" else ({}, given)
    async with socket(gateway, **headers) as it:
        await say(it, type="connection_init", payload=payload)
        assert (await hear(it))["type"] == "connection_ack"
        for name in ("1", "2"):
            await say(it, type="subscribe", id=name, payload=ME)
            assert (await hear(it))["payload"]["data"]["me"]["resellerId"] == RESELLER_ID
            assert (await hear(it))["type"] == "complete"


async def test_a_proof_opens_one_connection(gateway: Gateway) -> None:
    token = a_token(gateway)
    given = {"Authorization": f"DPoP {token}", "DPoP": a_proof(token, htu=f"{URL}/graphql")}
    async with socket(gateway, **given):
        pass
    with pytest.raises(InvalidStatus) as caught:
        async with socket(gateway, **given):
            pass
    assert caught.value.response.status_code == 401
    async with socket(gateway) as it:
        await say(it, type="connection_init", payload=given)
        assert await closed(it) == 4401


@pytest.mark.parametrize(
    "different",
    [{}, {"DPoP": 7}, {"DPoP": ""}, {"DPoP": "\ud800"}, {"DPoP": "x", "dpop": "x"}],
    ids=str,
)
async def test_a_bound_token_in_the_payload_needs_one_proof(
    gateway: Gateway, different: dict[str, Any]
) -> None:
    token = a_token(gateway)
    async with socket(gateway) as it:
        payload = {"Authorization": f"DPoP {token}"} | different
        await say(it, type="connection_init", payload=payload)
        assert await closed(it) in {4401, 4400}
