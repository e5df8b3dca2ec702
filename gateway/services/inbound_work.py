"""Reading events, and bringing lines and devices to what they want.

Two steps, so that order does not matter. Reading folds an event into its subject: what is wanted of
one line or device. Driving takes a subject up and does what it still wants, as its source's caller
and through the same actions as everybody else. A process that is killed in between is no loss: a
renewal carries a reference, and the switches are safe to repeat.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.inbound import EventState, IgnoredFor, InboundEvent, rules_of
from gateway.domain.inbound_rules import Decision, RuleAction, decide
from gateway.domain.inbound_subjects import Subject, due_of, folded, subject_id
from gateway.domain.operations import Problem
from gateway.services.action import Action, action
from gateway.services.inbound_driving import Drive, Step, drive
from gateway.services.ports.store import Store

#: Events that one tick reads, and subjects that it drives, all at once.
READ_BATCH: Final = 100
DRIVE_BATCH: Final = 10
#: Longer than one drive can take: four waits for a change, each with its deadline.
LEASE: Final = timedelta(seconds=300)
RETRY_SECONDS: Final = 15
RETRY_SECONDS_MAX: Final = 3_600
#: How long the line or device may still come to be, and how long a panel may stay away.
MISSING_MAX: Final = timedelta(hours=1)
TRIES_MAX: Final = timedelta(days=3)


@action("inbound_event.read", needs=Permission.INBOUND_WRITE)
async def read_events(act: Action) -> int:
    """Fold what was received into its subjects, the oldest first; return how many were read."""
    for count in range(READ_BATCH):
        async with act.write() as store:
            event = await store.inbound_events.take_received()
            if event is None:
                return count
            await _read(act, store, event)
    return READ_BATCH


async def _read(act: Action, store: Store, event: InboundEvent) -> None:
    source = await store.inbound_sources.get(event.source_id)
    payload = msgspec.json.decode(event.payload or b"null")
    decision = decide(rules_of(source.rules), event.type, event.event_id, payload)
    seen = replace(
        event,
        payload=None,
        rule=decision.rule,
        action=None if decision.rule is None else decision.action.value,
        resource_kind=None if decision.external_id is None else decision.resource.value,
        external_id=decision.external_id,
    )
    if decision.action is RuleAction.NONE:
        reason = IgnoredFor.NO_RULE if decision.rule is None else IgnoredFor.RULE_SAYS_NONE
        seen = replace(seen, state=EventState.IGNORED, reason=reason)
    elif decision.fault is not None or decision.external_id is None:
        problem = Problem(code="invalid_request", status=422, detail=decision.fault or "")
        seen = replace(seen, state=EventState.FAILED, problem=problem)
    else:
        seen = await _fold(act, store, seen, decision, decision.external_id)
    await store.inbound_events.save(seen)


async def _fold(
    act: Action, store: Store, event: InboundEvent, decision: Decision, external_id: str
) -> InboundEvent:
    """Add what an event wants to its subject; what waited for the same and is older is over."""
    now = act.ports.clock.now()
    before = await store.inbound_subjects.lock(
        Subject(
            id=subject_id(event.source_id, decision.resource, external_id),
            source_id=event.source_id,
            owner_path=event.owner_path,
            resource=decision.resource,
            external_id=external_id,
        )
    )
    event = replace(event, subject_id=before.id)
    after = folded(before, event, decision, now)
    if after is None:
        return replace(event, state=EventState.IGNORED, reason=IgnoredFor.OLDER)
    await store.inbound_subjects.save(after)
    for other in await store.inbound_events.list_waiting(before.id):
        if not after.waits_for(other.id):
            await store.inbound_events.save(_superseded(other))
    due_at = due_of(event, decision) if decision.grace is not None else None
    return replace(event, state=EventState.WAITING, due_at=due_at)


def _superseded(event: InboundEvent) -> InboundEvent:
    if event.operation_ids:  # Half of what it wanted was done before.
        return replace(event, state=EventState.DONE, problem=None)
    return replace(event, state=EventState.IGNORED, reason=IgnoredFor.SUPERSEDED)


@action("inbound_event.drive", needs=Permission.INBOUND_WRITE)
async def drive_subjects(act: Action) -> int:
    """Do what is due of what events want; return how many subjects were taken up.

    All at once, so that a panel that does not answer keeps no other line waiting.
    """
    now = act.ports.clock.now()
    async with act.write() as store:
        due = await store.inbound_subjects.take_due(now, now + LEASE, DRIVE_BATCH)
    ended = await asyncio.gather(*(_drive(act, each) for each in due), return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error
    return len(due)


async def _drive(act: Action, subject: Subject) -> None:
    try:
        result = await drive(act, subject)
    except NotFound:  # Its source was removed meanwhile, and with it what was wanted.
        return
    async with act.write() as store:
        present = await store.inbound_subjects.find(subject.id)
        if present is not None:
            await _settle(act, store, present, result)


async def _settle(act: Action, store: Store, present: Subject, result: Drive) -> None:
    """Write what was done; what came in meanwhile stays to be done."""
    now = act.ports.clock.now()
    events = {each.id: each for each in await store.inbound_events.list_waiting(present.id)}
    after = replace(present, is_suspended=result.is_suspended, lease_until=None)
    pauses = []
    for step in result.steps:
        event = events.get(step.event_id)
        if step.is_final or _is_over(event, step.problem, now):
            after = _closed(after, step)
        else:
            pauses.append(_pause_seconds(step.problem, present.attempts))
    is_same = present.term == result.subject.term and present.switch == result.subject.switch
    retry_at = now + timedelta(seconds=max(pauses)) if pauses and is_same else now
    after = replace(after, attempts=present.attempts + 1 if pauses else 0)
    after = replace(after, next_at=after.next_due(retry_at))
    await store.inbound_subjects.save(after)
    tried = {step.event_id for step in result.steps}
    for event in events.values():
        told = _told(event, result.steps, after) if event.id in tried else event
        await store.inbound_events.save(told if after.waits_for(event.id) else _ended(told))


def _told(event: InboundEvent, steps: tuple[Step, ...], subject: Subject) -> InboundEvent:
    """Return *event* with what came of it; the problem of an earlier try that passed is over."""
    own = [step for step in steps if step.event_id == event.id]
    ids = [step.operation_id for step in own if step.operation_id is not None]
    problem = next((step.problem for step in own if step.problem is not None), None)
    term = subject.term
    if problem is None and term is not None and term.event_id == event.id and term.has_failed:
        problem = event.problem
    return replace(
        event, operation_ids=tuple(dict.fromkeys([*event.operation_ids, *ids])), problem=problem
    )


def _closed(subject: Subject, step: Step) -> Subject:
    """Return *subject* with a part done, unless a newer event has another wish for it by now."""
    term, switch = subject.term, subject.switch
    if step.part == "term" and term is not None and term.event_id == step.event_id:
        done = replace(term, is_open=False, has_failed=step.problem is not None)
        return replace(subject, term=done)
    if step.part == "switch" and switch is not None and switch.event_id == step.event_id:
        return replace(subject, switch=replace(switch, is_open=False))
    return subject


def _pause_seconds(problem: Problem | None, attempts: int) -> int:
    wanted = 0 if problem is None else problem.retry_after_seconds or 0
    return max(wanted, min(RETRY_SECONDS << min(attempts, 10), RETRY_SECONDS_MAX))


def _ended(event: InboundEvent) -> InboundEvent:
    return replace(event, state=EventState.DONE if event.problem is None else EventState.FAILED)


def _is_over(event: InboundEvent | None, problem: Problem | None, now: datetime) -> bool:
    """Tell whether it was tried for long enough."""
    if event is None or problem is None:
        return False
    begun = max(event.received_at, event.due_at or event.received_at)
    return now - begun > (MISSING_MAX if problem.code == NotFound.code else TRIES_MAX)
