"""REST and GraphQL can do and say the same, or the difference stands here with its reason.

The lists come from the route table and the schema, so what one gets and the other lacks fails here.
"""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from graphql import GraphQLField, GraphQLSchema, get_named_type, is_leaf_type
from strawberry.utils.str_converters import to_camel_case

from gateway.api.graphql.changes import MUTATIONS
from gateway.api.graphql.mutations import Mutation
from gateway.api.graphql.paging import argument_name
from gateway.api.graphql.problems import TOP_LEVEL, type_name
from gateway.api.rest.query import ChangeQuery, PageQuery
from gateway.api.rest.routing import Route, Shape
from gateway.api.rest.table import TABLE
from gateway.api.rest.wire import Wire
from tests.graphql.asking import input_type, members_of, object_type, schema

#: Reading route -> the fields of GraphQL that say the same.
READS = {
    "GET /v1/me": ("Query.me",),
    "GET /v1/lines": ("Query.lines",),
    "GET /v1/lines/{line_id}": ("Query.line", "Query.node"),
    "GET /v1/lines/by-external-id/{external_id}": ("Query.lineByExternalId",),
    "GET /v1/lines/{line_id}/info": ("Line.info",),
    "GET /v1/lines/{line_id}/credentials": ("Line.credentials",),
    "GET /v1/devices": ("Query.devices",),
    "GET /v1/devices/{device_id}": ("Query.device",),
    "GET /v1/devices/by-external-id/{external_id}": ("Query.deviceByExternalId",),
    "GET /v1/devices/{device_id}/info": ("Device.info",),
    "POST /v1/devices/lookup": ("Query.deviceByMac",),
    "GET /v1/bouquets": ("Query.bouquets",),
    "GET /v1/credits": ("Query.credits", "Line.credits", "Device.credits"),
    "GET /v1/operations": ("Query.operations",),
    "GET /v1/operations/{operation_id}": ("Query.operation",),
    "GET /v1/drifts": ("Query.drifts",),
    "GET /v1/events": ("Query.events",),
    "GET /v1/events/{event_id}": ("Query.node",),
    "GET /v1/resellers": ("Query.resellers",),
    "GET /v1/resellers/{reseller_id}": ("Query.reseller",),
    "GET /v1/panels": ("Query.panels",),
    "GET /v1/panels/{panel_id}": ("Query.panel",),
    "GET /v1/keys": ("Query.keys",),
    "GET /v1/keys/{key_id}": ("Query.node",),
    "GET /v1/clients": ("Query.clients",),
    "GET /v1/clients/{client_id}": ("Query.client",),
    "GET /v1/webhook-endpoints": ("Query.webhookEndpoints",),
    "GET /v1/webhook-endpoints/{endpoint_id}": ("Query.webhookEndpoint",),
    "GET /v1/webhook-endpoints/{endpoint_id}/deliveries": ("Query.deliveries",),
    "GET /v1/inbound-sources": ("Query.inboundSources",),
    "GET /v1/inbound-sources/{source_id}": ("Query.inboundSource",),
    "GET /v1/inbound-sources/{source_id}/events": ("Query.inboundEvents",),
    "GET /v1/trusted-documents": ("Query.trustedDocuments",),
    "GET /v1/audit/entries": (
        "Query.auditEntries",
        "Line.auditEntries",
        "Device.auditEntries",
    ),
}
#: Members of REST's answers that GraphQL says otherwise.
OTHERWISE = {
    "object": "__typename",
    "password": "a field of the mutation's success",
    "key": "the secret of issueKey's success",
    "secret": "a field of the mutation's success",
    "client_secret": "a field of the mutation's success",
    "type": "the code says it",
}


def key_of(route: Route) -> str:
    return f"{route.method} {route.path}"


def field_named(of: GraphQLSchema, path: str) -> GraphQLField:
    kind, _, name = path.partition(".")
    found: GraphQLField = object_type(of, kind).fields[name]
    return found


