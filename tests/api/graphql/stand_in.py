"""An executor over a small schema, in place of the gateway's own.

It keeps the promises of `Executor` and nothing more; what a test changes of it, it changes openly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Final

import strawberry
from graphql import GraphQLError, OperationType, get_operation_ast, parse
from strawberry.types import ExecutionResult, Info
from strawberry.types.execution import PreExecutionError
from strawberry.utils.logging import StrawberryLogger

from gateway.api.graphql.errors import graphql_error
from gateway.api.graphql.request import Allowed, Asked, GraphqlRequest, Result, Stage
from gateway.domain.errors import (
    GatewayError,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ServiceUnavailable,
)

#: Larger than what sockets keep for a reader who does not read.
MUCH: Final = "x" * 100_000


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    def nothing(self) -> str | None:
        raise NotFound("There is no such thing.")

    @strawberry.field
    def seen(self, info: Info) -> list[str]:
        asked: Asked = info.context.asked
        return [asked.caller.id, str(asked.no_cache), str(asked.preferences.wait)]


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    def touch(self, info: Info) -> int:
        stand_in: StandIn = info.context.stand_in
        stand_in.touched += 1
        return stand_in.touched


@strawberry.type
class Subscription:
    """What can be followed."""

    @strawberry.subscription
    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(1, to + 1):
            yield number

    @strawberry.subscription
    async def ticks(self, info: Info) -> AsyncGenerator[int, None]:
        """One event at once, the others when the test says so."""
        stand_in: StandIn = info.context.stand_in
        stand_in.open += 1
        stand_in.changed.set()
        try:
            yield 0
            while True:
                yield await stand_in.events.get()
        finally:
            stand_in.open -= 1
            stand_in.changed.set()

    @strawberry.subscription
    async def flood(self, info: Info) -> AsyncGenerator[str, None]:
        """More than anybody reads."""
        stand_in: StandIn = info.context.stand_in
        while True:
            stand_in.flooded += 1
            await asyncio.sleep(0)
            yield MUCH

    @strawberry.subscription
    async def broken(self, error: str) -> AsyncGenerator[int, None]:
        """An event, and then an error outside of any field."""
        yield 1
        if error == "down":
            raise ServiceUnavailable("The database is down.")
        raise ValueError("secret-of-the-code")


@dataclass(frozen=True, slots=True)
class Seen:
    """What resolvers are handed."""

    stand_in: StandIn
    asked: Asked


_CARRIED: Final = {
    Allowed.QUERIES: {OperationType.QUERY},
    Allowed.QUERIES_AND_MUTATIONS: {OperationType.QUERY, OperationType.MUTATION},
    Allowed.QUERIES_AND_SUBSCRIPTIONS: {OperationType.QUERY, OperationType.SUBSCRIPTION},
    Allowed.EVERYTHING: set(OperationType),
}
SCHEMA: Final = strawberry.Schema(Query, Mutation, Subscription)
StrawberryLogger.logger.disabled = True  # It logs every error that a caller makes.


@dataclass
class StandIn:
    """Runs requests against the small schema; `broken` is raised instead."""

    documents: dict[str, str] = field(default_factory=lambda: {"known": "{ hello }"})
    broken: Exception | None = None
    touched: int = 0
    open: int = 0
    flooded: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    events: asyncio.Queue[int] = field(default_factory=asyncio.Queue)

    def sdl(self) -> str:
        return SCHEMA.as_str()

    async def execute(self, request: GraphqlRequest, asked: Asked, allowed: Allowed) -> Result:
        if self.broken is not None:
            raise self.broken
        text, refused = self._document(request, asked, allowed)
        if refused is not None:
            return refused
        result = await SCHEMA.execute(
            text,
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            context_value=Seen(self, asked),
        )
        return _result(result, asked)

    async def stream(
        self, request: GraphqlRequest, asked: Asked, allowed: Allowed = Allowed.EVERYTHING
    ) -> AsyncGenerator[Result, None]:
        text, refused = self._document(request, asked, allowed)
        if refused is not None:
            yield refused
            return
        operation = get_operation_ast(parse(text), request.operation_name)
        assert operation is not None
        if operation.operation is not OperationType.SUBSCRIPTION:
            yield await self.execute(request, asked, allowed)
            return
        source = await SCHEMA.subscribe(
            text,
            variable_values=dict(request.variables),
            operation_name=request.operation_name,
            context_value=Seen(self, asked),
        )
        if isinstance(source, ExecutionResult):
            yield _result(source, asked)
            return
        try:
            async for result in source:
                if isinstance(result, PreExecutionError):
                    yield _result(result, asked)
                    return
                await asked.identify()
                for error in result.errors or ():
                    if not error.path:  # The source itself failed: nothing more will come.
                        raise error.original_error or error
                yield _result(result, asked)
        finally:
            await source.aclose()

    def _document(
        self, request: GraphqlRequest, asked: Asked, allowed: Allowed
    ) -> tuple[str, Result | None]:
        text = request.query
        if text is None:
            text = self.documents.get(request.document_id or "")
        if text is None:
            return "", _refused(NotFound("This document is not known."), asked)
        try:
            operation = get_operation_ast(parse(text), request.operation_name)
        except GraphQLError as error:
            return "", _refused(InvalidRequest(error.message), asked)
        if operation is None:
            return "", _refused(InvalidRequest("Say which operation."), asked)
        if operation.operation not in _CARRIED[allowed]:
            refusal = MethodNotAllowed(f"Not a {operation.operation.value} by this way.")
            return "", _refused(refusal, asked, Stage.NOT_ALLOWED)
        return text, None


def _refused(error: GatewayError, asked: Asked, stage: Stage = Stage.REFUSED) -> Result:
    errors = (graphql_error(error, asked.request_id),)
    return Result(stage=stage, errors=errors, status=error.status)


def _result(result: Any, asked: Asked) -> Result:
    errors = tuple(
        graphql_error(it.original_error or InvalidRequest(it.message), asked.request_id)
        | ({"path": it.path} if it.path else {})
        for it in result.errors or ()
    )
    if result.data is None and not any("path" in error for error in errors):
        return Result(stage=Stage.REFUSED, errors=errors, status=422)
    return Result(stage=Stage.EXECUTED, data=result.data, errors=errors)
