"""`Node`: whatever has an id of ours can be read again by it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import strawberry

from gateway.api.graphql.describe import about
from gateway.api.rest.routing import Observed, Route
from gateway.domain.errors import NotFound
from gateway.domain.ids import is_id
from gateway.services.context import Context


class Shown:
    """A type whose fields are read off REST's answer: the same values under GraphQL's names.

    Resolvers return what REST's endpoints return, unchanged; `out` is its class.
    """

    out: ClassVar[type[Any]]

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        """Tell whether *value* is shown as this type."""
        return isinstance(value, cls.out | cls)


async def read_by_id(route: Route, context: Context, given: str) -> Any:  # noqa: ANN401
    """Return what a route that reads one thing by its id answers.

    Raises:
        NotFound: also for what is no id of that kind.
    """
    ((name, kind),) = route.ids.items()
    if not is_id(kind, given):
        raise NotFound("There is no such resource.")
    read: Callable[..., Awaitable[Any]] = route.endpoint
    found = await read(context, **{name: given})
    return found.value if isinstance(found, Observed) else found


@strawberry.interface(description="Whatever has an id of the gateway's.")
class Node:
    """Whatever has an id."""

    id: strawberry.ID = about("Opaque, prefixed by its kind, and ordered by time.")
