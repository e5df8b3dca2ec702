"""Foreign is not found: every field and every argument that takes an id, for the other reseller.

The list comes from the schema, so a new field is covered the day it is written, or fails here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLInputObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)

from tests.graphql.asking import change, everything, object_type, post, schema
from tests.webhooks.delivering import a_kept_delivery
from tests.world import World

MAC = "00:1A:79:AB:CD:EF"
#: What a mutation needs besides the id of what it changes; one with more that is not here fails.
GIVEN: dict[str, dict[str, Any]] = {
    "updateLine": {"notes": "mine now"},
    "renewLine": {"period": "P1M"},
    "updateDevice": {"notes": "mine now"},
    "renewDevice": {"period": "P1M"},
    "updateReseller": {"name": "mine now"},
    "updatePanel": {"name": "mine now"},
    "updateClient": {"name": "mine now"},
    "updateInboundSource": {"rules": "woocommerce_subscriptions"},
    "rotateInboundSecret": {"secret": "whsec_mine_now"},
    "previewInboundEvent": {"payload": {"id": "evt_1", "type": "x"}},
    "recoverWebhookEndpoint": {"since": "2027-01-31T00:00:00Z"},
    "updateWebhookEndpoint": {"description": "mine now"},
    "resolveOperation": {"decision": "APPLIED"},
}
#: An argument of this name is an id, whatever its type says.
NAMES_OF_IDS = {"externalId", "mac"}
#: Mutations that no reseller may do: refused before anything is looked at.
OPERATORS_ONLY = {
    "updateReseller",
    "suspendReseller",
    "resumeReseller",
    "updatePanel",
    "probePanel",
    "resolveOperation",
}


async def owned_by_a(world: World) -> dict[str, str]:
    line = await world.line(external_id="shop-1", username="anna")
    device = await world.a.api.ok(
        "POST",
        "/v1/devices",
        {"mac": MAC, "period": "P1M", "external_id": "shop-1"},
        status=201,
    )
    operations = await world.a.api.ok("GET", "/v1/operations")
    keys = await world.a.api.ok("GET", "/v1/keys")
    client = await world.a.api.ok("POST", "/v1/clients", {"name": "shop"}, status=201)
    events = await world.a.api.ok("GET", "/v1/events", params={"resource_id": line["id"]})
    source = await world.a.api.ok(
        "POST",
        "/v1/inbound-sources",
        {"kind": "stripe", "secrets": ["whsec_1234"], "rules": "stripe_subscriptions"},
        status=201,
    )
    endpoint = await world.a.api.ok(
        "POST", "/v1/webhook-endpoints", {"url": "https://shop.example/hooks"}, status=201
    )
    return {
        "WebhookEndpoint": endpoint["id"],
        "WebhookSecret": endpoint["id"],
        "Delivery": await a_kept_delivery(world, endpoint["id"]),
        "Event": events["data"][0]["id"],
        "Line": line["id"],
        "Device": device["id"],
        "Operation": operations["data"][0]["id"],
        "Key": keys["data"][0]["id"],
        "Client": client["id"],
        "InboundSource": source["id"],
        "Reseller": world.a.id,
        "Panel": world.panel_id,
    }


def queries_by_id(of: GraphQLSchema) -> Iterator[tuple[str, str, str]]:
    """Yield field, argument and shown type of every query that names one thing."""
    for name, field in object_type(of, "Query").fields.items():
        for key, argument in field.args.items():
            kind = get_named_type(argument.type).name
            if kind == "ID" or key in NAMES_OF_IDS:
                yield name, key, get_named_type(field.type).name


def filters_by_id(of: GraphQLSchema) -> Iterator[tuple[str, str, str]]:
    """Yield field, member of the filter and shown type of every list narrowed by an id."""
    for name, field in object_type(of, "Query").fields.items():
        narrowed = field.args.get("filter")
        kind = None if narrowed is None else get_named_type(narrowed.type)
        if isinstance(kind, GraphQLInputObjectType):
            for key, member in kind.fields.items():
                if get_named_type(member.type).name == "ID" or key in NAMES_OF_IDS:
                    yield name, key, kind.name


def ids_for(ids: dict[str, str], field: str, key: str, shown: str) -> list[str]:
    """Return A's ids that fit an argument: by its name, else all of them."""
    named = {
        "externalId": ["shop-1"],
        "mac": [MAC],
        "resellerId": [ids["Reseller"]],
        "panelId": [ids["Panel"]],
        "operationId": [ids["Operation"]],
        "sourceId": [ids["InboundSource"]],
        "endpointId": [ids["WebhookEndpoint"]],
        "resourceId": [ids["Line"], ids["Device"], ids["Key"], ids["Reseller"]],
        "planId": [],
        "afterId": [ids["Event"]],
    }
    if key in named:
        return named[key]
    assert key == "id", f"{field}({key}): say in ids_for which ids fit"
    return list(ids.values()) if shown == "Node" else [ids[shown]]


