"""How services write events, and read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from gateway.domain.catalog import CreditAlert
    from gateway.domain.events import Event, EventFilter
    from gateway.domain.ids import EventId, ResellerId
    from gateway.domain.paging import Page, PageRequest
    from gateway.domain.panel_states import ToldState
    from gateway.domain.resellers import Reseller


class Events(Protocol):
    """Events of the scope.

    Who follows them, by `list_after` or by pages from the oldest on, misses none: nothing ever
    comes to be before what was shown.
    """

    async def append(self, event: Event) -> Event:
        """Insert, and return it with its sequence, the next one of its resource."""

    async def find(self, event_id: EventId) -> Event | None:
        """Return an event, if it is kept."""

    async def list(self, criteria: EventFilter, page: PageRequest) -> Page[Event]:
        """Return events in the order that *criteria* says. A cursor is the id of an event."""

    async def list_ids(self, event_ids: Sequence[EventId]) -> tuple[Event, ...]:
        """Return those of these events that are kept, in any order."""

    async def list_after(self, event_id: EventId | None, limit: int) -> tuple[Event, ...]:
        """Return at most *limit* that came after this one, oldest first; None: from the oldest on.

        If it is not kept any more, all that are kept came after it.
        """

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* that happened before then; return how many."""

    async def settle(self) -> int:
        """Put right what the move to another database cluster upset; return how many."""


class PanelStates(Protocol):
    """What was last told of panels; one row of each for all processes."""

    async def change_to(self, told: ToldState) -> bool:
        """Write it if something else was told before; False: it was not, and nothing is written.

        Of a panel that nothing is kept of, that it is up was told.
        """

    async def list_unwell(self, limit: int) -> tuple[ToldState, ...]:
        """Return panels that are not up, the longest first."""


class CreditAlerts(Protocol):
    """Thresholds of the scope's resellers."""

    async def find(self, reseller_id: ResellerId) -> CreditAlert | None:
        """Return a reseller's, if it has set one; in a write, it is this transaction's."""

    async def list_after(
        self, reseller_id: ResellerId | None, limit: int
    ) -> tuple[CreditAlert, ...]:
        """Return those of the resellers after this one, by ascending id."""

    async def put(self, reseller: Reseller, alert: CreditAlert) -> None:
        """Write it. Raises StateConflict when another process has just made the first one."""

    async def delete(self, reseller_id: ResellerId) -> None:
        """Remove it, if there is one."""
