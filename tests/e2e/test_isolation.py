"""Foreign is not found: every route with an id, for the other reseller.

The list comes from the route table, so a new route is covered the day it is written, or this file
fails.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.api.rest.table import TABLE
from gateway.domain.documents import document_id_of
from tests.webhooks.delivering import a_kept_delivery
from tests.world import World, a_world

DOCUMENT = "query OfA { me { kind } }"
ID_IN_PATH = re.compile(r"{(\w+)}")
#: What a request to a route needs as a body; a route with a body that is not here fails below.
BODIES: dict[str, Any] = {
    "PATCH /v1/lines/{line_id}": {"notes": "mine now"},
    "POST /v1/lines/{line_id}/renew": {"period": "P1M"},
    "POST /v1/operations/{operation_id}/resolve": {"decision": "applied"},
    "PATCH /v1/resellers/{reseller_id}": {"name": "mine now"},
    "PATCH /v1/panels/{panel_id}": {"name": "mine now"},
    "PATCH /v1/clients/{client_id}": {"name": "mine now"},
    "PATCH /v1/devices/{device_id}": {"notes": "mine now"},
    "POST /v1/devices/{device_id}/renew": {"period": "P1M"},
    "PATCH /v1/inbound-sources/{source_id}": {"rules": "woocommerce_subscriptions"},
    "POST /v1/inbound-sources/{source_id}/rotate-secret": {"secret": "whsec_mine_now"},
    "POST /v1/webhook-endpoints/{endpoint_id}/recover": {"since": "2027-01-31T00:00:00Z"},
    "PATCH /v1/webhook-endpoints/{endpoint_id}": {"description": "mine now"},
    "POST /v1/inbound-sources/{source_id}/preview": {"payload": {"id": "evt_1", "type": "x"}},
}
#: An external id names something of the caller's own: the other reseller's is another one, which a
#: put makes (tests/e2e/test_puts.py); reading it is in the grid.
OWN_NAMES = {
    "PUT /v1/lines/by-external-id/{external_id}",
    "PUT /v1/devices/by-external-id/{external_id}",
}
#: Routes whose ids name what has no owner; they are for operators, so resellers are refused.
OPERATORS_ONLY = {"panel_id"}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with a_world(database_url) as made:
        yield made


async def owned_by_a(world: World) -> dict[str, str]:
    line = await world.line(external_id="shop-1", username="anna")
    device = await world.a.api.ok(
        "POST",
        "/v1/devices",
        {"mac": "00:1A:79:AB:CD:EF", "period": "P1M", "external_id": "shop-1"},
        status=201,
    )
    operations = await world.a.api.ok("GET", "/v1/operations", params={"resource_id": line["id"]})
    keys = await world.a.api.ok("GET", "/v1/keys")
    client = await world.a.api.ok("POST", "/v1/clients", {"name": "shop"}, status=201)
    source = await world.a.api.ok(
        "POST",
        "/v1/inbound-sources",
        {"kind": "stripe", "secrets": ["whsec_1234"], "rules": "stripe_subscriptions"},
        status=201,
    )
    endpoint = await world.a.api.ok(
        "POST", "/v1/webhook-endpoints", {"url": "https://shop.example/hooks"}, status=201
    )
    documents = {document_id_of(DOCUMENT): DOCUMENT}
    await world.a.api.ok("PUT", "/v1/trusted-documents", {"documents": documents})
    events = await world.a.api.ok("GET", "/v1/events", params={"resource_id": line["id"]})
    return {
        "event_id": events["data"][0]["id"],
        "line_id": line["id"],
        "device_id": device["id"],
        "external_id": "shop-1",
        "operation_id": operations["data"][0]["id"],
        "key_id": keys["data"][0]["id"],
        "client_id": client["id"],
        "source_id": source["id"],
        "endpoint_id": endpoint["id"],
        "delivery_id": await a_kept_delivery(world, endpoint["id"]),
        "document_id": document_id_of(DOCUMENT),
        "reseller_id": world.a.id,
        "panel_id": world.panel_id,
    }


def routes_with_ids() -> list[tuple[str, str]]:
    return [
        (route.method, route.path)
        for route in TABLE
        if ID_IN_PATH.search(route.path) and f"{route.method} {route.path}" not in OWN_NAMES
    ]


async def test_every_route_with_an_id_answers_not_found_for_the_other_reseller(
    world: World,
) -> None:
    ids = await owned_by_a(world)
    before = await _snapshot(world, ids)
    calls = len(world.calls())
    unknown = {name: text[:-4] + "zzzz" for name, text in ids.items()}
    unknown["external_id"] = "nothing-by-this-name"
    unknown["document_id"] = document_id_of("nothing")
    for method, path in routes_with_ids():
        names = ID_IN_PATH.findall(path)
        missing = set(names) - set(ids)
        assert not missing, f"{method} {path}: say in owned_by_a what {missing} is"
        body = BODIES.get(f"{method} {path}")
        foreign = await world.b.api.send(method, path.format(**ids), body)
        if OPERATORS_ONLY & set(names):
            assert (foreign.status_code, foreign.json()["code"]) == (403, "permission_denied")
            continue
        if "/resellers/" in path and method != "GET":
            # A reseller may not change resellers at all, its own neither.
            assert foreign.json()["code"] == "permission_denied", (method, path)
            continue
        if path.endswith("/resolve"):
            assert foreign.json()["code"] == "permission_denied", (method, path)
            continue
        assert foreign.status_code == 404, (method, path, foreign.text)
        absent = await world.b.api.send(method, path.format(**unknown), body)
        assert _neutral(foreign.json()) == _neutral(absent.json()), (method, path)
        assert foreign.headers.keys() == absent.headers.keys()
    assert len(world.calls()) == calls
    assert await _snapshot(world, ids) == before


async def test_lists_and_filters_never_show_the_other_resellers_rows(world: World) -> None:
    ids = await owned_by_a(world)
    lists = [route.path for route in TABLE if route.method == "GET" and "{" not in route.path]
    canaries = [text for name, text in ids.items() if name != "panel_id"] + ["anna", "00:1A:79"]
    asked = 0
    for path in lists:
        for query in ("", f"?reseller_id={world.a.id}", "?q=anna", "?external_id=shop-1"):
            answer = await world.b.api.get(path + query)
            asked += answer.status_code == 200
            found = [canary for canary in canaries if canary in answer.text]
            assert not found or answer.status_code == 404, (path, query, found)
    assert asked >= len(lists)


async def test_names_of_others_are_taken_without_telling_whose(world: World) -> None:
    await owned_by_a(world)
    answer = await world.b.api.post("/v1/lines", {"username": "ANNA", "period": "P1M"})
    assert (answer.status_code, answer.json()["code"]) == (409, "username_taken")
    assert world.a.id not in answer.text
    own = await world.b.api.post("/v1/lines", {"external_id": "shop-1", "period": "P1M"})
    assert own.status_code == 201


async def test_a_parent_sees_its_sub_reseller_and_not_the_other_way(world: World) -> None:
    child = await world.operator.ok(
        "POST",
        "/v1/resellers",
        {
            "name": "child",
            "parent_id": world.a.id,
            "panel_accounts": [{"panel_id": world.panel_id, "member_id": 7}],
        },
        status=201,
    )
    key = await world.operator.ok(
        "POST", "/v1/keys", {"name": "child", "reseller_id": child["id"]}, status=201
    )
    child_api = world.api(key["key"])
    theirs = await world.line(child_api)
    parents = await world.line()
    assert (await world.a.api.get(f"/v1/lines/{theirs['id']}")).status_code == 200
    assert (await world.b.api.get(f"/v1/lines/{theirs['id']}")).status_code == 404
    assert (await child_api.get(f"/v1/lines/{parents['id']}")).status_code == 404


def _neutral(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name != "request_id"}


async def _snapshot(world: World, ids: dict[str, str]) -> list[Any]:
    seen = []
    for path in (
        "/v1/lines/{line_id}",
        "/v1/devices/{device_id}",
        "/v1/keys/{key_id}",
        "/v1/clients/{client_id}",
        "/v1/inbound-sources/{source_id}",
        "/v1/webhook-endpoints/{endpoint_id}",
        "/v1/webhook-endpoints/{endpoint_id}/deliveries",
        "/v1/resellers/{reseller_id}",
    ):
        answer = (await world.operator.get(path.format(**ids))).json()
        answer.pop("observed", None)
        answer.pop("last_used_at", None)
        seen.append(answer)
    seen.append(await world.operator.ok("GET", "/v1/trusted-documents"))
    return [*seen, world.users()]
