"""Every query, with everything that it can show, as operator and as reseller."""

from __future__ import annotations

from typing import Any

import pytest

from tests.graphql.asking import ask, everything, object_type, post, refused, schema
from tests.world import World

MAC = "00:1A:79:AB:CD:EF"
SIGNING = "whsec_MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0"


async def seeded(world: World) -> dict[str, Any]:
    named = {"bouquets": [{"id": 1, "name": "Basic"}]}
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", named)
    line = await world.line(external_id="shop-1", username="anna")
    client = await world.a.api.ok("POST", "/v1/clients", {"name": "Shop"}, status=201)
    device = await world.a.api.ok(
        "POST",
        "/v1/devices",
        {"mac": MAC, "period": "P1M", "external_id": "box-1"},
        status=201,
    )
    hook = {"url": "https://shop.example/hooks", "event_types": []}
    endpoint = await world.a.api.ok("POST", "/v1/webhook-endpoints", hook, status=201)
    source = await world.a.api.ok(
        "POST",
        "/v1/inbound-sources",
        {"kind": "stripe", "secrets": [SIGNING], "rules": "stripe_subscriptions"},
        status=201,
    )
    operations = await world.a.api.ok("GET", "/v1/operations")
    return {
        "line": {"id": line["id"]},
        "node": {"id": line["id"]},
        "device": {"id": device["id"]},
        "lineByExternalId": {"externalId": "shop-1"},
        "deviceByExternalId": {"externalId": "box-1"},
        "deviceByMac": {"mac": MAC},
        "operation": {"id": operations["data"][0]["id"]},
        "reseller": {"id": world.a.id},
        "client": {"id": client["id"]},
        "panel": {"id": world.panel_id},
        "webhookEndpoint": {"id": endpoint["id"]},
        "deliveries": {"endpointId": endpoint["id"]},
        "inboundSource": {"id": source["id"]},
        "inboundEvents": {"sourceId": source["id"]},
    }


@pytest.mark.parametrize("role", ["operator", "reseller"])
async def test_every_query_shows_everything(world: World, role: str) -> None:
    arguments = await seeded(world)
    of = schema()
    api = world.operator if role == "operator" else world.a.api
    for name, field in object_type(of, "Query").fields.items():
        values = dict(arguments.get(name, {}))
        if role == "operator" and "resellerId" in field.args:
            values["resellerId"] = world.a.id
        kind = str(field.type).strip("[]!")
        shown = "__typename id" if kind == "Node" else everything(of, kind, depth=3)
        given = ", ".join(f"${key}: {field.args[key].type}" for key in values)
        passed = ", ".join(f"{key}: ${key}" for key in values)
        if "first" in field.args:
            passed = ", ".join(filter(None, (passed, "first: 3")))
        document = (
            f"query{f'({given})' if given else ''}"
            f" {{ {name}{f'({passed})' if passed else ''} {{ {shown} }} }}"
        )
        payload = (await post(api, document, values)).json()
        codes = {error["extensions"]["code"] for error in payload.get("errors", ())}
        if role == "reseller" and kind in {"Panel", "PanelConnection"}:
            assert codes == {"permission_denied"}
            continue
        assert not codes, (name, payload["errors"])
        assert payload["data"][name], name


async def test_what_there_is_not_is_null_with_not_found(world: World) -> None:
    line = await world.line()
    unknown = line["id"][:-4] + "zzzz"
    for field in ("line", "node", "operation", "device", "reseller"):
        document = f'{{ {field}(id: "{unknown}") {{ id }} me {{ kind }} }}'
        payload = (await post(world.a.api, document)).json()
        assert payload["data"] == {field: None, "me": {"kind": "RESELLER"}}
        (error,) = payload["errors"]
        assert error["extensions"]["code"] == "not_found"
        assert error["path"] == [field]


