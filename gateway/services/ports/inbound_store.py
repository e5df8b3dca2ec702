"""How services reach inbound sources, their events, and what those want of lines and devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import InboundEventId, ResellerId, SourceId
    from gateway.domain.inbound import InboundEvent, Source
    from gateway.domain.inbound_subjects import Subject
    from gateway.domain.paging import Page, PageRequest


class InboundSources(Protocol):
    """Inbound sources of the scope."""

    async def get(self, source_id: SourceId) -> Source:
        """Return a source. Raises NotFound."""

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Source]:
        """Return sources, newest first; with *reseller_id* only those of that reseller."""

    async def add(self, source: Source) -> None:
        """Insert."""

    async def save(self, source: Source, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner. Raises NotFound, VersionMismatch."""

    async def delete(self, source_id: SourceId) -> None:
        """Remove it with its events and what they want. Raises NotFound."""


class InboundEvents(Protocol):
    """Events of the scope's sources."""

    async def get(self, event_id: InboundEventId) -> InboundEvent:
        """Return an event. Raises NotFound."""

    async def list(self, page: PageRequest, source_id: SourceId) -> Page[InboundEvent]:
        """Return a source's events, newest first."""

    async def add(self, event: InboundEvent) -> bool:
        """Insert; False: its source sent it before, and nothing was done."""

    async def save(self, event: InboundEvent) -> None:
        """Write what became of it. Raises NotFound."""

    async def take_received(self) -> InboundEvent | None:
        """Return the oldest one that nobody has read, locked until the transaction ends.

        One that another process reads at the same moment is passed over.
        """

    async def list_waiting(self, subject_id: str) -> tuple[InboundEvent, ...]:
        """Return those that wait on one subject, at most 200, oldest first."""

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* that were received before then and are over; return how many."""


class InboundSubjects(Protocol):
    """What the events of the scope's sources want of lines and devices."""

    async def lock(self, subject: Subject) -> Subject:
        """Return the row of this id, inserted as given where there is none, locked."""

    async def find(self, subject_id: str) -> Subject | None:
        """Return it, locked until the transaction ends; None: it is gone."""

    async def peek(self, subject_id: str) -> Subject | None:
        """Return it without locking it; None: it is not there."""

    async def save(self, subject: Subject) -> None:
        """Write the whole row but its owner. Raises NotFound."""

    async def take_due(
        self, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Subject, ...]:
        """Take up those with something to do by *now*; they are this caller's until the lease ends.

        What another process takes at the same moment is passed over.
        """
