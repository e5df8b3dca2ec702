"""What the schema promises by itself: descriptions, shapes of results, and the committed SDL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    build_schema,
    is_specified_scalar_type,
)

from gateway.api.contracts import breaking_changes
from gateway.api.graphql.changes import MUTATIONS
from gateway.api.graphql.schema import make_schema
from tests.graphql.asking import members_of, object_type, schema

ROOT = Path(__file__).resolve().parents[2]


def described(of: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    """Yield everything of a type that can have a description, and what it has."""
    yield of.name, of.description
    if isinstance(of, GraphQLEnumType):
        return
    if isinstance(of, GraphQLObjectType | GraphQLInterfaceType):
        for name, field in of.fields.items():
            yield f"{of.name}.{name}", field.description
            for key, argument in field.args.items():
                yield f"{of.name}.{name}({key})", argument.description
    if isinstance(of, GraphQLInputObjectType):
        for name, each in of.fields.items():
            yield f"{of.name}.{name}", each.description


def test_everything_is_described() -> None:
    types = [
        each
        for each in schema().type_map.values()
        if not each.name.startswith("__") and not is_specified_scalar_type(each)
    ]
    bare = [name for each in types for name, text in described(each) if not text]
    assert bare == []
    assert len(types) > 100


def test_a_mutation_takes_and_answers_what_all_do() -> None:
    of = schema()
    mutations = object_type(of, "Mutation").fields
    assert set(mutations) == {each.name for each in MUTATIONS}
    for name, field in mutations.items():
        kind = name[0].upper() + name[1:]
        assert {key: str(each.type) for key, each in field.args.items()} == {
            "input": f"{kind}Input!",
            "idempotencyKey": "String",
            "ifVersion": "Int",
            "dryRun": "Boolean",
        }
        assert str(field.type) == f"{kind}Result!"
        union = of.type_map[f"{kind}Result"]
        assert isinstance(union, GraphQLUnionType)
        first, *rest = members_of(union)
        assert first == f"{kind}Success"
        assert rest[:2] == ["OperationAccepted", "DryRun"]
        problem = of.type_map["Problem"]
        assert isinstance(problem, GraphQLInterfaceType)
        for each in rest[2:]:
            assert problem in object_type(of, each).interfaces


def test_the_committed_schema_is_what_the_code_has() -> None:
    committed = (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")
    assert committed == make_schema().as_str() + "\n"


OLD = 'type Query { "a" line(id: ID!): String "b" lines: [Int!] } enum State { A B }'


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (OLD, []),
        (OLD.replace('"b" lines: [Int!]', '"b" lines: [Int!] more: Int'), []),
        (OLD.replace('"b" lines: [Int!]', ""), ["Field Query.lines was removed."]),
        (
            OLD.replace("id: ID!", "id: ID!, all: Int!"),
            ["A required argument Query.line(all:) was added."],
        ),
        (
            OLD.replace("String", "Int"),
            ["Field Query.line changed type from String to Int."],
        ),
        (OLD.replace(" B }", " }"), ["Enum value State.B was removed."]),
    ],
)
def test_a_breaking_change_is_told(new: str, told: list[str]) -> None:
    found = breaking_changes(OLD, new)
    assert [each.replace("'", "") for each in found] == told


def test_the_schema_breaks_no_client_of_the_last_release(last_release: str | None) -> None:
    """Before the first release there is none to break."""
    if last_release is None:
        return
    assert breaking_changes(last_release, make_schema().as_str()) == []


def test_the_sdl_is_valid_by_itself() -> None:
    assert build_schema(make_schema().as_str()).query_type is not None
