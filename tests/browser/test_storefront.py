"""A storefront's page in a real browser, on another origin, with a real token.

The page is `examples/storefront/index.html`, served as it is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from gateway.api.server import open_socket, serving
from gateway.domain.documents import document_id_of
from tests.browser.conftest import OpenPage
from tests.docs.pages import ROOT
from tests.oauth.conftest import Person, Server
from tests.world import World, a_world

PAGE = ROOT / "examples" / "storefront"
READ = "query Read($id: ID!) { line(id: $id) { username state } }"
WATCH = "subscription Watch($id: ID!) { lineChanged(id: $id) { state version } }"
#: Sends one request as a page does; returns what the page gets to see of the answer.
FETCH = """async ([path, token, options]) => {
  const headers = {...options.headers, Authorization: `Bearer ${token}`};
  try {
    const answer = await fetch(path, {...options, headers});
    return {status: answer.status, body: await answer.text(), tag: answer.headers.get("etag")};
  } catch (error) {
    return {status: 0, body: String(error), tag: null};
  }
}"""
#: Opens a socket and watches a line; returns the first state, or why the socket was closed.
SOCKET = """([url, token, query, id]) => new Promise((done) => {
  const socket = new WebSocket(url, "graphql-transport-ws");
  const say = (message) => socket.send(JSON.stringify(message));
  socket.onopen = () => say({type: "connection_init", payload: {Authorization: `Bearer ${token}`}});
  socket.onmessage = ({data}) => {
    const message = JSON.parse(data);
    if (message.type === "connection_ack")
      say({type: "subscribe", id: "1", payload: {query, variables: {id}}});
    else { socket.onclose = null; socket.close(); done(message); }
  };
  socket.onclose = ({code}) => done({type: "closed", code});
})"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A shop on an origin of its own, where the page of the example is."""

    gateway: Server
    origin: str
    stranger: str
    line: dict[str, Any]
    token: str
    ended: list[str] = field(default_factory=list)

    @property
    def world(self) -> World:
        return self.gateway.world

    async def asked(self, page: Page, path: str, **options: Any) -> Any:
        """Send a request to the gateway as *page*, with the storefront's token."""
        token = options.pop("token", self.token)
        return await page.evaluate(FETCH, [self.gateway.url + path, token, options])

    async def graphql(self, page: Page, query: str, **variables: Any) -> Any:
        """Send a document as *page*."""
        return await self.asked(
            page,
            "/graphql",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json_of({"query": query, "variables": variables}),
        )


def json_of(value: object) -> str:
    return json.dumps(value)