def test_every_route_is_a_field_and_every_field_a_route() -> None:
    routes = {key_of(route) for route in TABLE}
    mutated = {key_of(each.route) for each in MUTATIONS}
    assert routes == mutated | set(READS)
    of = schema()
    fields = {f"Query.{name}" for name in object_type(of, "Query").fields}
    assert fields == {
        path for paths in READS.values() for path in paths if path.startswith("Query.")
    }


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_mutation_takes_what_its_route_takes(mutation: Mutation) -> None:
    route, of = mutation.route, schema()
    name = mutation.name[0].upper() + mutation.name[1:]
    given = set(input_type(of, f"{name}Input").fields)
    expected = {to_camel_case(each) for each in route.texts}
    expected |= {"id" for _ in route.ids}
    if route.takes_body and route.body is not None:
        expected |= members(route.body)
    if route.takes_query:
        expected |= {to_camel_case(each) for each in set(route.query.model_fields) - {"dry_run"}}
    assert given == expected


def members(body: type[Wire]) -> set[str]:
    return {to_camel_case(field.alias or name) for name, field in body.model_fields.items()}


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_mutation_can_be_refused_as_its_route_can(mutation: Mutation) -> None:
    name = mutation.name[0].upper() + mutation.name[1:]
    members_ = set(members_of(schema().type_map[f"{name}Result"]))
    for error in set(mutation.route.raises) - set(TOP_LEVEL):
        assert type_name(error) in members_, error


@pytest.mark.parametrize("route", TABLE, ids=key_of)
def test_whatever_a_route_answers_can_be_asked_for(route: Route) -> None:
    if route.answer is None:
        return
    of = schema()
    paths = READS.get(key_of(route))
    if paths is None:
        (mutation,) = [each for each in MUTATIONS if each.route is route]
        success = mutation.name[0].upper() + mutation.name[1:] + "Success"
        shown = field_named(of, f"{success}.{mutation.noun}")
    else:
        shown = field_named(of, paths[0])
    kind = get_named_type(shown.type).name
    if kind == "Node":
        kind = {"key": "Key", "event": "Event"}[route.path.split("/")[2].rstrip("s")]
    if route.shape is Shape.PAGE and kind.endswith("Connection"):
        kind = get_named_type(field_named(of, f"{kind}.nodes").type).name
    compare(of, kind, route.answer)


def compare(of: GraphQLSchema, kind: str, answer: Any) -> None:
    """Fail unless GraphQL's *kind* has every member of REST's *answer*, all the way down."""
    fields = object_type(of, kind).fields
    for name, hint in get_type_hints(answer).items():
        if name in OTHERWISE:
            continue
        field = fields.get(to_camel_case(name))
        assert field is not None, f"{kind} lacks {name}"
        struct = struct_in(hint)
        inner = get_named_type(field.type)
        if struct is not None and not is_leaf_type(inner):
            compare(of, inner.name, struct)


def struct_in(hint: Any) -> Any:
    """Return the answer's class inside of an optional or a tuple, or None."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    return next((found for each in get_args(hint) if (found := struct_in(each))), None)


def test_lists_are_narrowed_by_the_same_things() -> None:
    of = schema()
    for route in TABLE:
        if not (route.takes_query and route.method == "GET"):
            continue
        field = field_named(of, READS[key_of(route)][0])
        arguments = set(field.args)
        if "filter" in field.args:
            kind = get_named_type(field.args["filter"].type).name
            arguments = arguments - {"filter"} | set(input_type(of, kind).fields)
        assert not issubclass(route.query, ChangeQuery)
        wanted = {
            argument_name(each.alias or name) for name, each in route.query.model_fields.items()
        }
        path_parts = {to_camel_case(name) for name in (*route.texts, *route.ids)}
        assert arguments == wanted | path_parts, key_of(route)
        if issubclass(route.query, PageQuery):
            assert str(get_named_type(field.type)).endswith("Connection")
