"""Events, read by those who ask; how they come to be is in `telling.py`."""

from __future__ import annotations

from typing import Final

from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.events import KEPT_FOR, Event, EventFilter
from gateway.domain.ids import EventId
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, action

SWEEP_BATCH: Final = 1_000


@action("event.list", needs=Permission.EVENTS_READ)
async def list_events(act: Action, criteria: EventFilter, page: PageRequest) -> Page[Event]:
    """Return events in the order that *criteria* says; those of the last 30 days are kept."""
    async with act.read() as store:
        return await store.events.list(criteria, page)


@action("event.read", needs=Permission.EVENTS_READ)
async def get_event(act: Action, event_id: EventId) -> Event:
    """Return an event of the scope.

    Raises:
        NotFound: or it is older than 30 days.
    """
    async with act.read() as store:
        event = await store.events.find(event_id)
    if event is None:
        raise NotFound("There is no such thing.")
    return event


@action("event.sweep", needs=Permission.OPERATIONS_RESOLVE)
async def sweep_events(act: Action) -> int:
    """Forget a batch of events that are older than promised; return how many."""
    async with act.write() as store:
        await store.events.settle()
        return await store.events.delete_older(act.ports.clock.now() - KEPT_FOR, SWEEP_BATCH)
