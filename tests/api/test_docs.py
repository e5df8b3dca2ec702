"""The pages for people: no key, no foreign asset, nothing inline."""

from __future__ import annotations

import re

import pytest

from tests.api.support import api, assert_problem


async def test_the_reference_page_loads_only_our_files() -> None:
    client = api()
    response = await client.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    places = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert len(places) == 4
    for place in places:
        if place != "data:,":
            file = await client.get(place)
            assert file.status_code == 200
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert file.headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"<script>|<style|\son\w+=|style=", response.text)


async def test_assets_have_their_media_types() -> None:
    client = api()
    css = await client.get("/docs/assets/swagger-ui.css")
    script = await client.get("/docs/assets/swagger-ui-bundle.js")
    assert css.headers["content-type"].startswith("text/css")
    assert script.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "name", ["nothing.js", "LICENSE", "..%2Fdocs.py", "%2Fetc%2Fpasswd", "swagger-ui.css%00", "a/b"]
)
async def test_nothing_else_is_an_asset(name: str) -> None:
    assert_problem(await api().get(f"/docs/assets/{name}"), 404, "not_found")


async def test_the_root_tells_where_things_are() -> None:
    client = api()
    links = (await client.get("/")).json()["links"]
    assert links["docs"] == "/docs"
    for name in ("docs", "openapi", "live"):
        assert (await client.get(links[name])).status_code == 200
