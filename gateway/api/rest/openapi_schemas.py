"""The shapes that routes send and answer -> the schemas of the OpenAPI document."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.rest.dry_run import DryRunOut
from gateway.api.rest.operations import OperationOut
from gateway.api.rest.routing import Route
from gateway.api.rest.wire import Patch

SCHEMAS: Final = "#/components/schemas/"

_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is stable; `errors` lists every fault.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "operation_id": {"type": "string", "description": "The operation that failed."},
        "errors": {"type": "array", "items": {"$ref": SCHEMAS + "Fault"}},
    },
}
_FAULT_SCHEMA: Final = {
    "type": "object",
    "description": "One fault. `pointer`: a JSON pointer into the body, `?name`, or a header.",
    "required": ["pointer", "code", "detail"],
    "properties": {name: {"type": "string"} for name in ("pointer", "code", "detail")},
}


#: Members of answers that are not always there.
_SOMETIMES: Final[Mapping[str, frozenset[str]]] = {"OperationProblem": frozenset({"errors"})}


def schemas_of(routes: tuple[Route, ...]) -> dict[str, Any]:
    """Return every schema that *routes* send or answer, by name."""
    bodies = [route.body for route in routes if route.takes_body and route.body is not None]
    answers = [route.answer for route in routes if route.answer is not None]
    found: dict[str, Any] = {"Problem": _PROBLEM_SCHEMA, "Fault": _FAULT_SCHEMA}
    _add(found, _request_schemas(bodies))
    _add(found, _answer_schemas([*answers, OperationOut, DryRunOut]))
    for route in routes:
        _add(found, _query_schemas(route))
    return {name: _cleaned(schema) for name, schema in found.items()}


def _cleaned(schema: dict[str, Any]) -> dict[str, Any]:
    """Descriptions come from docstrings, with their indentation; titles repeat our class names."""
    schema = {key: value for key, value in schema.items() if key != "title"}
    if "description" in schema:
        schema["description"] = inspect.cleandoc(schema["description"])
    return schema


def _answer_schemas(answers: list[type[Any]]) -> dict[str, Any]:
    """Return the schemas of answers, whose members are all always there."""
    _, found = msgspec.json.schema_components(answers, ref_template=SCHEMAS + "{name}")
    for name, schema in found.items():
        members_of: dict[str, Any] = schema.get("properties", {})
        if members_of:
            rare = _SOMETIMES.get(name.removesuffix("Out"), frozenset())
            schema["required"] = [member for member in members_of if member not in rare]
        if "object" in members_of:
            members_of["object"] = {"type": "string", "const": members_of["object"]["default"]}
    return found


def _add(found: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, schema in more.items():
        known = found.setdefault(name, schema)
        if known != schema and set(known.get("enum", "?")) != set(schema.get("enum", "!")):
            raise ValueError(f"two schemas are called {name}")


def _request_schemas(bodies: list[type[Any]]) -> dict[str, Any]:
    wanted = {body.__name__ for body in bodies}
    _, document = models_json_schema(
        [(body, "validation") for body in dict.fromkeys(bodies)], ref_template=SCHEMAS + "{model}"
    )
    made: dict[str, Any] = document.get("$defs", {})
    if missing := wanted - set(made):  # Pydantic renames models that share a name.
        raise ValueError(f"two schemas are called {missing.pop()}")
    patches = {cls.__name__ for cls in _subclasses(Patch)}
    for name, schema in made.items():
        for field in schema.get("properties", {}).values():
            field.pop("title", None)
            if name in patches:
                field.pop("default", None)  # What is absent from a patch does not change.
    # Pydantic also describes types whose schema we give by hand.
    text = str(made)
    return {n: schema for n, schema in made.items() if n in wanted or f"'{SCHEMAS}{n}'" in text}


def _query_schemas(route: Route) -> dict[str, Any]:
    """Return what the parameters of a route refer to, which are enums."""
    if not route.takes_query:
        return {}
    found: dict[str, Any] = route.query.model_json_schema(ref_template=SCHEMAS + "{model}")
    enums: dict[str, Any] = found.get("$defs", {})
    return enums


def _subclasses(base: type[BaseModel]) -> Iterable[type[BaseModel]]:
    for child in base.__subclasses__():
        yield child
        yield from _subclasses(child)
