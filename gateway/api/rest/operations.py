"""`/v1/operations`: what became of a change."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from pydantic import Field, Strict

from gateway.api.problems import members
from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import get, mapped, mapped_page, post
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import AnyRef, FreeText, Wire, example
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.ids import IdKind, OperationId
from gateway.domain.operations import (
    Decision,
    Operation,
    OperationFilter,
    Problem,
    ShownState,
)
from gateway.domain.paging import Page
from gateway.services import operations
from gateway.services.context import Context, Outcome


class FaultOut(Out, frozen=True, kw_only=True):
    """One fault of what was sent."""

    pointer: str
    code: str
    detail: str


class OperationProblemOut(Out, frozen=True, kw_only=True, omit_defaults=True):
    """Why an operation failed, or is not known; `errors` only where it is that."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: tuple[FaultOut, ...] | None = None


class OperationOut(Out, frozen=True, kw_only=True):
    """One change asked of a panel, with a known end.

    `settles_at`: when the outcome of an unknown one can be looked up.
    """

    id: str
    object: str = "operation"
    kind: str
    state: ShownState
    resource_id: str
    reseller_id: str | None
    attempts: int
    problem: OperationProblemOut | None
    created_at: Time
    updated_at: Time
    settles_at: Time | None


class OperationQuery(PageQuery):
    """Which operations to list."""

    kind: ClassVar[IdKind] = IdKind.OPERATION

    state: ShownState | None = None
    operation_kind: Annotated[
        str | None, Field(alias="kind", max_length=64, description="Such as line.create.")
    ] = None
    resource_id: AnyRef | None = None


@get("/v1/operations", needs=Permission.OPERATIONS_READ)
async def list_operations(context: Context, query: OperationQuery) -> Page[OperationOut]:
    """List operations, newest first."""
    criteria = OperationFilter(
        state=query.state, kind=query.operation_kind, resource_id=query.resource_id
    )
    found = await operations.list_operations(context, criteria, query.page)
    return mapped_page(found, operation_out)


@get("/v1/operations/{operation_id}", needs=Permission.OPERATIONS_READ, raises=(NotFound,))
async def get_operation(context: Context, operation_id: OperationId) -> OperationOut:
    """Read an operation."""
    return operation_out(await operations.get_operation(context, operation_id))


class Resolve(Wire):
    """What a person found: whether the panel did it."""

    model_config = example(decision="applied", note="Seen on the panel's own page.")

    decision: Annotated[Decision, Strict(strict=False)]
    note: FreeText | None = None


@post(
    "/v1/operations/{operation_id}/resolve",
    needs=Permission.OPERATIONS_RESOLVE,
    raises=(NotFound, StateConflict),
)
async def resolve_operation(
    context: Context, operation_id: OperationId, body: Resolve
) -> Outcome[OperationOut]:
    """Decide an operation in state `manual`; nothing is sent. The decision is final."""
    resolved = await operations.resolve_operation(context, operation_id, body.decision, body.note)
    return mapped(resolved, operation_out)


def operation_out(operation: Operation) -> OperationOut:
    """Return the public shape of *operation*."""
    return OperationOut(
        id=operation.id,
        kind=operation.kind,
        state=ShownState(operation.shown_state),
        resource_id=operation.resource_id,
        reseller_id=operation.reseller_id,
        attempts=operation.attempts,
        problem=problem_out(operation.problem),
        created_at=operation.created_at,
        updated_at=operation.updated_at,
        settles_at=operation.settles_at,
    )


def problem_out(problem: Problem | None) -> OperationProblemOut | None:
    """Return the public shape of a problem that was kept."""
    if problem is None:
        return None
    shown = members(problem.code, problem.status, problem.detail, problem.faults)
    return msgspec.convert(shown, OperationProblemOut)
