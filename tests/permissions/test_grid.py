"""The permission grid: every route and every field, for everybody who can come.

The lists come from the route table and from the schema, so what is new is in the grid the day it is
written, or fails here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import httpx2
import pytest
from graphql import GraphQLInputObjectType, get_named_type, is_leaf_type, is_required_argument

from gateway.api.graphql.executor import SchemaExecutor
from gateway.api.rest.routing import Route
from gateway.domain.caller import Caller, CallerKind
from gateway.domain.documents import document_id_of
from gateway.domain.ids import IdKind
from tests.factories import an_id
from tests.graphql.asking import object_type, schema
from tests.permissions.callers import DEVICE, LINE, Visitor, visitors
from tests.permissions.fields import (
    NODE,
    QUERIES,
    SUBSCRIPTIONS,
    Entrance,
    fields,
    routes,
)
from tests.permissions.stage import a_stage

EVERYBODY: Final = tuple(visitors())
KNOWN: Final = {each.bearer: each.caller for each in EVERYBODY if each.caller is not None}
SCHEMA: Final = schema()
#: It keeps nothing between requests but what it has parsed.
EXECUTOR: Final = SchemaExecutor()

TEXT: Final = "query Trusted { me { kind } }"
PARTS: Final = {
    **{kind.name.lower() + "_id": an_id(kind) for kind in IdKind},
    "line_id": LINE,
    "device_id": DEVICE,
    "external_id": "order-1",
    "document_id": document_id_of(TEXT),
}
#: Its rules do nothing that needs another permission.
SOURCE: Final[dict[str, Any]] = {
    "kind": "stripe",
    "secrets": ["whsec_1234"],
    "rules": [{"do": "none"}],
}
#: Where the route's own example does not do: it names what is not there, or asks for more rights.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "POST /v1/keys": {"name": "Shop", "permissions": ["keys:write"]},
    "POST /v1/clients": {"name": "Shop", "permissions": ["clients:write"]},
    "POST /v1/inbound-sources": SOURCE,
    "PUT /v1/lines/by-external-id/{external_id}": {"period": "P1M"},
    "PUT /v1/devices/by-external-id/{external_id}": {
        "mac": "00:1A:79:AB:CD:EF",
        "period": "P1M",
    },
    "POST /v1/resellers": {"name": "Ann"},
    "PUT /v1/credits/threshold": {
        "low_threshold": "10.00",
        "reseller_id": PARTS["reseller_id"],
    },
}
#: What a field is given besides the ids that its input asks for.
INPUTS: Final[dict[str, dict[str, Any]]] = {
    "putLine": {"externalId": "order-1", "period": "P1M"},
    "lookupLine": {"username": "anna", "password": "a-password"},
    "importLine": {"username": "anna", "password": "a-password"},
    "createLine": {"period": "P1M"},
    "renewLine": {"period": "P1M"},
    "updateLine": {"notes": "x"},
    "createDevice": {"mac": "00:1A:79:AB:CD:EF", "period": "P1M"},
    "putDevice": {"externalId": "order-1", "mac": "00:1A:79:AB:CD:EF", "period": "P1M"},
    "renewDevice": {"period": "P1M"},
    "updateDevice": {"notes": "x"},
    "importDevice": {"mac": "00:1A:79:AB:CD:EF"},
    "createReseller": {"name": "Ann"},
    "updateReseller": {"name": "Ann"},
    "createPanel": {"name": "Main", "baseUrl": "http://10.0.0.5:25461"},
    "updatePanel": {"name": "Main"},
    "setCreditsThreshold": {"lowThreshold": "10.00", "resellerId": PARTS["reseller_id"]},
    "issueKey": {"name": "Shop", "permissions": ["keys:write"]},
    "createClient": {"name": "Shop", "permissions": ["clients:write"]},
    "updateClient": {"name": "Shop"},
    "createWebhookEndpoint": {"url": "https://shop.example/hooks"},
    "updateWebhookEndpoint": {"description": "x"},
    "recoverWebhookEndpoint": {"since": "2027-01-31T00:00:00Z"},
    "createInboundSource": SOURCE | {"kind": "STRIPE"},
    "updateInboundSource": {"rules": SOURCE["rules"]},
    "rotateInboundSecret": {"secret": "whsec_1234"},
    "previewInboundEvent": {"payload": {"id": "evt_1", "type": "x"}},
    "resolveOperation": {"decision": "APPLIED"},
    "uploadTrustedDocuments": {"documents": [{"id": document_id_of(TEXT), "text": TEXT}]},
    "removeTrustedDocument": {"documentId": document_id_of(TEXT)},
}
PLACE: Final = re.compile(r"{(\w+)}")


def expected(entrance: Entrance, visitor: Visitor) -> str:
    """Return what becomes of a visitor: `unauthenticated`, `refused` or `passes`."""
    caller = visitor.caller
    if caller is None:
        return "unauthenticated"
    if caller.kind is CallerKind.STOREFRONT and not entrance.for_storefronts:
        return "refused"
    return "passes" if entrance.needs is None or caller.may(entrance.needs) else "refused"


def bearer_of(visitor: Visitor) -> dict[str, str]:
    return {"Authorization": f"Bearer {visitor.bearer}"} if visitor.bearer else {}


# --- REST ----------------------------------------------------------------------------------------


def body_of(entrance: Entrance, route: Route) -> dict[str, Any] | None:
    if not route.takes_body or route.body is None:
        return None
    extra: Any = route.body.model_config.get("json_schema_extra")
    assert extra, f"{entrance}: its body has no example"
    example: dict[str, Any] = BODIES.get(str(entrance), extra["examples"][0])
    return example


def outcome_of(answer: httpx2.Response, needs: object) -> str:
    """Return what became of a visitor of REST."""
    code = answer.json().get("code") if answer.content else None
    if answer.status_code == 401:
        assert code == "unauthenticated"
        return "unauthenticated"
    if answer.status_code != 403:
        assert answer.status_code not in {400, 405, 415, 422, 500}, answer.text
        return "passes"
    detail = answer.json()["detail"]
    assert code == "permission_denied"
    assert f"permission {needs}." in detail or "A storefront token" in detail, detail
    return "refused"


@pytest.mark.parametrize(("entrance", "route"), list(routes()), ids=lambda each: str(each)[:60])
async def test_a_route_lets_in_who_holds_its_permission_and_nobody_else(
    entrance: Entrance, route: Route
) -> None:
    path = route.path
    for name in PLACE.findall(path):
        path = path.replace(f"{{{name}}}", PARTS[name])
    if entrance.name == "/v1/credits":
        path += f"?reseller_id={PARTS['reseller_id']}"  # Operators must say whose.
    async with a_stage(KNOWN) as client:
        for visitor in EVERYBODY:
            answer = await client.request(
                route.method, path, json=body_of(entrance, route), headers=bearer_of(visitor)
            )
            became = outcome_of(answer, entrance.needs)
            assert became == expected(entrance, visitor), (visitor.bearer, answer.text)


# --- GraphQL -------------------------------------------------------------------------------------


def asked(entrance: Entrance) -> tuple[str, dict[str, Any]]:
    """Return the document that asks for a field, and its variables."""
    if entrance.kind == "mutation":
        return _mutation(entrance.name)
    root = object_type(SCHEMA, entrance.kind.capitalize())
    field = root.fields[entrance.name]
    values: dict[str, Any] = {
        name: _id_for(entrance.name) if str(argument.type) == "ID!" else _TEXTS[name]
        for name, argument in field.args.items()
        if is_required_argument(argument)
    }
    if entrance.name == "credits":
        values["resellerId"] = PARTS["reseller_id"]
    heads = ", ".join(f"${name}: {field.args[name].type}" for name in values)
    given = ", ".join(f"{name}: ${name}" for name in values)
    inner = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    head = f"({heads})" if values else ""
    arguments = f"({given})" if values else ""
    return f"{entrance.kind} Asked{head} {{ {entrance.name}{arguments}{inner} }}", values


_TEXTS: Final = {"externalId": "order-1", "mac": "00:1A:79:AB:CD:EF"}


def _mutation(name: str) -> tuple[str, dict[str, Any]]:
    kind = name[0].upper() + name[1:] + "Input"
    takes = SCHEMA.type_map[kind]
    assert isinstance(takes, GraphQLInputObjectType)
    given = dict(INPUTS.get(name, {}))
    if "id" in takes.fields:
        given["id"] = _id_for(name)
    if "panelId" in takes.fields and str(takes.fields["panelId"].type) == "ID!":
        given["panelId"] = PARTS["panel_id"]
    document = (
        f"mutation Asked($input: {kind}!) {{ {name}(input: $input) {{"
        " __typename ... on Problem { code detail } } }"
    )
    return document, {"input": given}


def _id_for(field: str) -> str:
    if field == NODE:
        return LINE
    if "inbound" in field.lower():
        return PARTS["source_id"]
    if field == "redeliverDelivery":
        return PARTS["delivery_id"]
    if "webhook" in field.lower() or field == "deliveries":
        return PARTS["endpoint_id"]
    nouns = ("line", "device", "operation", "reseller", "panel", "key", "client")
    return next(PARTS[f"{noun}_id"] for noun in nouns if noun in field.lower())


def result_of(answer: httpx2.Response, needs: object) -> str:
    """Return what became of a visitor of GraphQL, by whichever transport."""
    if answer.status_code == 401:
        return "unauthenticated"
    text = answer.text
    assert "invalid_request" not in text, text
    assert "internal_error" not in text, text
    if "permission_denied" not in text:
        return "passes"
    # It is the field that was refused, not the document.
    assert f"permission {needs}." in text or "A storefront token" in text, text
    return "refused"


@pytest.mark.parametrize("entrance", list(fields()), ids=str)
async def test_a_field_lets_in_who_holds_its_permission_and_nobody_else(
    entrance: Entrance,
) -> None:
    document, variables = asked(entrance)
    accept = "text/event-stream" if entrance.kind == "subscription" else "application/json"
    body = {"query": document, "variables": variables}
    async with a_stage(KNOWN, documents=(document,), executor=EXECUTOR) as client:
        for visitor in EVERYBODY:
            headers = {"Accept": accept} | bearer_of(visitor)
            answer = await client.post("/graphql", json=body, headers=headers)
            became = result_of(answer, entrance.needs)
            assert became == expected(entrance, visitor), (visitor.bearer, answer.text)


# --- what is in the grid -------------------------------------------------------------------------


def test_every_field_of_the_schema_is_in_the_grid() -> None:
    for root in ("Query", "Mutation", "Subscription"):
        listed = {each.name for each in fields() if each.kind == root.lower()}
        assert listed == set(object_type(SCHEMA, root).fields)


def test_every_permission_lets_somebody_in_and_the_grid_has_each_sort_of_caller() -> None:
    sorts = {each.bearer.partition(".")[0] for each in EVERYBODY}
    assert len(sorts) == 7
    kinds: set[CallerKind] = {each.kind for each in callers()}
    assert kinds == {CallerKind.OPERATOR, CallerKind.RESELLER, CallerKind.STOREFRONT}
    assert set(QUERIES) & set(SUBSCRIPTIONS) == set()


def callers() -> Iterator[Caller]:
    return (each.caller for each in EVERYBODY if each.caller is not None)
