"""`snake_case` of the services and REST <-> `camelCase` of GraphQL, in values and in pointers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gateway.domain.errors import Fault, InvalidRequest

#: Name of a strawberry input class's attribute -> the REST body's member, where they differ.
_RENAMED: Final = {"from_": "from"}


def to_body(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return an input object as the body that REST would get; what was not given is left out."""
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        custom: Callable[[], Any] | None = getattr(value, "to_body", None)
        return members(value) if custom is None else custom()
    if isinstance(value, list | tuple):
        return [to_body(item) for item in value]
    return value


def members(value: object) -> dict[str, Any]:
    """Return the members of an input object that were given."""
    return {
        _RENAMED.get(each.name, each.name): to_body(getattr(value, each.name))
        for each in dataclasses.fields(value)  # type: ignore[arg-type]  # An input object.
        if getattr(value, each.name) is not strawberry.UNSET
    }


def in_arguments(error: InvalidRequest, root: str) -> InvalidRequest:
    """Return *error* with pointers into the field's arguments, below *root*."""
    faults = tuple(
        Fault(pointer_to(fault.pointer, root), fault.code, fault.detail) for fault in error.faults
    )
    return InvalidRequest(error.detail, faults=faults)


#: A query parameter of REST -> the argument that stands for it; the others are in the filter.
_PAGE: Final[Mapping[str, str]] = {"?limit": "/first", "?cursor": "/after"}


def pointer_to(pointer: str, root: str) -> str:
    """Return where in the arguments a fault is that REST found at *pointer*."""
    if pointer in _PAGE:
        return _PAGE[pointer]
    if pointer.startswith("?"):
        return f"{root}/{to_camel_case(pointer[1:])}"
    if pointer and not pointer.startswith("/"):
        return f"/{to_camel_case(pointer.lower().replace('-', '_'))}"  # A header is an argument.
    parts = pointer.split("/")[1:]
    return root + "".join("/" + part for part in _spelled(parts))


#: Members whose value is JSON all the way down.
_JSON: Final = frozenset({"jwks", "rules"})


def _spelled(parts: list[str]) -> list[str]:
    """Spell names of fields; what is in metadata, extra, jwks and rules is JSON, and stays."""
    spelled: list[str] = []
    for place, part in enumerate(parts):
        above = parts[:place]
        free = place > 0 and (above[-1] in {"metadata", "extra"} or not _JSON.isdisjoint(above))
        spelled.append(part if free else to_camel_case(part))
    return spelled
