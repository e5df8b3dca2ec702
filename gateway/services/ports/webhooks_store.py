"""How services reach webhook endpoints, and what is sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from gateway.domain.deliveries import Attempt, Delivery, DeliveryState
    from gateway.domain.ids import DeliveryId, EndpointId, EventId, ResellerId
    from gateway.domain.paging import Page, PageRequest
    from gateway.domain.webhooks import Endpoint


class Endpoints(Protocol):
    """Webhook endpoints of the scope."""

    async def get(self, endpoint_id: EndpointId) -> Endpoint:
        """Return an endpoint. Raises NotFound."""

    async def list(self, page: PageRequest, reseller_id: ResellerId | None) -> Page[Endpoint]:
        """Return endpoints, newest first; with *reseller_id* only those of that reseller."""

    async def lock(self, owner_path: str) -> None:
        """Let nobody else make one for this owner until the transaction ends."""

    async def count(self, owner_path: str) -> int:
        """Return how many the owner has itself, also those that are disabled."""

    async def add(self, endpoint: Endpoint) -> None:
        """Insert."""

    async def save(self, endpoint: Endpoint, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner. Raises NotFound, VersionMismatch."""

    async def delete(self, endpoint_id: EndpointId) -> None:
        """Remove it with its deliveries. Raises NotFound."""

    async def list_active(self) -> tuple[Endpoint, ...]:
        """Return all that get events."""

    async def take_mail_due(self, now: datetime, lease_until: datetime) -> Endpoint | None:
        """Take up one of which the operators are to be written to; nobody else does until then.

        Its `mail_at` is the end of the lease.
        """

    async def set_mail_at(
        self, endpoint_id: EndpointId, was: datetime | None, mail_at: datetime | None
    ) -> bool:
        """Note when to write next; None: never. False: that it *was* due then is no longer so."""

    async def look(self, endpoint_id: EndpointId) -> Endpoint | None:
        """Return it as it is just now; None: it is gone."""

    async def find(self, endpoint_id: EndpointId) -> Endpoint | None:
        """Return it, locked until the transaction ends; None: it is gone."""


class Deliveries(Protocol):
    """What is sent to the scope's endpoints."""

    async def get(self, delivery_id: DeliveryId) -> Delivery:
        """Return a delivery. Raises NotFound."""

    async def find(self, delivery_id: DeliveryId) -> Delivery | None:
        """Return it, locked until the transaction ends; None: it is gone."""

    async def list(
        self, endpoint_id: EndpointId, page: PageRequest, state: DeliveryState | None = None
    ) -> Page[Delivery]:
        """Return an endpoint's deliveries, newest first; with *state* only those."""

    async def add_missing(self, deliveries: Sequence[Delivery]) -> int:
        """Insert those whose event the endpoint has not got yet; return how many."""

    async def save(self, delivery: Delivery) -> None:
        """Write the whole row but its owner. Raises NotFound."""

    async def take_due(
        self,
        now: datetime,
        lease_until: datetime,
        *,
        busy: Mapping[EndpointId, int],
        each: int,
        failing: int,
        limit: int,
    ) -> tuple[Delivery, ...]:
        """Take up at most *limit* that can be sent by *now*, the longest due first.

        They are this caller's until the lease ends. An endpoint has at most *each* less those that
        it has in *busy*, and one that fails at most *failing*. What waits for an earlier event of
        its resource, and what another process takes at the same moment, is passed over.
        """

    async def take_next(
        self, endpoint_id: EndpointId, now: datetime, lease_until: datetime, *, limit: int
    ) -> tuple[Delivery, ...]:
        """Take up at most so many more of this endpoint, as `take_due` does."""

    async def end_delivered(self, delivery_ids: Sequence[DeliveryId], now: datetime) -> int:
        """Note that the receiver has these, if they are pending; return how many were.

        That it has them is so whoever has taken them up since.
        """

    async def release(self, taken: Sequence[Delivery], now: datetime) -> int:
        """Let these be taken up by others, unless some were already; return how many."""

    async def give_up(self, endpoint_id: EndpointId, now: datetime) -> int:
        """End all of an endpoint that are still to be made; return how many."""

    async def begin_failed(
        self, endpoint_id: EndpointId, event_ids: Sequence[EventId], now: datetime
    ) -> int:
        """Begin those of these events again that were given up; return how many."""

    async def add_attempts(self, attempts: Sequence[Attempt]) -> None:
        """Insert."""

    async def list_attempts(
        self, delivery_ids: Sequence[DeliveryId]
    ) -> dict[DeliveryId, tuple[Attempt, ...]]:
        """Return the attempts of these deliveries, oldest first."""

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* that were made before then and are over; return how many."""


class Dispatch(Protocol):
    """Up to which event deliveries were made; one row for all processes."""

    async def lock(self, *, wait: bool = False) -> tuple[EventId | None] | None:
        """Return the last event, locked until the transaction ends.

        None: another process has it locked just now, and it was not to be waited for.
        """

    async def move(self, event_id: EventId) -> None:
        """Note that deliveries were made up to this event."""