async def token_for(server: Server, person: Person, line: dict[str, Any]) -> str:
    """Return a storefront's token, as a shop's server gets it."""
    answer = await server.exchange(person, await server.token(person), f"lines/{line['id']}")
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def shop_app(gateway: str, token: str, line_id: str, ended: list[str]) -> Starlette:
    """Return the shop's server: the example's folder, and who is logged in.

    The tokens of *ended* are given first, each once.
    """

    async def session(_: Request) -> JSONResponse:
        given = ended.pop() if ended else token
        return JSONResponse({"gateway": gateway, "token": given, "line_id": line_id})

    return Starlette(
        routes=[
            Route("/session", session, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ]
    )


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    listener = open_socket("127.0.0.1:0")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with (
        a_world(f"sqlite:///{tmp_path}/gateway.db", public_url=url) as world,
        serving([(world.runtime.app(), listener)], drain_seconds=1),
        httpx2.AsyncClient(base_url=url) as http,
    ):
        yield Server(world=world, url=url, http=http)


@pytest.fixture
async def shop(server: Server) -> AsyncIterator[Shop]:
    async with AsyncExitStack() as stack:
        listeners = [open_socket("127.0.0.1:0") for _ in range(2)]
        origin, stranger = (
            f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners
        )
        person = await server.client(origins=[origin])
        line = await server.world.line()
        token = await token_for(server, person, line)
        ended: list[str] = []
        for listener in listeners:
            app = shop_app(server.url, token, line["id"], ended)
            await stack.enter_async_context(serving([(app, listener)], drain_seconds=1))
        yield Shop(
            gateway=server, origin=origin, stranger=stranger, line=line, token=token, ended=ended
        )


async def test_the_page_of_the_example_shows_its_line_and_rotates_its_password(
    shop: Shop, open_page: OpenPage
) -> None:
    visit = await open_page(shop.origin)
    page, line = visit.page, shop.line
    await expect(page.get_by_role("heading")).to_have_text(line["username"])
    await expect(page.get_by_role("status")).to_have_text("active, 0 playing")
    await page.get_by_role("button", name="New password").click()
    await expect(page.get_by_role("alert")).to_contain_text("Your new password: ")
    said = await page.get_by_role("alert").inner_text()
    password = shop.world.user(line["username"])["password"]
    assert said == f"Your new password: {password}"
    assert password != line["password"]
    assert visit.console_errors == []
    (_, started) = (await shop.gateway.entries("line.rotate_password"))[:2]
    assert started["caller"]["kind"] == "storefront"
    assert started["caller"]["chain"] == [started["caller"]["key_id"]]


async def test_a_page_whose_token_has_ended_asks_its_own_server_for_another(
    shop: Shop, open_page: OpenPage
) -> None:
    shop.ended.append("ended.long.ago")
    visit = await open_page(shop.origin)
    await expect(visit.page.get_by_role("status")).to_have_text("active, 0 playing")
    assert shop.ended == []
    assert visit.requests.count(f"{shop.origin}/session") == 2


async def test_the_same_page_on_another_origin_gets_nothing(
    shop: Shop, open_page: OpenPage
) -> None:
    visit = await open_page(shop.stranger)
    await expect(visit.page.get_by_role("alert")).to_contain_text("Failed to fetch")
    await visit.page.get_by_role("button", name="New password").click()
    await expect(visit.page.get_by_role("heading")).to_have_text("…")
    assert shop.world.user(shop.line["username"])["password"] == shop.line["password"]
    assert any("CORS" in each for each in visit.console_errors)


async def test_it_reaches_no_other_line_no_other_route_and_no_untrusted_document(
    shop: Shop, open_page: OpenPage
) -> None:
    page = (await open_page(shop.origin)).page
    other = await shop.world.line()
    own = await shop.asked(page, f"/v1/lines/{shop.line['id']}")
    assert (own["status"], own["tag"]) == (200, f'"{shop.line["version"]}"')
    foreign = await shop.asked(page, f"/v1/lines/{other['id']}")
    assert (foreign["status"], "not_found" in foreign["body"]) == (404, True)
    for path in ("/v1/lines", "/v1/keys", f"/v1/lines/{shop.line['id']}/credentials"):
        refused = await shop.asked(page, path)
        assert (refused["status"], "permission_denied" in refused["body"]) == (403, True), path
    ended = await shop.asked(page, "/v1/me", token="nonsense")
    assert (ended["status"], "unauthenticated" in ended["body"]) == (401, True)
    # With cookies the browser itself refuses, for the gateway never allows that.
    cookies = await shop.asked(page, "/v1/me", credentials="include")
    assert cookies["status"] == 0

    untrusted = await shop.graphql(page, READ, id=shop.line["id"])
    assert "permission_denied" in untrusted["body"]
    texts = (READ, "query Others { lines { nodes { id } } }")
    documents = {document_id_of(text): text for text in texts}
    await shop.world.a.api.ok("PUT", "/v1/trusted-documents", {"documents": documents})
    trusted = await shop.graphql(page, READ, id=shop.line["id"])
    assert shop.line["username"] in trusted["body"]
    assert other["username"] not in (await shop.graphql(page, READ, id=other["id"]))["body"]
    refused = await shop.graphql(page, texts[1])
    assert "permission_denied" in refused["body"]


async def test_a_key_in_a_page_of_another_origin_is_refused_and_in_our_own_it_works(
    shop: Shop, open_page: OpenPage
) -> None:
    key = shop.world.a.api.key
    page = (await open_page(shop.origin)).page
    assert (await shop.asked(page, "/v1/me", token=key))["status"] == 0
    own = (await open_page(f"{shop.gateway.url}/graphql")).page
    assert (await shop.asked(own, "/v1/me", token=key, method="GET"))["status"] == 200
    body = json_of({"query": "{ me { kind } }"})
    headers = {"Content-Type": "application/json"}
    asked = await shop.asked(own, "/graphql", token=key, method="POST", body=body, headers=headers)
    assert '"RESELLER"' in asked["body"]


async def test_a_socket_is_for_the_clients_own_page(shop: Shop, open_page: OpenPage) -> None:
    await shop.world.a.api.ok(
        "PUT", "/v1/trusted-documents", {"documents": {document_id_of(WATCH): WATCH}}
    )
    url = shop.gateway.url.replace("http://", "ws://") + "/graphql"
    given = [url, shop.token, WATCH, shop.line["id"]]
    own = (await open_page(shop.origin)).page
    told = await own.evaluate(SOCKET, given)
    assert told["payload"]["data"]["lineChanged"]["state"] == "ACTIVE"
    other = await shop.world.line()
    foreign = await own.evaluate(SOCKET, [*given[:3], other["id"]])
    assert foreign["payload"]["errors"][0]["extensions"]["code"] == "not_found"
    stranger = (await open_page(shop.stranger)).page
    assert await stranger.evaluate(SOCKET, given) == {"type": "closed", "code": 1006}
