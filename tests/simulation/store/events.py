"""Events in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.domain.events import Event
from gateway.domain.ids import EventId
from tests.simulation.store.data import Rows


class MemoryEvents(Rows):
    """The port Events, as far as changes need it."""

    __slots__ = ()

    async def append(self, event: Event) -> Event:
        self.guard(event.owner_path)
        sequence = self.data.sequences.get(event.resource_id, 0) + 1
        numbered = replace(event, sequence=sequence)
        self.journal.put(self.data.sequences, event.resource_id, sequence)
        self.journal.put(self.data.events, event.id, numbered)
        return numbered

    async def find(self, event_id: EventId) -> Event | None:
        return self.visible(self.data.events.get(event_id))

    async def list(self, criteria: Any, page: Any) -> Any:
        raise NotImplementedError

    async def list_after(self, event_id: EventId | None, limit: int) -> tuple[Event, ...]:
        ids = list(self.data.events)
        known = self.visible(self.data.events.get(event_id or ""))
        start = 0 if known is None else ids.index(known.id) + 1
        found = [self.data.events[each] for each in ids[start:]]
        return tuple(each for each in found if self.visible(each) is not None)[:limit]

    async def delete_older(self, before: datetime, limit: int) -> int:
        raise NotImplementedError

    async def settle(self) -> int:
        return 0
