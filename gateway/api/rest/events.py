"""`/v1/events`: what happened, for those who ask rather than being told."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import get, mapped_page
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import AnyRef, ResellerRef
from gateway.api.rest.wire import Time as TimeIn
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.events import Event, EventFilter, EventOrder, EventType, data_of
from gateway.domain.ids import EventId, IdKind
from gateway.domain.paging import Page
from gateway.services import events
from gateway.services.context import Context


class EventOut(Out, frozen=True, kw_only=True):
    """One thing that happened. `type`, `timestamp` and `data` are what webhooks send of it.

    `sequence` counts the events of one resource: from 1 on, without a gap.
    """

    id: str
    object: str = "event"
    type: EventType
    timestamp: Time
    sequence: int
    resource_id: str
    panel_id: str | None
    reseller_id: str | None
    data: dict[str, Any]


class EventQuery(PageQuery):
    """Which events to list. Those of the last 30 days are kept."""

    kind: ClassVar[IdKind] = IdKind.EVENT

    type: EventType | None = None
    resource_id: AnyRef | None = None
    reseller_id: ResellerRef | None = None
    since: Annotated[
        TimeIn | None, Field(description="Only what happened at this moment or later.")
    ] = None
    after_id: Annotated[
        AnyRef | None,
        Field(description="Only what came after this event; with order=oldest, to follow them."),
    ] = None
    order: Annotated[EventOrder, Field(description="Which come first.")] = EventOrder.NEWEST


@get("/v1/events", needs=Permission.EVENTS_READ)
async def list_events(context: Context, query: EventQuery) -> Page[EventOut]:
    """List events, newest first unless asked otherwise."""
    criteria = EventFilter(**query.filters())
    return mapped_page(await events.list_events(context, criteria, query.page), event_out)


@get("/v1/events/{event_id}", needs=Permission.EVENTS_READ, raises=(NotFound,))
async def get_event(context: Context, event_id: EventId) -> EventOut:
    """Read an event."""
    return event_out(await events.get_event(context, event_id))


def event_out(event: Event) -> EventOut:
    """Return the public shape of *event*."""
    return EventOut(
        id=event.id,
        type=event.type,
        timestamp=event.at,
        sequence=event.sequence,
        resource_id=event.resource_id,
        panel_id=event.panel_id,
        reseller_id=event.reseller_id,
        data=data_of(event),
    )
