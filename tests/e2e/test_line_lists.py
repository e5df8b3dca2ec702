"""Lists of lines: what narrows them, and pages that neither miss nor repeat a line."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.support import pointers, problem_of
from tests.world import Api, World

CREDENTIALS_NEVER_SHOWN = ("password", "admin_notes", "extra")


async def names(api: Api, **query: Any) -> list[str]:
    found = await api.ok("GET", "/v1/lines", params=query)
    return [line["username"] for line in found["data"]]


async def test_each_filter_narrows_and_all_together_too(world: World) -> None:
    """One world of lines, and every filter of the contract with what it must find."""
    await world.line(username="anna.1", external_id="whmcs:1", expires_at="2030-01-01T00:00:00Z")
    await world.line(username="Anna.2", external_id="shop-2", never_expires=True)
    bob = await world.line(username="bob", expires_at="2035-06-01T00:00:00Z")
    old = await world.line(username="old", expires_at="2036-01-01T00:00:00Z")
    gone = await world.line(
        username="gone", external_id="whmcs:9", expires_at="2037-12-31T00:00:00Z"
    )
    theirs = await world.line(world.b.api, username="theirs", external_id="whmcs:1")
    own = await world.line(world.operator, username="own")
    await world.a.api.ok("POST", f"/v1/lines/{bob['id']}/suspend")
    await world.a.api.ok("POST", f"/v1/lines/{gone['id']}/terminate")
    for line, change in (
        (old, {"expires_at": "2020-01-01T00:00:00Z"}),
        (own, {"admin_enabled": False}),
    ):
        await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", change)
    own = await world.operator.ok("GET", f"/v1/lines/{own['id']}")
    api = world.a.api
    for query, expected in (
        ({}, ["gone", "old", "bob", "Anna.2", "anna.1"]),
        ({"state": "active"}, ["Anna.2", "anna.1"]),
        ({"state": "suspended"}, ["bob"]),
        ({"state": "expired"}, ["old"]),
        ({"state": "terminated"}, ["gone"]),
        ({"state": "banned"}, []),
        ({"state": "pending"}, []),
        ({"state": "unknown"}, []),
        ({"external_id": "whmcs:1"}, ["anna.1"]),
        ({"external_id": "WHMCS:1"}, []),
        ({"username": "ANNA.2"}, ["Anna.2"]),
        ({"username": "anna"}, []),
        ({"expires_before": "2030-01-01T00:00:01Z"}, ["old", "anna.1"]),
        ({"expires_after": "2030-01-01T00:00:00Z"}, ["gone", "bob"]),
        (
            {
                "expires_after": "2029-12-31T23:59:59Z",
                "expires_before": "2031-01-01T00:00:00+01:00",
            },
            ["anna.1"],
        ),
        ({"q": "AN"}, ["Anna.2", "anna.1"]),
        ({"q": "whmcs:"}, ["gone", "anna.1"]),
        ({"q": "nna"}, []),
        ({"q": "%"}, []),
        ({"q": "anna", "state": "active", "external_id": "shop-2"}, ["Anna.2"]),
        ({"plan_id": "plan_none"}, []),
        ({"reseller_id": world.b.id}, []),
        ({"reseller_id": "rsl_nobody"}, []),
        ({"updated_since": "2099-01-01T00:00:00Z"}, []),
    ):
        assert await names(api, **query) == expected, query
    for query, expected in (
        ({"state": "banned"}, ["own"]),
        ({"reseller_id": world.b.id}, ["theirs"]),
        ({"external_id": "whmcs:1"}, ["theirs", "anna.1"]),
        ({"updated_since": own["updated_at"]}, ["own"]),
    ):
        assert await names(world.operator, **query) == expected, query
    assert theirs["reseller_id"] == world.b.id


async def test_a_list_asks_no_panel_and_shows_no_secret(small_world: World) -> None:
    world = small_world
    made = await world.line(username="anna", password="s3cret-Pass")
    calls = len(world.calls())
    answer = await world.a.api.get("/v1/lines")
    (line,) = answer.json()["data"]
    expected = {name: value for name, value in made.items() if name != "password"}
    assert line == expected | {"observed": None, "active_connections": None}
    assert not set(CREDENTIALS_NEVER_SHOWN) & set(line)
    assert "s3cret-Pass" not in answer.text
    assert "Age" not in answer.headers
    assert len(world.calls()) == calls


async def test_pages_neither_miss_nor_repeat_a_line_while_others_are_added(world: World) -> None:
    before = [(await world.line())["id"] for _ in range(5)]
    seen: list[str] = []
    path: str | None = "/v1/lines?limit=2&state=active"
    sizes = []
    while path is not None:
        answer = await world.a.api.get(path)
        page = answer.json()
        seen += [line["id"] for line in page["data"]]
        sizes.append(len(page["data"]))
        link = answer.headers.get("Link")
        assert (link is None) == (page["next_cursor"] is None)
        path = None
        if link is not None:
            found = re.fullmatch(r'<(/v1/lines\?[^>]+)>; rel="next"', link)
            assert found is not None, link
            path = found[1]
            assert "limit=2" in path
            assert "state=active" in path
            assert page["next_cursor"] in path
            await world.line()  # Newest first: what comes now stands before the pages seen.
    assert seen == list(reversed(before))
    assert sizes == [2, 2, 1]


async def test_a_cursor_belongs_to_its_list(small_world: World) -> None:
    world = small_world
    for _ in range(2):
        await world.line()
    lines = await world.a.api.ok("GET", "/v1/lines?limit=1")
    operations = await world.a.api.ok("GET", "/v1/operations?limit=1")
    for path, cursor in (
        ("/v1/lines", operations["next_cursor"]),
        ("/v1/operations", lines["next_cursor"]),
        ("/v1/lines", "bm8"),
        ("/v1/lines", ""),
    ):
        answer = await world.a.api.get(path, params={"cursor": cursor})
        assert pointers(problem_of(answer, 422, "invalid_request")) == ["?cursor"]
    # A cursor is a place, not a right: in another's hands it leads through their own list only.
    foreign = await world.b.api.ok("GET", "/v1/lines", params={"cursor": lines["next_cursor"]})
    assert foreign == {"data": [], "next_cursor": None}


async def test_a_limit_outside_of_1_to_200_is_refused(small_world: World) -> None:
    for limit in ("0", "201", "-1", "1.0", "1e2", " 5", "\u0665", "", "x"):
        answer = await small_world.a.api.get("/v1/lines", params={"limit": limit})
        assert pointers(problem_of(answer, 422, "invalid_request")) == ["?limit"], limit
    for limit in ("1", "200"):
        await small_world.a.api.ok("GET", "/v1/lines", params={"limit": limit})


async def test_all_faults_of_a_query_are_told_at_once(small_world: World) -> None:
    query = "limit=0&limit=1&state=happy&cursor=x&expires_before=soon&nonsense=1&q="
    answer = await small_world.a.api.get(f"/v1/lines?{query}")
    assert set(pointers(problem_of(answer, 422, "invalid_request"))) == {
        *("?limit", "?state", "?cursor", "?expires_before", "?nonsense", "?q"),
    }


async def test_the_default_page_is_fifty(small_world: World) -> None:
    world = small_world
    for number in range(51):
        await world.a.api.ok("POST", "/v1/keys", {"name": f"key {number}"}, status=201)
    first = await world.a.api.ok("GET", "/v1/keys")
    assert len(first["data"]) == 50
    assert first["data"][0]["name"] == "key 50"
    rest = await world.a.api.ok("GET", "/v1/keys", params={"cursor": first["next_cursor"]})
    assert [key["name"] for key in rest["data"]] == ["key 0", "A"]
    assert rest["next_cursor"] is None
    all_at_once = await world.a.api.ok("GET", "/v1/keys", params={"limit": 200})
    assert len(all_at_once["data"]) == 52
