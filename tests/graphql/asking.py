"""Asking `/graphql` as a caller would, and what is asked again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
from graphql import (
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from gateway.api.graphql.schema import make_schema
from tests.world import Api

PROBLEM = "... on Problem { code detail status requestId errors { pointer code detail } }"
LINE = "id username state expiresAt maxConnections bouquetIds version"
DEVICE = "id mac state expiresAt maxConnections bouquetIds version"


async def post(
    api: Api, document: str, variables: Mapping[str, Any] | None = None, **headers: str
) -> httpx2.Response:
    """Send one document."""
    body = {"query": document, "variables": dict(variables or {})}
    return await api.post("/graphql", body, headers=headers)


async def ask(
    api: Api, document: str, variables: Mapping[str, Any] | None = None, **headers: str
) -> dict[str, Any]:
    """Send one document that must succeed whole; return its data."""
    answer = await post(api, document, variables, **headers)
    payload: dict[str, Any] = answer.json()
    assert answer.status_code == 200, answer.text
    assert "errors" not in payload, payload["errors"]
    data: dict[str, Any] = payload["data"]
    return data


async def refused(
    api: Api, document: str, variables: Mapping[str, Any] | None = None, **headers: str
) -> list[str]:
    """Send one document that fails; return the codes of its errors."""
    payload = (await post(api, document, variables, **headers)).json()
    return [error["extensions"]["code"] for error in payload["errors"]]


async def change(
    api: Api,
    mutation: str,
    given: Mapping[str, Any],
    shown: str = "",
    **arguments: Any,
) -> dict[str, Any]:
    """Do one mutation; return the member of its result, with `__typename`."""
    name = mutation[0].upper() + mutation[1:]
    kinds = {"idempotencyKey": "String", "ifVersion": "Int", "dryRun": "Boolean"}
    heads = "".join(f", ${each}: {kinds[each]}" for each in arguments)
    passed = "".join(f", {each}: ${each}" for each in arguments)
    document = (
        f"mutation($input: {name}Input!{heads}) {{ {mutation}(input: $input{passed}) {{"
        f" __typename {PROBLEM}"
        " ... on OperationAccepted { operation { id state kind } replayed }"
        " ... on DryRun { dryRun credits effect { before after }"
        " panelCalls { method path query form } }"
        f" ... on {name}Success {{ replayed operation {{ id state kind }} {shown} }} }} }}"
    )
    data = await ask(api, document, {"input": dict(given)} | arguments)
    found: dict[str, Any] = data[mutation]
    return found


async def do(
    api: Api, mutation: str, given: Mapping[str, Any], shown: str, **arguments: Any
) -> dict[str, Any]:
    """Do one mutation that must succeed; return its success."""
    found = await change(api, mutation, given, shown, **arguments)
    assert found["__typename"] == mutation[0].upper() + mutation[1:] + "Success", found
    return found


def schema() -> GraphQLSchema:
    """Return the schema as the SDL has it."""
    return build_schema(make_schema().as_str())


def object_type(of: GraphQLSchema, name: str) -> GraphQLObjectType:
    """Return an object type by its name."""
    found = of.type_map[name]
    assert isinstance(found, GraphQLObjectType)
    return found


def input_type(of: GraphQLSchema, name: str) -> GraphQLInputObjectType:
    """Return an input type by its name."""
    found = of.type_map[name]
    assert isinstance(found, GraphQLInputObjectType)
    return found


def members_of(union: GraphQLNamedType) -> list[str]:
    """Return the names of a union's members."""
    assert isinstance(union, GraphQLUnionType)
    return [each.name for each in union.types]


def everything(of: GraphQLSchema, kind: str, depth: int = 4) -> str:
    """Return a selection of all that *kind* has and that needs no argument, so deep."""
    return " ".join(_selected(of, object_type(of, kind), depth))


def _selected(of: GraphQLSchema, kind: GraphQLObjectType, depth: int) -> Iterator[str]:
    for name, field in kind.fields.items():
        if any(is_required_argument(each) for each in field.args.values()):
            continue
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            yield name
        elif isinstance(inner, GraphQLObjectType) and depth > 1:
            below = " ".join(_selected(of, inner, depth - 1))
            if below:
                yield f"{name} {{ {below} }}"