async def test_pages_follow_each_other_and_cursors_are_those_of_rest(world: World) -> None:
    made = [(await world.line())["id"] for _ in range(5)]
    newest_first = made[::-1]
    page = (
        "query($after: String) { lines(first: 2, after: $after)"
        " { edges { cursor node { id } } nodes { id }"
        " pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    seen: list[str] = []
    after = None
    while True:
        lines = (await ask(world.a.api, page, {"after": after}))["lines"]
        seen += [edge["node"]["id"] for edge in lines["edges"]]
        assert [each["id"] for each in lines["nodes"]] == [
            edge["node"]["id"] for edge in lines["edges"]
        ]
        assert lines["pageInfo"]["hasPreviousPage"] is (after is not None)
        if not lines["pageInfo"]["hasNextPage"]:
            break
        after = lines["pageInfo"]["endCursor"]
    assert seen == newest_first
    rest = await world.a.api.ok("GET", "/v1/lines", params={"limit": 2})
    through_rest = await ask(world.a.api, page, {"after": rest["next_cursor"]})
    assert through_rest["lines"]["nodes"][0]["id"] == newest_first[2]


async def test_filters_narrow_as_in_rest(world: World) -> None:
    await world.line(username="anna", external_id="shop-1")
    bob = await world.line(username="bob")
    await world.a.api.ok("POST", f"/v1/lines/{bob['id']}/suspend")
    document = "query($f: LineFilter) { lines(filter: $f) { nodes { username } } }"
    for filter_, names in (
        ({"state": "SUSPENDED"}, ["bob"]),
        ({"q": "AN"}, ["anna"]),
        ({"externalId": "shop-1"}, ["anna"]),
        ({"username": "BOB", "state": None}, ["bob"]),
        ({"expiresBefore": "2020-01-01T00:00:00Z"}, []),
        ({"updatedSince": "2020-01-01T00:00:00Z"}, ["bob", "anna"]),
    ):
        found = await ask(world.a.api, document, {"f": filter_})
        assert [each["username"] for each in found["lines"]["nodes"]] == names, filter_


async def test_all_faults_of_a_list_are_told_at_once(world: World) -> None:
    document = (
        "query($f: LineFilter, $n: Int)"
        ' { lines(filter: $f, first: $n, after: "x") { nodes { id } } }'
    )
    answer = await post(
        world.a.api, document, {"n": 5, "f": {"expiresBefore": "soon", "externalId": "a b"}}
    )
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "invalid_request"
    assert {fault["pointer"] for fault in error["extensions"]["errors"]} == {
        "/after",
        "/filter/expiresBefore",
        "/filter/externalId",
    }


async def test_what_hangs_on_a_line_follows_the_callers_permissions(world: World) -> None:
    line = await world.line()
    key = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "r", "permissions": ["lines:read"]}, status=201
    )
    document = (
        "query($id: ID!) { line(id: $id) { username info { enabled }"
        " credentials { password } bouquets { id } credits { balance }"
        " auditEntries { nodes { id } } } }"
    )
    payload = (await post(world.api(key["key"]), document, {"id": line["id"]})).json()
    shown = payload["data"]["line"]
    assert (shown["username"], shown["info"]) == (line["username"], {"enabled": True})
    denied = {tuple(error["path"]) for error in payload["errors"]}
    assert denied == {
        ("line", name) for name in ("credentials", "bouquets", "credits", "auditEntries")
    }
    assert {error["extensions"]["code"] for error in payload["errors"]} == {"permission_denied"}


async def test_audit_entries_of_a_line_are_its_own(world: World) -> None:
    line = await world.line()
    await world.line()
    document = (
        "query($id: ID!) { line(id: $id)"
        " { auditEntries(first: 10) { nodes { action phase resource { id kind } } } } }"
    )
    found = await ask(world.a.api, document, {"id": line["id"]})
    entries = found["line"]["auditEntries"]["nodes"]
    assert [(each["action"], each["phase"]) for each in entries] == [
        ("line.create", "SUCCEEDED"),
        ("line.create", "STARTED"),
    ]
    assert {each["resource"]["id"] for each in entries} == {line["id"]}


async def test_a_page_of_more_than_200_is_refused_before_anything_is_asked(world: World) -> None:
    assert await refused(world.a.api, "{ lines(first: 201) { nodes { id } } }") == [
        "invalid_request"
    ]
