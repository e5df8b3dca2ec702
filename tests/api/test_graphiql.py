"""The page for browsers at `/graphql`: no foreign asset, nothing inline, kept for ever."""

from __future__ import annotations

import re
from collections import Counter

import graphql
import httpx2
import pytest

from gateway.api.app import create_app
from gateway.api.graphql.executor import SchemaExecutor
from gateway.api.graphql.graphiql import PAGE
from tests.api.support import some_ports
from tests.docs.pages import ROOT

PUBLISHED = ROOT / "schema" / "schema.graphql"


def browser() -> httpx2.AsyncClient:
    app = create_app(some_ports(), executor=SchemaExecutor())
    headers = {"accept": "text/html"}
    transport = httpx2.ASGITransport(app=app)
    return httpx2.AsyncClient(transport=transport, base_url="http://gateway.test", headers=headers)


async def assets() -> list[str]:
    page = await browser().get("/graphql")
    return [it for it in re.findall(r'(?:src|href)="([^"]+)"', page.text) if "/assets/" in it]


async def test_the_page_loads_only_our_files() -> None:
    client = browser()
    page = await client.get("/graphql")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'; script-src 'self';" in policy
    assert "connect-src 'self'" in policy
    assert not re.search(r"<script>|<style|\son\w+=|style=|https?:", page.text)
    assert len(await assets()) == 7
    for place in await assets():
        file = await client.get(place)
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert file.headers["x-content-type-options"] == "nosniff"
        kind = "text/css" if place.endswith(".css") else "text/javascript"
        assert file.headers["content-type"] == f"{kind}; charset=utf-8"


async def test_each_page_has_a_nonce_of_its_own() -> None:
    client = browser()
    nonces = set()
    for _ in range(2):
        page = await client.get("/graphql")
        (in_policy,) = re.findall(r"'nonce-([\w-]{22})'", page.headers["content-security-policy"])
        assert set(re.findall(r'nonce="([^"]*)"', page.text)) == {in_policy}
        nonces.add(in_policy)
    assert len(nonces) == 2


async def test_an_asset_is_served_below_its_own_digest_only() -> None:
    client = browser()
    for place in await assets():
        *_, digest, name = place.split("/")
        other = f"/graphql/assets/{'0' * len(digest)}/{name}"
        assert (await client.get(other)).status_code == 404


@pytest.mark.parametrize(
    "name", ["nothing.js", "LICENSE", "examples.graphql", "..%2Fgraphiql.py", "%2Fetc%2Fpasswd", ""]
)
async def test_nothing_else_is_an_asset(name: str) -> None:
    digest = (await assets())[0].split("/")[-2]
    answer = await browser().get(f"/graphql/assets/{digest}/{name}")
    assert answer.status_code == 404


def test_the_examples_are_valid_and_of_every_kind() -> None:
    sdl = PUBLISHED.read_text(encoding="utf-8")
    examples = graphql.parse((PAGE / "examples.graphql").read_text(encoding="utf-8"))
    assert graphql.validate(graphql.build_schema(sdl), examples) == []
    kinds = Counter(
        it.operation.value
        for it in examples.definitions
        if isinstance(it, graphql.OperationDefinitionNode)
    )
    assert kinds == {"query": 1, "mutation": 1, "subscription": 1}
