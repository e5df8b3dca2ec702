"""Relay connections over the pages and cursors of REST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import strawberry
from strawberry.utils.str_converters import to_camel_case

from gateway.api.graphql.describe import about
from gateway.api.graphql.names import in_arguments, members
from gateway.api.rest.query import PageQuery
from gateway.domain.errors import InvalidRequest
from gateway.domain.paging import LIMIT_DEFAULT, Page, encode_cursor

NodeT = TypeVar("NodeT")
QueryT = TypeVar("QueryT", bound=PageQuery)

FIRST: Final = "How many at most, 1 to 200."
AFTER: Final = "Only what comes after this cursor."
FILTER: Final = "Only what fits."


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = about("Whether more follow: ask again with `after: endCursor`.")
    has_previous_page: bool = about("Whether the page was asked for with `after`.")
    start_cursor: str | None = about("The first node's cursor; null where there is none.")
    end_cursor: str | None = about("The last node's cursor; null where there is none.")


@strawberry.type(description="A node and its place in the list.")
class Edge(Generic[NodeT]):
    """A node and its place."""

    cursor: str = about("Names the place after this node; the same as in REST.")
    node: NodeT = about("What is listed.")


@strawberry.type(description="A page of a list, newest first.")
class Connection(Generic[NodeT]):
    """A page of a list."""

    edges: list[Edge[NodeT]] = about("The page's nodes with their cursors.")
    nodes: list[NodeT] = about("The same without cursors.")
    page_info: PageInfo = about("Where this page stands.")


async def connection(
    query: type[QueryT],
    first: int | None,
    after: str | None,
    narrowed: object,
    fetch: Callable[[QueryT], Awaitable[Page[Any]]],
    *,
    place_of: Callable[[Any], str] = lambda item: item.id,
    show: Callable[[Any], Any] = lambda item: item,
) -> Connection[Any]:
    """Return the page that the arguments ask for; *narrowed* is the filter, or None.

    *place_of* an item is the id of which its cursor is made; *show* gives its public shape.

    Raises:
        InvalidRequest: with all faults at once, as pointers into the arguments.
    """
    values = {} if narrowed is None else members(narrowed)
    asked = {name: _text(value) for name, value in values.items() if value is not None}
    pairs = [("limit", str(LIMIT_DEFAULT if first is None else first)), *asked.items()]
    if after is not None:
        pairs.append(("cursor", after))
    try:
        page = await fetch(query.of(tuple(pairs)))
    except InvalidRequest as error:
        raise in_arguments(error, "/filter") from None
    edges: list[Edge[Any]] = [
        Edge(cursor=encode_cursor(place_of(item)), node=show(item)) for item in page.items
    ]
    return Connection(
        edges=edges,
        nodes=[edge.node for edge in edges],
        page_info=PageInfo(
            has_next_page=page.next_cursor is not None,
            has_previous_page=after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def _text(value: object) -> str:
    return str(value)


def argument_name(parameter: str) -> str:
    """Return what the argument or member of a filter is called that a REST parameter becomes."""
    return {"limit": "first", "cursor": "after"}.get(parameter, to_camel_case(parameter))
