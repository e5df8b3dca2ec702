"""Operations. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import Decision, ShownState
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.problems import FieldFault
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.rest import operations as rest


@strawberry.type(description="Why an operation failed, or is not known.")
class OperationProblem:
    """Why an operation failed."""

    code: str = about("Stable, in snake_case: decide by this.")
    title: str = about("The code in words.")
    detail: str = about("What happened, for people.")
    status: int = about("The HTTP status that REST answers with.")
    errors: list[FieldFault] | None = about("Every fault of what was sent, if it is that.")


@strawberry.type(description="One change asked of a panel, with a known end.")
class Operation(Node, Shown):
    """One change asked of a panel."""

    out = rest.OperationOut

    kind: str = about("Such as `line.create` or `line.renew`.")
    state: ShownState = about("Where it is.")
    resource_id: strawberry.ID = about("The line or device that it changes.")
    reseller_id: strawberry.ID | None = about("Whose it is; null: the operator's own.")
    attempts: int = about("How often the panel was sent it.")
    problem: OperationProblem | None = about("Why it failed, or is not known.")
    created_at: datetime = about("When it was asked for.")
    updated_at: datetime = about("When its state last changed.")
    settles_at: datetime | None = about("When an unknown outcome can be looked up.")


@strawberry.input(description="Which operations; what is left out does not narrow.")
class OperationFilter:
    """Which operations."""

    state: ShownState | None = given("In this state.")
    kind: str | None = given("Of this kind, such as `line.create`.")
    resource_id: strawberry.ID | None = given("Of this line or device.")


@strawberry.input(description="What a person found of an operation in state MANUAL.")
class ResolveOperationInput:
    """What a person found of an operation."""

    id: strawberry.ID = about("Which operation.")
    decision: Decision = about("Whether the panel has done it.")
    note: str | None = given("Why, for the audit log.")


@strawberry.type
class OperationQueries:
    """What can be asked of operations."""

    @field
    async def operation(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which operation.")]
    ) -> Operation | None:
        """Read an operation."""
        return await read_by_id(rest.get_operation, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def operations(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[OperationFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Operation]:
        """List operations, newest first."""
        return await connection(
            rest.OperationQuery,
            first,
            after,
            filter,
            lambda query: rest.list_operations.endpoint(info.context.reading, query=query),
        )
