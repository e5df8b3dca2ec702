"""One table of routes: it serves requests and makes OpenAPI.

`get`, `post`, `patch` and `delete` turn an endpoint into a `Route`. All that there is to know is
read from its signature: ids of the path by name, `query` and `body` by their models, the shape of
the answer from what it returns:

    Outcome[XOut]    a change: 200 or 201 with the value, 202 with the open operation
    Observed[XOut]   a read that says how old the panel's word is
    Page[XOut]       a list
    XOut             anything else
    Outcome[None]    204
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import ModuleType, NoneType
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from gateway.api.rest.query import NoQuery, Query
from gateway.api.rest.wire import Nothing, Wire
from gateway.domain.caller import Permission
from gateway.domain.errors import GatewayError
from gateway.domain.ids import (
    AuditEntryId,
    DeviceId,
    IdKind,
    KeyId,
    LineId,
    OperationId,
    PanelId,
    ResellerId,
)
from gateway.domain.lines import ObservedInfo
from gateway.domain.paging import Page
from gateway.services.context import Outcome

T = TypeVar("T")
S = TypeVar("S")

Endpoint = Callable[..., Awaitable[Any]]

_ID_KINDS: Final[Mapping[object, IdKind]] = {
    LineId: IdKind.LINE,
    DeviceId: IdKind.DEVICE,
    ResellerId: IdKind.RESELLER,
    PanelId: IdKind.PANEL,
    KeyId: IdKind.KEY,
    OperationId: IdKind.OPERATION,
    AuditEntryId: IdKind.AUDIT_ENTRY,
}


@dataclass(frozen=True, slots=True)
class Observed(Generic[T]):
    """An answer with its age: `info` None when the panel was not asked."""

    value: T
    info: ObservedInfo | None


class Shape(Enum):
    """What an endpoint answers."""

    ONE = auto()
    CHANGE = auto()
    OBSERVED = auto()
    PAGE = auto()
    NOTHING = auto()


_SHAPES: Final[Mapping[object, Shape]] = {
    Outcome: Shape.CHANGE,
    Observed: Shape.OBSERVED,
    Page: Shape.PAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method of one path.

    `needs`: the permission, for the docs; the service checks it. `is_versioned`: takes If-Match.
    `may_stay_open`: may answer 202 with the operation. `body` None: the method has none.
    """

    method: str
    path: str
    status: int
    endpoint: Endpoint
    raises: tuple[type[GatewayError], ...]
    needs: Permission | None
    is_versioned: bool
    may_stay_open: bool
    ids: Mapping[str, IdKind]
    query: type[Query]
    takes_query: bool
    body: type[Wire] | None
    takes_body: bool
    needs_body: bool
    shape: Shape
    answer: type[Any] | None

    @property
    def name(self) -> str:
        """Return the endpoint's name; it is the operationId."""
        return self.endpoint.__name__

    @property
    def is_write(self) -> bool:
        """Everything but GET may change something and takes an Idempotency-Key."""
        return self.method != "GET"

    @property
    def media_types(self) -> tuple[str, ...]:
        """Return what a body may be sent as."""
        if self.method == "PATCH":
            return ("application/json", "application/merge-patch+json")
        return ("application/json",)


def get(
    path: str, *, needs: Permission | None, raises: tuple[type[GatewayError], ...] = ()
) -> Callable[[Endpoint], Route]:
    """Serve GET (and HEAD) of *path*."""
    return _route("GET", path, status=200, needs=needs, raises=raises)


def post(
    path: str,
    *,
    status: int = 200,
    needs: Permission | None,
    raises: tuple[type[GatewayError], ...] = (),
    is_versioned: bool = False,
    may_stay_open: bool = False,
) -> Callable[[Endpoint], Route]:
    """Serve POST of *path*."""
    return _route(
        "POST",
        path,
        status=status,
        needs=needs,
        raises=raises,
        is_versioned=is_versioned,
        may_stay_open=may_stay_open,
    )


def patch(
    path: str,
    *,
    needs: Permission | None,
    raises: tuple[type[GatewayError], ...] = (),
    may_stay_open: bool = False,
) -> Callable[[Endpoint], Route]:
    """Serve PATCH of *path*, a JSON merge patch."""
    return _route(
        "PATCH",
        path,
        status=200,
        needs=needs,
        raises=raises,
        is_versioned=True,
        may_stay_open=may_stay_open,
    )


def delete(
    path: str, *, needs: Permission | None, raises: tuple[type[GatewayError], ...] = ()
) -> Callable[[Endpoint], Route]:
    """Serve DELETE of *path*."""
    return _route("DELETE", path, status=204, needs=needs, raises=raises)


def routes_of(*modules: ModuleType) -> tuple[Route, ...]:
    """Return every route of *modules*, in the order written: none can be forgotten."""
    return tuple(
        value for module in modules for value in vars(module).values() if isinstance(value, Route)
    )


def mapped(outcome: Outcome[S], to_shape: Callable[[S], T]) -> Outcome[T]:
    """Return *outcome* with its value, if there is one, in its public shape."""
    return Outcome(
        value=None if outcome.value is None else to_shape(outcome.value),
        operation=outcome.operation,
        replayed=outcome.replayed,
    )


def mapped_page(page: Page[S], to_shape: Callable[[S], T]) -> Page[T]:
    """Return *page* with its items in their public shape."""
    return Page(items=tuple(map(to_shape, page.items)), next_cursor=page.next_cursor)


def _route(
    method: str,
    path: str,
    *,
    status: int,
    needs: Permission | None,
    raises: tuple[type[GatewayError], ...],
    is_versioned: bool = False,
    may_stay_open: bool = False,
) -> Callable[[Endpoint], Route]:
    def decorate(endpoint: Endpoint) -> Route:
        hints = get_type_hints(endpoint)
        parameters = inspect.signature(endpoint).parameters
        shape, answer = _shape_of(hints["return"])
        has_body = method in {"POST", "PATCH", "PUT"}
        return Route(
            method=method,
            path=path,
            status=status,
            endpoint=endpoint,
            raises=raises,
            needs=needs,
            is_versioned=is_versioned,
            may_stay_open=may_stay_open,
            ids={name: _ID_KINDS[hints[name]] for name in _names_in(path)},
            query=hints.get("query", NoQuery),
            takes_query="query" in parameters,
            body=hints.get("body", Nothing) if has_body else None,
            takes_body="body" in parameters,
            needs_body="body" in parameters
            and parameters["body"].default is inspect.Parameter.empty,
            shape=shape,
            answer=answer,
        )

    return decorate


def _names_in(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _shape_of(hint: object) -> tuple[Shape, type[Any] | None]:
    shape = _SHAPES.get(get_origin(hint))
    if shape is None:
        return Shape.ONE, hint  # type: ignore[return-value]  # A class that an endpoint returns.
    (answer,) = get_args(hint)
    return (Shape.NOTHING, None) if answer is NoneType else (shape, answer)
