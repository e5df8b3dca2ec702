"""Pages of other origins: which are let in, which may read the answer, and what refuses them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from gateway.api.origins import MAX_AGE_SECONDS
from gateway.api.server import open_socket, serving
from gateway.domain.caller import Caller, CallerKind
from gateway.domain.ids import ResellerId
from tests.pretenders import (
    CLIENT_ID,
    SHOP,
    SUBSCRIBER,
    Pretenders,
    a_storefront,
    storefront_api,
    with_pretenders,
)
from tests.world import BASE_URL, World, a_world

OTHER_SHOP = "https://other.example"
STRANGER = "https://stranger.example"
ALLOWED = "access-control-allow-origin"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        for tenant, origin in ((made.a, SHOP), (made.b, OTHER_SHOP)):
            body = {"name": "shop", "reseller_id": tenant.id, "origins": [origin]}
            await made.operator.ok("POST", "/v1/clients", body, status=201)
        yield made


@pytest.fixture
async def pretenders(world: World) -> AsyncIterator[Pretenders]:
    async with with_pretenders(world) as made:
        yield made


def of(origin: str, **more: str) -> dict[str, Any]:
    return {"headers": {"Origin": origin} | more}


def words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")}


def is_closed_to_pages(answer: httpx2.Response) -> bool:
    return not any(name.startswith("access-control-") for name in answer.headers)


def preflight(origin: str, method: str = "GET") -> dict[str, Any]:
    return of(
        origin,
        **{
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        },
    )


@pytest.mark.parametrize("origin", [SHOP, OTHER_SHOP])
@pytest.mark.parametrize("path", ["/v1/lines/x", "/graphql", "/v1/me", "/nowhere"])
async def test_a_preflight_is_answered_to_pages_of_any_client(
    world: World, origin: str, path: str
) -> None:
    answer = await world.api(None).send("OPTIONS", path, **preflight(origin, "POST"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers[ALLOWED] == origin
    assert {"get", "post"} <= words(answer.headers["access-control-allow-methods"])
    allowed = words(answer.headers["access-control-allow-headers"])
    assert allowed >= {"authorization", "content-type", "idempotency-key", "if-match", "prefer"}
    assert allowed >= {"dpop", "x-request-id"}
    assert answer.headers["access-control-max-age"] == str(MAX_AGE_SECONDS)
    assert "origin" in words(answer.headers["vary"])
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [STRANGER, "null", "*", "https://shop.example.evil.example", "http://shop.example", "", "é"],
)
async def test_a_preflight_from_elsewhere_is_refused(world: World, origin: str) -> None:
    headers: Any = [
        (b"origin", origin.encode()),
        (b"access-control-request-method", b"GET"),
    ]
    answer = await world.client.request("OPTIONS", "/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert is_closed_to_pages(answer)
    assert "origin" in words(answer.headers["vary"])


async def test_two_origins_are_none(world: World, pretenders: Pretenders) -> None:
    api = storefront_api(world, pretenders, await world.line())
    headers: Any = [
        (b"authorization", f"Bearer {api.key}".encode()),
        *((b"origin", SHOP.encode()),) * 2,
    ]
    answer = await world.client.request("GET", "/v1/me", headers=headers)
    assert answer.status_code == 403
    assert is_closed_to_pages(answer)


async def test_a_storefronts_token_is_for_pages_of_its_own_client(
    world: World, pretenders: Pretenders
) -> None:
    line = await world.line()
    path = f"/v1/lines/{line['id']}"
    api = storefront_api(world, pretenders, line)
    own = await api.get(path, **of(SHOP))
    assert (own.status_code, own.headers[ALLOWED]) == (200, SHOP)
    assert "access-control-allow-credentials" not in own.headers
    exposed = words(own.headers["access-control-expose-headers"])
    assert exposed >= {"etag", "location", "retry-after", "x-request-id", "idempotent-replayed"}
    assert exposed >= {"ratelimit", "ratelimit-policy"}
    assert "origin" in words(own.headers["vary"])
    # Another client's pages pass the preflight, and no further.
    for origin in (OTHER_SHOP, STRANGER, BASE_URL, "null"):
        answer = await api.get(path, **of(origin))
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied"), origin
        assert is_closed_to_pages(answer), origin
        assert line["username"] not in answer.text
    # What is no browser names no page.
    plain = await api.get(path)
    assert plain.status_code == 200
    assert is_closed_to_pages(plain)
    assert "origin" in words(plain.headers["vary"])


async def test_nothing_is_done_for_a_page_of_another_client(
    world: World, pretenders: Pretenders
) -> None:
    line = await world.line()
    api = storefront_api(world, pretenders, line)
    path = f"/v1/lines/{line['id']}/rotate-password"
    assert (await api.post(path, **of(OTHER_SHOP))).status_code == 403
    assert world.user(line["username"])["password"] == line["password"]
    assert (await api.post(path, **of(SHOP))).status_code == 200
    assert world.user(line["username"])["password"] != line["password"]


async def test_secret_keys_and_tokens_of_clients_are_for_our_own_pages_only(
    world: World, pretenders: Pretenders
) -> None:
    client_token = Caller(
        kind=CallerKind.RESELLER,
        id=world.a.id,
        key_id=CLIENT_ID,
        token_id="tok_1",
        origins=frozenset({SHOP}),
        reseller_id=ResellerId(world.a.id),
        owner_path=f"/{world.a.id}/",
        permissions=SUBSCRIBER,
    )
    for api in (world.operator, world.a.api, world.api(pretenders.know(client_token))):
        for origin in (SHOP, STRANGER):
            for answer in (
                await api.get("/v1/me", **of(origin)),
                await api.post("/graphql", {"query": "{ me { kind } }"}, **of(origin)),
            ):
                assert answer.status_code == 403
                assert "permission_denied" in answer.text
                assert is_closed_to_pages(answer)
        own = await api.get("/v1/me", **of(BASE_URL))
        assert own.status_code == 200
        assert is_closed_to_pages(own)  # A page of the same origin needs nobody's leave.
        query = {"query": "{ me { kind } }"}
        assert (await api.post("/graphql", query, **of(BASE_URL))).status_code == 200


async def test_a_page_can_read_what_is_wrong_with_its_requests(
    world: World, pretenders: Pretenders
) -> None:
    api = storefront_api(world, pretenders, await world.line())
    refused = {
        401: await world.api("nonsense").get("/v1/me", **of(SHOP)),
        403: await api.get("/v1/keys", **of(SHOP)),
        404: await api.get("/nowhere", **of(SHOP)),
        405: await api.delete("/v1/me", **of(SHOP)),
        413: await api.post("/graphql", content=b"x" * 1_100_000, **of(SHOP)),
        422: await api.get("/v1/me?x=1", **of(SHOP)),
    }
    for status, answer in refused.items():
        assert (answer.status_code, answer.headers[ALLOWED]) == (status, SHOP)
        assert "x-request-id" in words(answer.headers["access-control-expose-headers"])
    for answer in (
        await world.api("nonsense").get("/v1/me", **of(STRANGER)),
        await world.api(None).get("/nowhere", **of(STRANGER)),
    ):
        assert answer.status_code in {401, 404}
        assert is_closed_to_pages(answer)
    stream = await world.api("nonsense").post(
        "/graphql", {"query": "{ me { kind } }"}, **of(SHOP, Accept="text/event-stream")
    )
    assert (stream.status_code, stream.headers[ALLOWED]) == (401, SHOP)


async def test_graphql_and_streams_are_open_to_the_page_as_rest_is(
    world: World, pretenders: Pretenders
) -> None:
    api = storefront_api(world, pretenders, await world.line())
    query = {"query": "{ me { kind } }"}  # Not trusted: refused, and the page can read that.
    for accept in ("application/json", "text/event-stream"):
        answer = await api.post("/graphql", query, **of(SHOP, Accept=accept))
        assert answer.headers[ALLOWED] == SHOP
        assert words(answer.headers["vary"]) >= {"accept", "authorization", "origin"}
        assert "permission_denied" in answer.text


async def test_where_clients_send_their_secrets_no_page_of_another_origin_gets_through(
    world: World,
) -> None:
    api = world.api(None)
    for answer in (
        await api.send("OPTIONS", "/oauth/token", **preflight(SHOP, "POST")),
        await api.post("/oauth/token", **of(SHOP)),
    ):
        # OAuth's words for it: RFC 6749 section 5.2.
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
        assert is_closed_to_pages(answer)


@pytest.mark.parametrize("path", ["/", "/livez", "/openapi.json", "/graphql", "/v1/me", "/docs"])
async def test_every_answer_says_that_it_differs_by_origin(world: World, path: str) -> None:
    for headers in ({}, {"Origin": SHOP}, {"Origin": STRANGER}):
        answer = await world.client.get(path, headers=headers)
        assert "origin" in words(answer.headers["vary"])


# --- web sockets ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sockets:
    """Where sockets are opened, and two tokens."""

    url: str
    storefront: str
    key: str


@pytest.fixture
async def sockets(world: World, pretenders: Pretenders) -> AsyncIterator[Sockets]:
    line = await world.line()
    listener = open_socket("127.0.0.1:0")
    async with serving([(world.runtime.app(), listener)], drain_seconds=1):
        yield Sockets(
            url=f"ws://127.0.0.1:{listener.getsockname()[1]}/graphql",
            storefront=pretenders.know(a_storefront(line)),
            key=world.a.api.key or "",
        )


async def greeted(sockets: Sockets, origin: str | None, bearer: str) -> str | int:
    """Open a socket, send a token, and return the answer's type, or the code of the close."""
    headers = {} if origin is None else {"Origin": origin}
    protocol = Subprotocol("graphql-transport-ws")
    try:
        async with connect(
            sockets.url, subprotocols=[protocol], additional_headers=headers, proxy=None
        ) as socket:
            payload = {"Authorization": f"Bearer {bearer}"}
            await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
            return str(json.loads(await socket.recv())["type"])
    except InvalidStatus as refused:
        return refused.response.status_code
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 0


async def test_a_socket_is_opened_for_pages_of_clients_and_kept_for_the_tokens_own(
    sockets: Sockets,
) -> None:
    assert await greeted(sockets, SHOP, sockets.storefront) == "connection_ack"
    assert await greeted(sockets, None, sockets.storefront) == "connection_ack"
    assert await greeted(sockets, OTHER_SHOP, sockets.storefront) == 4403
    assert await greeted(sockets, STRANGER, sockets.storefront) == 403
    assert await greeted(sockets, SHOP, sockets.key) == 4403
    assert await greeted(sockets, BASE_URL, sockets.key) == "connection_ack"
    assert await greeted(sockets, SHOP, "nonsense") == 4401


async def test_a_refused_upgrade_with_a_key_is_told_in_the_handshake(sockets: Sockets) -> None:
    for origin, bearer in ((OTHER_SHOP, sockets.storefront), (SHOP, sockets.key)):
        headers = {"Origin": origin, "Authorization": f"Bearer {bearer}"}
        with pytest.raises(InvalidStatus) as refused:
            async with connect(sockets.url, additional_headers=headers, proxy=None):
                pass
        assert refused.value.response.status_code == 403
        assert ALLOWED not in refused.value.response.headers
