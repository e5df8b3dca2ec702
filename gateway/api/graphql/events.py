"""Events. A public contract, written out by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.api.graphql.call import Info
from gateway.api.graphql.describe import about, argument, field, given
from gateway.api.graphql.enums import EventOrder, EventType
from gateway.api.graphql.paging import AFTER, FILTER, FIRST, Connection, connection
from gateway.api.graphql.scalars import JsonObject
from gateway.api.graphql.shown import Node, Shown
from gateway.api.rest import events as rest


@strawberry.type(description="One thing that happened.")
class Event(Node, Shown):
    """One thing that happened."""

    out = rest.EventOut

    type: EventType = about("What happened.")
    timestamp: datetime = about("When.")
    sequence: int = about("Counts the events of the resource: from 1 on, without a gap.")
    resource_id: strawberry.ID = about("The line, device, operation, reseller or panel.")
    panel_id: strawberry.ID | None = about("The panel that it is on, or is.")
    reseller_id: strawberry.ID | None = about("Whose it is; null: the operator's own.")
    data: JsonObject = about("What the resource was just after, as webhooks send it.")


@strawberry.input(description="Which events; what is left out does not narrow.")
class EventFilter:
    """Which events."""

    type: EventType | None = given("Of this type.")
    resource_id: strawberry.ID | None = given("Of this line, device, operation or panel.")
    reseller_id: strawberry.ID | None = given("Of this reseller.")
    since: datetime | None = given("What happened at this moment or later.")
    after_id: strawberry.ID | None = given("What came after this event.")
    order: EventOrder | None = given("Which come first; the newest, if left out.")


@strawberry.type
class EventQueries:
    """What can be asked of events."""

    @field
    async def events(
        self,
        info: Info,
        first: Annotated[int | None, argument(FIRST)] = 50,
        after: Annotated[str | None, argument(AFTER)] = None,
        filter: Annotated[EventFilter | None, argument(FILTER)] = None,  # noqa: A002 - contract
    ) -> Connection[Event]:
        """List events of the last 30 days, newest first unless asked otherwise."""
        return await connection(
            rest.EventQuery,
            first,
            after,
            filter,
            lambda query: rest.list_events.endpoint(info.context.reading, query=query),
        )
