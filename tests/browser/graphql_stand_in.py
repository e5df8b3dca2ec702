"""A small GraphQL endpoint with the page in front: bearer keys, JSON and SSE, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from strawberry.types import ExecutionResult

from gateway.api.exchange import Answer
from gateway.api.graphql.graphiql import graphiql_answer, graphiql_routes
from gateway.api.middleware import ExchangeMiddleware
from gateway.api.options import ApiOptions

KEY: Final = "xgw_knows-everything"
BLIND_KEY: Final = "xgw_may-not-introspect"


@strawberry.type
class Me:
    kind: str
    reseller_id: strawberry.ID | None
    permissions: list[str]


@strawberry.type(description="A subscriber account on a panel.")
class Line:
    id: strawberry.ID
    username: str
    state: str
    expires_at: str | None


@strawberry.type
class LineEdge:
    node: Line


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class LineConnection:
    edges: list[LineEdge]
    page_info: PageInfo


@strawberry.type
class Operation:
    id: strawberry.ID
    state: str


@strawberry.type
class OperationAccepted:
    operation: Operation


@strawberry.interface
class Problem:
    code: str
    detail: str


@strawberry.type
class NotFoundProblem(Problem):
    pass


@strawberry.type
class RenewLineSuccess:
    line: Line


RenewLineResult = Annotated[
    RenewLineSuccess | OperationAccepted | NotFoundProblem, strawberry.union("RenewLineResult")
]


@strawberry.input
class RenewLineInput:
    id: strawberry.ID
    period: str


def a_line(state: str = "active") -> Line:
    return Line(id=strawberry.ID("line_1"), username="anna", state=state, expires_at=None)


@strawberry.type
class Query:
    @strawberry.field
    def me(self) -> Me:
        return Me(kind="reseller", reseller_id=strawberry.ID("rsl_1"), permissions=["lines:read"])

    @strawberry.field
    def lines(self, first: int = 50, after: str | None = None) -> LineConnection:
        last = PageInfo(has_next_page=False, end_cursor=None)
        return LineConnection(edges=[LineEdge(node=a_line())], page_info=last)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def renew_line(self, input: RenewLineInput, dry_run: bool = False) -> RenewLineResult:
        return NotFoundProblem(code="not_found", detail=f"There is no line {input.id!r}.")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def line_changed(self, id: strawberry.ID) -> AsyncIterator[Line]:
        yield a_line("suspended")
        yield a_line("expired")


SCHEMA: Final = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


def stand_in_app() -> Starlette:
    """Return an application that serves the page, its assets and the small schema."""
    routes = [Route("/graphql", _page), Route("/graphql", _run, methods=["POST"])]
    return Starlette(
        routes=[*routes, *graphiql_routes()],
        middleware=[Middleware(ExchangeMiddleware, options=ApiOptions())],
    )


async def _page(request: Request) -> Answer:
    return graphiql_answer()


async def _run(request: Request) -> Response:
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if key not in {KEY, BLIND_KEY}:
        return _refusal(401, "unauthenticated", "The key is not known.")
    asked: dict[str, Any] = await request.json()
    if key == BLIND_KEY and "__schema" in asked["query"]:
        return _refusal(403, "permission_denied", "This needs the permission graphql:introspect.")
    words = {
        "variable_values": asked.get("variables"),
        "operation_name": asked.get("operationName"),
    }
    if request.headers["accept"] == "text/event-stream":
        results = await SCHEMA.subscribe(asked["query"], **words)
        assert isinstance(results, AsyncIterator)
        return StreamingResponse(_events(results), media_type="text/event-stream")
    result = await SCHEMA.execute(asked["query"], **words)
    return JSONResponse(_shape(result), media_type="application/graphql-response+json")


def _refusal(status: int, code: str, sentence: str) -> Response:
    body = {"errors": [{"message": sentence, "extensions": {"code": code}}]}
    return JSONResponse(body, status, media_type="application/graphql-response+json")


async def _events(results: AsyncIterator[ExecutionResult]) -> AsyncIterator[str]:
    async for result in results:
        yield f"event: next\ndata: {json.dumps(_shape(result))}\n\n"
    yield "event: complete\ndata:\n\n"


def _shape(result: Any) -> dict[str, Any]:
    errors = {"errors": [error.formatted for error in result.errors]} if result.errors else {}
    return errors | {"data": result.data}
