"""What a browser gets that has no query yet."""

from __future__ import annotations

import re

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from gateway.api.exchange import Answer
from gateway.api.graphql.endpoint import GraphqlRoute
from gateway.api.middleware import ExchangeMiddleware
from gateway.api.options import ApiOptions
from tests.api.graphql.stand_in import StandIn
from tests.api.graphql.support import Served
from tests.api.support import some_ports

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def page() -> Answer:
    return Answer(200, b"<!doctype html>", b"text/html; charset=utf-8", ((b"x-page", b"1"),))


def client() -> httpx2.AsyncClient:
    options = ApiOptions()
    app = Starlette(
        routes=[GraphqlRoute(StandIn(), some_ports(), options, page=page)],
        middleware=[Middleware(ExchangeMiddleware, options=options)],
    )
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway.test")


async def test_a_browser_gets_the_page_without_a_key() -> None:
    response = await client().get("/graphql?theme=dark", headers={"accept": BROWSER})
    assert (response.status_code, response.text) == (200, "<!doctype html>")
    assert response.headers["vary"] == "Accept, Authorization, Origin"
    assert response.headers["x-page"] == "1"


@pytest.mark.parametrize(
    ("method", "query", "accept"),
    [
        ("GET", "", "*/*"),
        ("GET", "", "application/json, text/html"),
        ("GET", "", "text/html;q=0.5, */*"),
        ("GET", "?query={hello}", BROWSER),
        ("GET", "?a=1&documentId=known", BROWSER),
        ("POST", "", BROWSER),
    ],
)
async def test_everybody_else_needs_a_key(method: str, query: str, accept: str) -> None:
    response = await client().request(method, f"/graphql{query}", headers={"accept": accept})
    assert response.status_code == 401


async def test_the_gateway_has_graphiql_for_browsers(unserved: Served) -> None:
    async with unserved.client(accept=BROWSER) as client:
        page = await client.get(unserved.url)
        script = re.search(r'src="(/graphql/assets/[^"]+)"', page.text)
        assert script is not None
        asset = await client.get(unserved.url.removesuffix("/graphql") + script[1])
    assert (page.status_code, asset.status_code) == (200, 200)
    assert page.headers["vary"] == "Accept, Authorization, Origin"