async def test_every_query_by_id_answers_the_other_reseller_not_found(world: World) -> None:
    ids = await owned_by_a(world)
    calls, of, asked = len(world.calls()), schema(), 0
    for field, key, shown in queries_by_id(of):
        arguments = object_type(of, "Query").fields[field].args
        kind = str(arguments[key].type)
        others = [it for it in arguments if it != key and is_required_argument(arguments[it])]
        assert set(others) <= {"externalId"}, f"{field}: what is {others}?"
        more = ', externalId: "shop-1"' if others else ""
        inner = "__typename id" if shown == "Node" else everything(of, shown, depth=2)
        document = f"query($v: {kind}) {{ {field}({key}: $v{more}) {{ {inner} }} }}"
        for value in ids_for(ids, field, key, shown):
            if value == ids["Panel"] and shown not in {"Panel", "Node"}:
                continue  # Panels have no owner: both resellers use this one.
            answer = (await post(world.b.api, document, {"v": value})).json()
            codes = {error["extensions"]["code"] for error in answer["errors"]}
            denied = value == ids["Panel"]
            assert codes == {"permission_denied" if denied else "not_found"}, (field, value)
            assert answer["data"] == {field: None}
            absent = (await post(world.b.api, document, {"v": unknown(value)})).json()
            assert neutral(answer) == neutral(absent), (field, value)
            asked += 1
    assert asked >= 10
    assert len(world.calls()) == calls


async def test_no_filter_shows_the_other_resellers_rows(world: World) -> None:
    ids = await owned_by_a(world)
    of, asked = schema(), 0
    for field, key, filter_type in filters_by_id(of):
        document = (
            f"query($f: {filter_type}) {{ {field}(filter: $f) {{ nodes {{ __typename }} }} }}"
        )
        for value in ids_for(ids, field, key, ""):
            if value == ids["Panel"]:
                continue
            answer = (await post(world.b.api, document, {"f": {key: value}})).json()
            assert answer["data"][field] == {"nodes": []}, (field, key, answer)
            asked += 1
    assert asked >= 8


async def test_every_mutation_by_id_answers_the_other_reseller_not_found(world: World) -> None:
    ids = await owned_by_a(world)
    calls, of, asked = len(world.calls()), schema(), 0
    before = world.users()
    for name in object_type(of, "Mutation").fields:
        kind = of.type_map[name[0].upper() + name[1:] + "Input"]
        assert isinstance(kind, GraphQLInputObjectType)
        if "id" not in kind.fields:
            continue
        noun = next((each for each in ids if name.endswith(each) or each in name), "InboundSource")
        given = {"id": ids[noun]} | GIVEN.get(name, {})
        found = await change(world.b.api, name, given)
        if name in OPERATORS_ONLY:
            assert found["code"] == "permission_denied", name
            continue
        assert found["__typename"] == "NotFoundProblem", (name, found)
        absent = await change(world.b.api, name, given | {"id": unknown(ids[noun])})
        assert found | {"requestId": ""} == absent | {"requestId": ""}
        asked += 1
    assert asked >= 11
    assert len(world.calls()) == calls
    assert world.users() == before


async def test_subscriptions_of_the_other_resellers_things_are_refused(world: World) -> None:
    ids = await owned_by_a(world)
    fields = object_type(schema(), "Subscription").fields
    assert set(fields) == {"lineChanged", "deviceChanged", "operationChanged"}
    for name in fields:
        value = ids[name.removesuffix("Changed").capitalize()]
        document = f'subscription {{ {name}(id: "{value}") {{ id }} }}'
        answer = await post(world.b.api, document, Accept="text/event-stream")
        assert "not_found" in answer.text
        assert value not in answer.text


def unknown(value: str) -> str:
    if value == MAC:
        return "00:1A:79:00:00:00"
    return value[:-4] + "zzzz" if "_" in value else "nothing-by-this-name"


def neutral(payload: dict[str, Any]) -> dict[str, Any]:
    for error in payload["errors"]:
        error["extensions"].pop("requestId")
    payload.pop("extensions", None)
    return payload
