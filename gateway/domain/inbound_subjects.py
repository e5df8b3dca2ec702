"""What is wanted of one line or device, by all events of a source together: the newest counts.

Two things are wanted independently: until when it runs, and whether it runs. Each remembers the
newest event that had a say in it. An event changes only what it is newer for, so the same events
lead to the same wish in whatever order, and however often, they come.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from gateway.domain.ids import InboundEventId, SourceId
from gateway.domain.inbound import InboundEvent
from gateway.domain.inbound_rules import Creation, Decision, ResourceKind, RuleAction


class Switch(StrEnum):
    """Whether it is to run."""

    ON = "on"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


_SWITCHES: Final = {
    RuleAction.CREATE: Switch.ON,
    RuleAction.RENEW: Switch.ON,
    RuleAction.RESUME: Switch.ON,
    RuleAction.SUSPEND: Switch.SUSPENDED,
    RuleAction.TERMINATE: Switch.TERMINATED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TermWish:
    """Until when it is to run. `reference` makes the renewal happen once; `create`: make it.

    `has_failed`: it was closed without success.
    """

    event_id: InboundEventId
    name: str
    at: datetime
    until: datetime
    reference: str
    create: Creation | None = None
    is_open: bool = True
    has_failed: bool = False

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """Return what the newest one has most of; events of one second are told apart."""
        return self.at, self.until, self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchWish:
    """Whether it is to run, and from when on.

    Of two events of one second the one that ends wins, then the one that pays.
    """

    event_id: InboundEventId
    name: str
    at: datetime
    switch: Switch
    due_at: datetime
    is_open: bool = True

    @property
    def has_grace(self) -> bool:
        """Tell whether it is to happen later."""
        return self.due_at > self.at

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is to happen by *now*; whatever the sender's clock says, if at once."""
        return not self.has_grace or self.due_at <= now

    @property
    def order(self) -> tuple[datetime, int, str]:
        """Return what the newest one has most of."""
        rank = {Switch.TERMINATED: 4, Switch.SUSPENDED: 1 if self.has_grace else 3, Switch.ON: 2}
        return self.at, rank[self.switch], self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One line or device as a source's events want it.

    `is_suspended`: a rule has suspended it, so a rule may resume it; what a person suspended stays.
    `next_at` None: nothing is left to do. `attempts` counts the tries since the last success.
    """

    id: str
    source_id: SourceId
    owner_path: str
    resource: ResourceKind
    external_id: str
    term: TermWish | None = None
    switch: SwitchWish | None = None
    is_suspended: bool = False
    attempts: int = 0
    next_at: datetime | None = None
    lease_until: datetime | None = None

    def waits_for(self, event_id: str) -> bool:
        """Tell whether something that this event wants is still to be done."""
        wishes = (self.term, self.switch)
        return any(it is not None and it.is_open and it.event_id == event_id for it in wishes)

    def next_due(self, retry_at: datetime) -> datetime | None:
        """Return when to look again: at *retry_at*, or when a grace ends; None: never."""
        times = []
        if self.term is not None and self.term.is_open:
            times.append(retry_at)
        if self.switch is not None and self.switch.is_open:
            later = self.switch.due_at if self.switch.has_grace else retry_at
            times.append(max(later, retry_at))
        return min(times, default=None)


def subject_id(source_id: str, resource: ResourceKind, external_id: str) -> str:
    """Return the id under which there is one subject only."""
    return hashlib.sha256(f"{source_id}|{resource}|{external_id}".encode()).hexdigest()


def due_of(event: InboundEvent, decision: Decision) -> datetime:
    """Return when what is decided is to happen: at once, or when the grace is over."""
    if decision.grace is None:
        return event.occurred_at
    try:
        return decision.grace.after(event.occurred_at)
    except OverflowError:
        return event.occurred_at + timedelta(days=36_500)


def folded(
    subject: Subject, event: InboundEvent, decision: Decision, now: datetime
) -> Subject | None:
    """Return *subject* with what *event* wants; None: newer events have had their say."""
    term = subject.term
    if decision.until is not None and decision.reference is not None:
        wish = TermWish(
            event_id=event.id,
            name=event.event_id,
            at=event.occurred_at,
            until=decision.until,
            reference=decision.reference,
            create=decision.create,
        )
        term = wish if term is None or wish.order > term.order else term
    switch = SwitchWish(
        event_id=event.id,
        name=event.event_id,
        at=event.occurred_at,
        switch=_SWITCHES[decision.action],
        due_at=due_of(event, decision),
    )
    if subject.switch is not None and subject.switch.order >= switch.order:
        switch = subject.switch
    if term is subject.term and switch is subject.switch:
        return None
    return replace(subject, term=term, switch=switch, attempts=0, next_at=now)
