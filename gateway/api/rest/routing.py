"""One table of routes: it serves requests and makes OpenAPI.

`get`, `post`, `put`, `patch` and `delete` turn an endpoint into a `Route`. All that there is to
know is read from its signature: ids of the path by name, `query` and `body` by their models, the
shape of the answer from what it returns:

    Outcome[XOut]    a change: 200 or 201 with the value, 202 with the open operation
    Observed[XOut]   a read, of whatever method, that says how old the panel's word is
    Page[XOut]       a list
    XOut             anything else
    Outcome[None]    204

Every change takes `?dry_run=true`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import ModuleType, NoneType
from typing import (
    Any,
    Final,
    Generic,
    NewType,
    TypedDict,
    TypeVar,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
)

from gateway.api.rest.query import ChangeQuery, NoQuery, Query
from gateway.api.rest.wire import EXTERNAL_ID, Nothing, Wire
from gateway.domain.caller import Permission
from gateway.domain.documents import ID_PATTERN, DocumentId
from gateway.domain.errors import GatewayError
from gateway.domain.ids import (
    AuditEntryId,
    ClientId,
    DeliveryId,
    DeviceId,
    EndpointId,
    EventId,
    IdKind,
    KeyId,
    LineId,
    OperationId,
    PanelId,
    ResellerId,
    SourceId,
)
from gateway.domain.paging import Page
from gateway.domain.subscriptions import ObservedInfo
from gateway.services.context import Outcome

T = TypeVar("T")
S = TypeVar("S")

Endpoint = Callable[..., Awaitable[Any]]

#: An external_id as a part of a path.
ExternalIdPart = NewType("ExternalIdPart", str)

_ID_KINDS: Final[Mapping[object, IdKind]] = {
    LineId: IdKind.LINE,
    DeviceId: IdKind.DEVICE,
    ResellerId: IdKind.RESELLER,
    PanelId: IdKind.PANEL,
    KeyId: IdKind.KEY,
    ClientId: IdKind.CLIENT,
    SourceId: IdKind.SOURCE,
    EndpointId: IdKind.ENDPOINT,
    DeliveryId: IdKind.DELIVERY,
    OperationId: IdKind.OPERATION,
    EventId: IdKind.EVENT,
    AuditEntryId: IdKind.AUDIT_ENTRY,
}
#: Parts of a path that are no ids of ours -> what they look like.
_TEXTS: Final[Mapping[object, str]] = {ExternalIdPart: EXTERNAL_ID, DocumentId: ID_PATTERN}


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
    `may_stay_open`: may answer 202 with the operation, and takes Prefer. `may_create`: 201 where
    the outcome says so, else `status`. `texts`: the pattern of each part of the path that is no id.
    `body` None: the method has none.
    """

    method: str
    path: str
    status: int
    endpoint: Endpoint
    raises: tuple[type[GatewayError], ...]
    needs: Permission | None
    is_versioned: bool
    may_stay_open: bool
    may_create: bool
    ids: Mapping[str, IdKind]
    texts: Mapping[str, str]
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
        """Everything but reads may change something and takes an Idempotency-Key."""
        return self.method != "GET" and self.shape is not Shape.OBSERVED

    @property
    def takes_dry_run(self) -> bool:
        """A change can be tried without doing it; a probe, which changes nothing, cannot."""
        return issubclass(self.query, ChangeQuery)

    @property
    def collection(self) -> str:
        """Return the path below which what is created lives."""
        return "/".join(self.path.split("/")[:3])

    @property
    def media_types(self) -> tuple[str, ...]:
        """Return what a body may be sent as."""
        if self.method == "PATCH":
            return ("application/json", "application/merge-patch+json")
        return ("application/json",)


class _More(TypedDict, total=False):
    """What may be said of a route besides its method, path and permission; see `Route`."""

    raises: tuple[type[GatewayError], ...]
    status: int
    is_versioned: bool
    may_stay_open: bool
    may_create: bool


def get(
    path: str, *, needs: Permission | None, raises: tuple[type[GatewayError], ...] = ()
) -> Callable[[Endpoint], Route]:
    """Serve GET (and HEAD) of *path*."""
    return _route("GET", path, needs, raises=raises)


def post(
    path: str, *, needs: Permission | None, **more: Unpack[_More]
) -> Callable[[Endpoint], Route]:
    """Serve POST of *path*."""
    return _route("POST", path, needs, **more)


def put(
    path: str, *, needs: Permission | None, **more: Unpack[_More]
) -> Callable[[Endpoint], Route]:
    """Serve PUT of *path*: create what is not there, else bring it in step.

    With `may_create=False` it never answers 201: what is put has no place of its own.
    """
    return _route("PUT", path, needs, **more)


def patch(
    path: str,
    *,
    needs: Permission | None,
    raises: tuple[type[GatewayError], ...] = (),
    may_stay_open: bool = False,
) -> Callable[[Endpoint], Route]:
    """Serve PATCH of *path*, a JSON merge patch."""
    return _route(
        "PATCH", path, needs, raises=raises, is_versioned=True, may_stay_open=may_stay_open
    )


def delete(
    path: str, *, needs: Permission | None, raises: tuple[type[GatewayError], ...] = ()
) -> Callable[[Endpoint], Route]:
    """Serve DELETE of *path*."""
    return _route("DELETE", path, needs, raises=raises, status=204)


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
        created=outcome.created,
        dry_run=outcome.dry_run,
    )


def mapped_page(page: Page[S], to_shape: Callable[[S], T]) -> Page[T]:
    """Return *page* with its items in their public shape."""
    return Page(items=tuple(map(to_shape, page.items)), next_cursor=page.next_cursor)


def _route(
    method: str, path: str, needs: Permission | None, **more: Unpack[_More]
) -> Callable[[Endpoint], Route]:
    def decorate(endpoint: Endpoint) -> Route:
        hints = get_type_hints(endpoint)
        parameters = inspect.signature(endpoint).parameters
        shape, answer = _shape_of(hints["return"])
        has_body = method in {"POST", "PATCH", "PUT"}
        is_change = method != "GET" and shape in {Shape.CHANGE, Shape.NOTHING}
        query = hints.get("query", ChangeQuery if is_change else NoQuery)
        if issubclass(query, ChangeQuery) is not is_change:
            raise TypeError(f"{method} {path}: a change, and nothing else, takes a ChangeQuery")
        parts = {name: hints[name] for name in _names_in(path)}
        return Route(
            method=method,
            path=path,
            status=more.get("status", 200),
            endpoint=endpoint,
            raises=more.get("raises", ()),
            needs=needs,
            is_versioned=more.get("is_versioned", False),
            may_stay_open=more.get("may_stay_open", False),
            may_create=more.get("may_create", method == "PUT"),
            ids={name: _ID_KINDS[hint] for name, hint in parts.items() if hint not in _TEXTS},
            texts={name: _TEXTS[hint] for name, hint in parts.items() if hint in _TEXTS},
            query=query,
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
