"""Scalars. What comes in stays the text that was sent: the models of `api/rest` check it.

So a malformed time is a fault in an `InvalidRequestProblem`, beside all the others, as in REST.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

Duration = NewType("Duration", str)
Metadata = NewType("Metadata", dict)  # type: ignore[type-arg]  # Strawberry wants a plain class.
JsonObject = NewType("JsonObject", dict)  # type: ignore[type-arg]  # As above.
JsonValue = NewType("JsonValue", object)


def _time_text(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError("not a time")
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise GraphQLError("This must be a string.")
    return value


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise GraphQLError("This must be an object.")
    return dict(value)


def _as_it_is(value: object) -> object:
    return value


#: Python type -> the scalar that stands for it in the schema.
SCALARS: Final[Mapping[object, ScalarDefinition]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment: RFC 3339 in UTC, such as `2027-01-31T00:00:00Z`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_time_text,
        parse_value=_text,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="An ISO 8601 duration, such as `P1M`, `P30D` or `PT24H`.",
        serialize=str,
        parse_value=_text,
    ),
    Metadata: strawberry.scalar(
        name="Metadata",
        description="Your own keys and text values: a flat object of at most 50 keys. In a change "
        "a null value removes its key.",
        serialize=_object,
        parse_value=_object,
    ),
    JsonObject: strawberry.scalar(
        name="JSONObject",
        description="Any JSON object.",
        serialize=_object,
        parse_value=_object,
    ),
    JsonValue: strawberry.scalar(
        name="JSON",
        description="Any JSON value: a text, number, boolean, list or object, or null.",
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
}
