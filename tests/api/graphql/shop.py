"""A schema like ours in small, whose resolvers count how often they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, TypeVar

import strawberry
from graphql import ExecutionResult, execute_sync
from strawberry.types import Info as Asked

from gateway.api.graphql.limits import DocumentLimits
from gateway.api.graphql.prepare import Prepared, Preparer
from gateway.api.graphql.prices import priced

Runs = Counter[str]
F = TypeVar("F", bound=Callable[..., object])


def costly(*, points: int = 1, panel_calls: int = 0, items: int | None = None) -> Callable[[F], F]:
    """Return Strawberry's field with a price, and keep the type of what it decorates."""
    price = priced(points=points, panel_calls=panel_calls, items=items)
    made: Callable[[F], F] = strawberry.field(metadata=price)
    return made


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Info:
    active_connections: int = 0

    @strawberry.field
    def bouquets(self, info: Asked) -> list[Bouquet]:
        info.context["bouquets"] += 1
        return []


@strawberry.type
class Bouquet(Node):
    name: str


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Line(Node):
    username: str
    note: str | None = None

    @costly(panel_calls=1)
    def info(self, info: Asked) -> Info:
        info.context["info"] += 1
        return Info()

    @strawberry.field
    def operations(self, info: Asked, first: int = 50) -> OperationConnection:
        info.context["operations"] += 1
        return OperationConnection(
            edges=[], nodes=[], page_info=PageInfo(has_next_page=False, end_cursor=None)
        )

    @costly(points=3, items=5)
    def tags(self, info: Asked) -> list[Bouquet]:
        info.context["tags"] += 1
        return []

    @strawberry.field
    def twin(self, info: Asked) -> Line | None:
        info.context["twin"] += 1
        return None


@strawberry.type
class Device(Node):
    mac: str

    @costly(panel_calls=2)
    def info(self, info: Asked) -> Info:
        info.context["info"] += 1
        return Info()


Resource = Annotated[Line | Device, strawberry.union("Resource")]


@strawberry.type
class Operation(Node):
    state: str
    resource: Resource | None = None


@strawberry.type
class OperationEdge:
    cursor: str
    node: Operation


@strawberry.type
class OperationConnection:
    edges: list[OperationEdge]
    nodes: list[Operation]
    page_info: PageInfo


@strawberry.type
class LineEdge:
    cursor: str
    node: Line


@strawberry.type
class LineConnection:
    edges: list[LineEdge]
    nodes: list[Line]
    page_info: PageInfo


@strawberry.input
class Filter:
    username: str | None = None
    all_of: list[Filter] | None = None
    inverse: Filter | None = None
    ids: list[int] | None = None


@strawberry.input(one_of=True)
class Term:
    until: str | None = strawberry.UNSET
    days: int | None = strawberry.UNSET


@strawberry.interface
class Problem:
    code: str
    detail: str


@strawberry.type
class UsernameTakenProblem(Problem):
    pass


@strawberry.type
class PanelUnavailableProblem(Problem):
    retry_after: int = 5


@strawberry.type
class RenewLineSuccess:
    line: Line


RenewLineResult = Annotated[
    RenewLineSuccess | UsernameTakenProblem | PanelUnavailableProblem,
    strawberry.union("RenewLineResult"),
]


def a_line() -> Line:
    return Line(id=strawberry.ID("line_1"), username="ann")


@strawberry.type
class Query:
    @strawberry.field
    def line(self, info: Asked, id: strawberry.ID) -> Line | None:
        info.context["line"] += 1
        return a_line()

    @strawberry.field
    def lines(
        self,
        info: Asked,
        first: int | None = None,
        after: str | None = None,
        where: Filter | None = None,
    ) -> LineConnection:
        info.context["lines"] += 1
        return LineConnection(
            edges=[LineEdge(cursor="c", node=a_line())],
            nodes=[a_line()],
            page_info=PageInfo(has_next_page=False, end_cursor="c"),
        )

    @strawberry.field
    def recent(self, info: Asked, last: int = 20) -> list[Line]:
        info.context["recent"] += 1
        return [a_line()]

    @strawberry.field
    def node(self, info: Asked, id: strawberry.ID) -> Node | None:
        info.context["node"] += 1
        return a_line()

    @strawberry.field
    def until(self, info: Asked, term: Term) -> str:
        info.context["until"] += 1
        return str(term.until or term.days)


@strawberry.type
class Mutation:
    @costly(panel_calls=2)
    def renew_line(self, info: Asked, id: strawberry.ID, term: Term) -> RenewLineResult:
        info.context["renew_line"] += 1
        return RenewLineSuccess(line=a_line())


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation, types=[Bouquet, Device, Line, Operation])


def a_preparer(**limits: int) -> Preparer:
    return Preparer(SCHEMA, DocumentLimits(**limits))


def prepare(
    text: str,
    preparer: Preparer | None = None,
    *,
    name: str | None = None,
    variables: dict[str, object] | None = None,
    may_introspect: bool = False,
) -> Prepared:
    """Prepare *text* with default limits, unless a *preparer* has others."""
    return (preparer or a_preparer()).prepare(
        text, operation_name=name, variables=variables, may_introspect=may_introspect
    )


def run(prepared: Prepared, runs: Runs) -> ExecutionResult:
    """Execute what was prepared, counting in *runs*."""
    result = execute_sync(
        SCHEMA._schema,
        prepared.document,
        context_value=runs,
        variable_values=prepared.variables,
        operation_name=prepared.operation.name.value if prepared.operation.name else None,
    )
    assert isinstance(result, ExecutionResult)
    return result
