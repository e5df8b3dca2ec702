"""Descriptions without ceremony: every field of the schema has one, a test demands it.

Strawberry leaves docstrings out of the schema, and its own decorators are untyped for `async`
methods under a strict type checker; these few lines mend both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import strawberry

from gateway.api.graphql.prices import priced

P = ParamSpec("P")
R = TypeVar("R")


def about(text: str, *, name: str | None = None) -> Any:  # noqa: ANN401 - takes any field's type
    """Return a field of an output type with its description."""
    return strawberry.field(name=name, description=text)


def given(text: str, *, name: str | None = None) -> Any:  # noqa: ANN401 - takes any field's type
    """Return an optional field of an input type: absent is not the same as null."""
    return strawberry.field(name=name, description=text, default=strawberry.UNSET)


def argument(text: str, *, name: str | None = None) -> Any:  # noqa: ANN401 - strawberry's marker
    """Return the description of an argument, for `Annotated`."""
    return strawberry.argument(description=text, name=name)


def field(resolver: Callable[P, R]) -> Callable[P, R]:
    """Make *resolver* a field that is described by its docstring."""
    return asking(panel_calls=0)(resolver)


def asking(
    *, panel_calls: int = 1, shared: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a field whose resolver may ask a panel: it costs that many panel calls.

    *shared*: the calls are those of other fields of the same object that say so too.
    """

    def decorate(resolver: Callable[P, R]) -> Callable[P, R]:
        made: Any = strawberry.field(
            resolver,
            description=inspect.getdoc(resolver),
            metadata=priced(panel_calls=panel_calls, shared=shared),
        )
        return made  # type: ignore[no-any-return]  # Strawberry's own class stands in for it.

    return decorate
