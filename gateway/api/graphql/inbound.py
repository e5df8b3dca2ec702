"""Inbound sources. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import EventState, IgnoredFor, ResourceKind, RuleAction, SourceKind
from gateway.api.graphql.operations import OperationProblem
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.results import Effect, PanelCall
from gateway.api.graphql.scalars import JsonObject, JsonValue
from gateway.api.graphql.shown import Node, Shown, read_by_id
from gateway.api.rest import inbound as rest
from gateway.api.rest import inbound_requests
from gateway.domain.errors import NotFound
from gateway.domain.ids import IdKind, is_id

_RULES = "The name of a ready set, or a list of rules as REST has them."


@strawberry.type(description="That a source has a secret, which is shown nowhere.")
class InboundSecret:
    """That a source has a secret."""

    added_at: datetime = about("When it was added.")
    ends_at: datetime | None = about("Until when it is good; null: until it is replaced.")


@strawberry.type(description="A billing system whose events change lines and devices.")
class InboundSource(Node, Shown):
    """A billing system whose events change lines and devices."""

    out = rest.InboundSourceOut

    kind: SourceKind = about("How it signs.")
    reseller_id: strawberry.ID | None = about("Whose lines it changes; null: the operator's.")
    path: str = about("Where it delivers to, below the gateway's address.")
    secrets: list[InboundSecret] = about("The secrets that it may sign with.")
    rules: JsonValue = about(_RULES)
    version: int = about("Counts changes of this record: for `ifVersion`.")
    created_at: datetime = about("When it was made.")
    updated_at: datetime = about("When its record last changed.")


@strawberry.type(description="A source that is gone.")
class RemovedInboundSource(Shown):
    """A source that is gone."""

    out = rest.RemovedSourceOut

    id: strawberry.ID = about("Its id.")
    reseller_id: strawberry.ID | None = about("Whose it was.")


@strawberry.type(description="An event of an inbound source, and what became of it.")
class InboundEvent(Shown):
    """An event of an inbound source."""

    out = rest.InboundEventOut

    id: strawberry.ID = about("Opaque, prefixed by its kind, and ordered by time.")
    source_id: strawberry.ID = about("The source that sent it.")
    event_id: str = about("The sender's name of it.")
    type: str = about("The sender's name of its type.")
    occurred_at: datetime = about("When it happened there.")
    received_at: datetime = about("When it came here.")
    state: EventState = about("What became of it.")
    reason: IgnoredFor | None = about("Why nothing follows from it.")
    rule: int | None = about("The place of the rule that fits, from 0.")
    action: RuleAction | None = about("What that rule does.")
    resource: ResourceKind | None = about("What it is about.")
    external_id: str | None = about("Your own id of that line or device.")
    due_at: datetime | None = about("When a suspension is to happen.")
    operation_ids: list[strawberry.ID] = about("The operations that it led to.")
    problem: OperationProblem | None = about("Why it failed, or what it waits for.")


@strawberry.type(description="What an event would do. Nothing was sent or stored.")
class InboundPreview(Shown):
    """What an event would do."""

    out = rest.InboundPreviewOut

    event_id: str = about("The sender's name of it.")
    type: str = about("The sender's name of its type.")
    occurred_at: datetime = about("When it happened there.")
    rule: int | None = about("The place of the rule that fits, from 0; null: none does.")
    action: RuleAction = about("What that rule does.")
    is_older: bool = about("Whether a newer event was read before, so that this does nothing.")
    resource: ResourceKind | None = about("What it is about.")
    external_id: str | None = about("Your own id of that line or device.")
    resource_id: strawberry.ID | None = about("The id of it here; null: there is none.")
    until: datetime | None = about("Until when it would be renewed.")
    reference: str | None = about("What makes that renewal happen once.")
    due_at: datetime | None = about("When a suspension would happen.")
    effect: Effect = about("What would change here.")
    panel_calls: list[PanelCall] = about("What the panel would be sent.")
    problem: OperationProblem | None = about("What would refuse it.")


@strawberry.input(description="An inbound source to create.")
class CreateInboundSourceInput:
    """An inbound source to create."""

    kind: SourceKind = about("How it signs.")
    secrets: list[str] = about("What it signs with, 1 to 5; shown in no answer.")
    rules: JsonValue = about(_RULES)
    reseller_id: strawberry.ID | None = given("Whose lines it changes; left out: yours.")


@strawberry.input(description="What to change of an inbound source; what is left out stays.")
class UpdateInboundSourceInput:
    """What to change of an inbound source."""

    id: strawberry.ID = about("Which source.")
    secrets: list[str] | None = given("All its secrets; those there end at once.")
    rules: JsonValue | None = given(_RULES)


@strawberry.input(description="A secret to add to an inbound source.")
class RotateInboundSecretInput:
    """A secret to add to an inbound source."""

    id: strawberry.ID = about("Which source.")
    secret: str = about("What it signs with from now on.")
    overlap_seconds: int | None = given(
        "How long the present secrets stay good, at most 604800; left out: a day."
    )


@strawberry.input(description="Which inbound source to take nothing more from.")
class RemoveInboundSourceInput:
    """Which inbound source to remove."""

    id: strawberry.ID = about("Which source.")


@strawberry.input(description="An event to try: what the sender would deliver.")
class PreviewInboundEventInput:
    """An event to try."""

    id: strawberry.ID = about("Which source.")
    payload: JsonObject = about("The body of the delivery.")
    headers: JsonObject | None = given("Its headers, such as the topic; no signature is needed.")


@strawberry.input(description="Which inbound sources; what is left out does not narrow.")
class InboundSourceFilter:
    """Which inbound sources."""

    reseller_id: strawberry.ID | None = given("Of this reseller.")


@strawberry.type
class InboundQueries:
    """What can be asked of inbound sources."""

    @field
    async def inbound_source(
        self, info: Info, id: Annotated[strawberry.ID, argument("Which source.")]
    ) -> InboundSource | None:
        """Read an inbound source."""
        return await read_by_id(rest.get_inbound_source, info.context.reading, id)  # type: ignore[no-any-return]  # Shown as it.

    @field
    async def inbound_sources(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[InboundSourceFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[InboundSource]:
        """List inbound sources, newest first."""
        return await connection(
            inbound_requests.InboundSourceQuery,
            first,
            after,
            filter,
            lambda query: rest.list_inbound_sources.endpoint(info.context.reading, query=query),
        )

    @field
    async def inbound_events(
        self,
        info: Info,
        source_id: Annotated[strawberry.ID, argument("Which source's.")],
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
    ) -> Connection[InboundEvent] | None:
        """List what became of an inbound source's events of the last 30 days, newest first."""
        if not is_id(IdKind.SOURCE, source_id):
            raise NotFound("There is no such resource.")
        return await connection(
            inbound_requests.InboundEventQuery,
            first,
            after,
            None,
            lambda query: rest.list_inbound_events.endpoint(
                info.context.reading, source_id=source_id, query=query
            ),
        )
