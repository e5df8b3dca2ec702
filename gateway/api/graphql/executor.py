"""Runs requests against the schema: the one place where documents become resolvers' work.

Strawberry keeps the schema and executes; what comes before it (documents, limits, validation) is
done by `prepare.py`, once for each text. A faster executor takes this file's place.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, Final, cast

import structlog
from graphql import GraphQLError, OperationType
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult

from gateway.api.graphql.call import GraphqlCall, context_of
from gateway.api.graphql.errors import classification_of, graphql_error
from gateway.api.graphql.limits import DocumentLimits, cost_extension
from gateway.api.graphql.prepare import Prepared, Preparer
from gateway.api.graphql.refusals import DocumentRefused
from gateway.api.graphql.request import Allowed, Asked, GraphqlRequest, Result, Stage
from gateway.api.graphql.schema import GatewaySchema, make_schema
from gateway.api.graphql.texts import text_of
from gateway.domain.caller import Permission
from gateway.domain.documents import DocumentsModes
from gateway.domain.errors import GatewayError, RateLimited, Unauthenticated

_log: Final = structlog.get_logger("gateway.graphql")

_QUERY, _MUTATION, _SUBSCRIPTION = OperationType
#: What each transport carries.
_KINDS: Final = {
    Allowed.QUERIES: {_QUERY},
    Allowed.QUERIES_AND_MUTATIONS: {_QUERY, _MUTATION},
    Allowed.QUERIES_AND_SUBSCRIPTIONS: {_QUERY, _SUBSCRIPTION},
    Allowed.EVERYTHING: {_QUERY, _MUTATION, _SUBSCRIPTION},
}


class UsePrepared(SchemaExtension):
    """Hands Strawberry what was parsed and validated before: it does neither again."""

    def on_parse(self) -> Iterator[None]:
        """Put the document in place, and say that it has no errors."""
        self.execution_context.graphql_document = self.execution_context.context.prepared.document
        self.execution_context.pre_execution_errors = []
        yield


class SchemaExecutor:
    """The executor over our schema. Made once; belongs to one event loop."""

    def __init__(
        self,
        limits: DocumentLimits | None = None,
        modes: DocumentsModes | None = None,
        schema: GatewaySchema | None = None,
    ) -> None:
        """Run requests.

        Args:
            limits: what one document may ask.
            modes: which documents each kind of caller may send.
            schema: with `UsePrepared` among its extensions; None: the gateway's.
        """
        self.limits = limits or DocumentLimits()
        self.modes = modes or DocumentsModes()
        self.schema = schema or make_schema(extensions=[UsePrepared])
        self._preparer = Preparer(self.schema, self.limits)

    def sdl(self) -> str:
        """Return the schema as a document of types."""
        return self.schema.as_str() + "\n"

    async def execute(self, request: GraphqlRequest, asked: Asked, allowed: Allowed) -> Result:
        """Run a query or a mutation to its one result; a subscription is NOT_ALLOWED."""
        ready = await self._prepare(request, asked, allowed)
        if isinstance(ready, Result):
            return ready
        if ready.operation_type is _SUBSCRIPTION:
            return _not_allowed(asked)
        result = await self.schema.execute(
            ready.text,
            variable_values=ready.variables,
            context_value=GraphqlCall(asked, ready),
            operation_name=request.operation_name,
        )
        return self._executed(result, ready, asked)

    async def stream(
        self, request: GraphqlRequest, asked: Asked, allowed: Allowed = Allowed.EVERYTHING
    ) -> AsyncGenerator[Result, None]:
        """Run anything: one result for queries and mutations, any number for subscriptions.

        Raises:
            Unauthenticated: the caller's key has ended meanwhile.
        """
        ready = await self._prepare(request, asked, allowed)
        if isinstance(ready, Result):
            yield ready
            return
        results = await self.schema.stream(
            ready.text,
            variable_values=ready.variables,
            context_value=GraphqlCall(asked, ready),
            operation_name=request.operation_name,
        )
        async with aclosing(results):
            async for result in cast("AsyncIterator[ExecutionResult]", results):
                _raise_if_ended(result)
                yield self._executed(result, ready, asked)

    async def _prepare(
        self, request: GraphqlRequest, asked: Asked, allowed: Allowed
    ) -> Prepared | Result:
        """Return the operation, or the result that says why there is none."""
        try:
            text = await text_of(request, context_of(asked), self.modes)
            ready = self._preparer.prepare(
                text,
                operation_name=request.operation_name,
                variables=request.variables,
                may_introspect=asked.caller.may(Permission.GRAPHQL_INTROSPECT),
            )
        except DocumentRefused as refused:
            errors = tuple(_error_of(each, asked) for each in refused.errors)
            return Result(stage=Stage.REFUSED, errors=errors, status=400)
        except GatewayError as error:
            return _refused(error, asked)
        if ready.operation_type not in _KINDS[allowed]:
            return _not_allowed(asked)
        return await _charged(ready, asked)

    def _executed(self, result: ExecutionResult, ready: Prepared, asked: Asked) -> Result:
        return Result(
            stage=Stage.EXECUTED,
            data=result.data,
            errors=tuple(_error_of(error, asked) for error in result.errors or ()),
            extensions=cost_extension(ready.cost, self.limits),
        )


async def _charged(ready: Prepared, asked: Asked) -> Prepared | Result:
    """Charge for the fields beyond the first, which came with the request."""
    if ready.root_fields > 1:
        try:
            await asked.charge(ready.root_fields - 1)
        except RateLimited as error:
            return _refused(error, asked)
    return ready


def _refused(error: GatewayError, asked: Asked) -> Result:
    shown = graphql_error(error, asked.request_id)
    return Result(stage=Stage.REFUSED, errors=(shown,), status=error.status)


def _not_allowed(asked: Asked) -> Result:
    shown: dict[str, Any] = {
        "message": "This kind of operation is not taken here.",
        "extensions": {"code": "method_not_allowed", "status": 405, "requestId": asked.request_id},
    }
    return Result(stage=Stage.NOT_ALLOWED, errors=(shown,), status=405)


def _raise_if_ended(result: ExecutionResult) -> None:
    for error in result.errors or ():
        if isinstance(error.original_error, Unauthenticated):
            raise error.original_error


def _error_of(error: GraphQLError, asked: Asked) -> dict[str, Any]:
    """Return *error* as callers see it; a bug is logged, and masked."""
    cause = _cause_of(error)
    if cause is None:
        shown: dict[str, Any] = {
            "message": error.message,
            "extensions": {
                "code": "invalid_request",
                "requestId": asked.request_id,
                "classification": classification_of(400),
            }
            | dict(error.extensions or {}),
        }
    else:
        if not isinstance(cause, GatewayError):
            _log.error("graphql.broke", exc_info=cause)
        shown = graphql_error(cause, asked.request_id)
    if error.locations:
        shown["locations"] = [each.formatted for each in error.locations]
    if error.path:
        shown["path"] = list(error.path)
    return shown


def _cause_of(error: GraphQLError) -> Exception | None:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause if isinstance(cause, Exception) else None
