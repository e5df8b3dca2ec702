"""Deliveries: one event for one endpoint, tried until it is through or there is no more use.

Deliveries of one resource go out in the order of its events: a later one waits for an earlier one,
but only for the first `ORDERED_ATTEMPTS` of it, which is about half an hour. After that a receiver
sorts by `data.sequence`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.events import EventType
from gateway.domain.ids import AttemptId, DeliveryId, EndpointId, EventId
from gateway.domain.webhooks import Tried

#: How long after its creation, or after the attempt before, each attempt is made.
PAUSES: Final = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
#: How much a pause may be longer or shorter, so that not all come back at once.
JITTER: Final = 0.1
#: For how many attempts of an earlier event the later ones of its resource wait.
ORDERED_ATTEMPTS: Final = 4
#: How long nothing must have got through until an endpoint is disabled.
FAILING_MAX: Final = timedelta(days=5)


class DeliveryState(StrEnum):
    """What became of a delivery: still to be made, taken by the receiver, or given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event for one endpoint.

    `attempts`: failed or not, since it was last begun. `next_at`: when it is to be sent, or, while
    somebody sends it, when that one's lease ends; None: it is over. `fence` counts the leases.
    """

    id: DeliveryId
    endpoint_id: EndpointId
    event_id: EventId
    event_type: EventType
    resource_id: str
    sequence: int
    owner_path: str
    state: DeliveryState
    attempts: int
    next_at: datetime | None
    fence: int
    created_at: datetime
    ended_at: datetime | None

    def after(self, tried: Tried, now: datetime, random: float) -> Delivery:
        """Return what it is after an attempt; *random*: 0 to 1, for the jitter."""
        attempts = self.attempts + 1
        if tried.is_success:
            return self._ended(DeliveryState.DELIVERED, attempts, now)
        if attempts >= len(PAUSES):
            return self._ended(DeliveryState.FAILED, attempts, now)
        pause = PAUSES[attempts] * (1 + JITTER * (2 * random - 1))
        return replace(self, attempts=attempts, next_at=now + pause)

    def begun_again(self, now: datetime) -> Delivery:
        """Return it as it is to be sent once more, from the first attempt on."""
        return replace(
            self,
            state=DeliveryState.PENDING,
            attempts=0,
            next_at=now,
            fence=self.fence + 1,
            ended_at=None,
        )

    def given_up(self, now: datetime) -> Delivery:
        """Return it as it is when it is not tried any more."""
        return self._ended(DeliveryState.FAILED, self.attempts, now)

    def _ended(self, state: DeliveryState, attempts: int, now: datetime) -> Delivery:
        return replace(self, state=state, attempts=attempts, next_at=None, ended_at=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One sending of a delivery. `headers`: what was sent, without the signatures."""

    id: AttemptId
    delivery_id: DeliveryId
    owner_path: str
    at: datetime
    headers: dict[str, str]
    tried: Tried


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedDelivery:
    """A delivery with its attempts, oldest first."""

    delivery: Delivery
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """How many deliveries were begun. `go_on_since` None: there was nothing more to look at."""

    endpoint_id: EndpointId
    since: datetime
    deliveries: int
    go_on_since: datetime | None
