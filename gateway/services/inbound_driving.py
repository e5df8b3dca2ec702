"""Driving one subject: the actions that bring a line or a device to what is wanted of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from gateway.domain.caller import Caller
from gateway.domain.devices import Device
from gateway.domain.errors import (
    GatewayError,
    IdempotencyInProgress,
    NotFound,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelUnavailable,
    ServiceUnavailable,
    StateConflict,
)
from gateway.domain.ids import InboundEventId, PanelId, ResellerId
from gateway.domain.inbound import Source
from gateway.domain.inbound_rules import ResourceKind
from gateway.domain.inbound_subjects import Subject, Switch, SwitchWish, TermWish
from gateway.domain.lines import Line, NewLine
from gateway.domain.operations import Problem
from gateway.domain.subscriptions import Status, Term
from gateway.services import devices, lines
from gateway.services.action import Action
from gateway.services.context import Context, Outcome
from gateway.services.problems import problem_of

#: What passes by itself; so does a state conflict that says when to try again.
_PASSING: Final = (
    IdempotencyInProgress,
    NotFound,
    PanelMisconfigured,
    PanelOutcomeUnknown,
    PanelUnavailable,
    ServiceUnavailable,
)
_UNSETTLED_SECONDS: Final = 15
Resource: TypeAlias = Line | Device
AnyOutcome: TypeAlias = Outcome[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one part of a wish. Not `is_final`: it is to be tried again."""

    part: Literal["term", "switch"]
    event_id: InboundEventId
    is_final: bool
    operation_id: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What came of a drive of `subject`, and whether a rule has it suspended now."""

    subject: Subject
    steps: tuple[Step, ...]
    is_suspended: bool


async def context_of(act: Action, source: Source, *, dry_run: bool = False) -> Context:
    """Return the context in which a source's rules act: that of its reseller, for changes only."""
    suspended = False
    if source.reseller_id is not None:
        async with act.read() as store:
            suspended = await store.resellers.is_suspended(source.owner_path)
    caller = Caller.of_source(source.id, source.reseller_id, source.owner_path, suspended=suspended)
    return Context(
        ports=act.ports, caller=caller, request_id=act.context.request_id, dry_run=dry_run
    )


async def drive(act: Action, subject: Subject) -> Drive:
    """Do what is due of what *subject* wants; refusals and faults are in the steps.

    Raises:
        NotFound: its source was removed.
    """
    now = act.ports.clock.now()
    async with act.read() as store:
        source = await store.inbound_sources.get(subject.source_id)
    context = await context_of(act, source)
    steps: list[Step] = []
    term, switch = subject.term, subject.switch
    if term is not None and term.is_open:

        async def renew() -> AnyOutcome:
            resource = await found(act, source.reseller_id, subject)
            return await renewed(context, subject, resource, term)

        steps.append(await _tried(Step(part="term", event_id=term.event_id, is_final=True), renew))
    if switch is None or not switch.is_open or not switch.is_due(now):
        return Drive(subject=subject, steps=tuple(steps), is_suspended=subject.is_suspended)
    step, is_suspended = await _switch(act, context, subject, switch)
    return Drive(subject=subject, steps=(*steps, step), is_suspended=is_suspended)


async def _switch(
    act: Action, context: Context, subject: Subject, wish: SwitchWish
) -> tuple[Step, bool]:
    """Switch it as wanted; return what came of it, and whether a rule has it suspended now.

    That a rule suspends it is written down before: a process that is killed in between would
    otherwise find it suspended, and take that for a person's doing.
    """
    ours = subject.is_suspended

    async def switch() -> AnyOutcome | None:
        nonlocal ours
        resource = await found(act, context.caller.reseller_id, subject)
        suspends = wish.switch is Switch.SUSPENDED and resource is not None
        if suspends and resource is not None and resource.suspended_by is None and not ours:
            ours = True
            async with act.write() as store:
                present = await store.inbound_subjects.find(subject.id)
                if present is not None:
                    await store.inbound_subjects.save(replace(present, is_suspended=True))
        return await switched(context, subject, resource, wish.switch)

    step = await _tried(Step(part="switch", event_id=wish.event_id, is_final=True), switch)
    if step.is_final and step.problem is None:
        return step, ours and wish.switch is Switch.SUSPENDED
    return step, subject.is_suspended if step.is_final else ours


async def _tried(step: Step, work: Callable[[], Awaitable[AnyOutcome | None]]) -> Step:
    try:
        outcome = await work()
    except GatewayError as error:
        waits = isinstance(error, StateConflict) and error.retry_after_seconds is not None
        return replace(
            step,
            is_final=not waits and not isinstance(error, _PASSING),
            problem=problem_of(error),
            operation_id=error.operation_id,
        )
    if outcome is None:
        return step
    operation_id = None if outcome.operation is None else outcome.operation.id
    if outcome.value is None:
        problem = problem_of(_unsettled("The operation is not settled yet."))
        return replace(step, is_final=False, problem=problem, operation_id=operation_id)
    return replace(step, operation_id=operation_id)


async def found(act: Action, reseller_id: ResellerId | None, subject: Subject) -> Resource | None:
    """Return the line or device that is to change; None: there is none.

    Raises:
        StateConflict: its creation is not settled yet.
    """
    external_id = subject.external_id
    resource: Resource | None
    async with act.read() as store:
        if subject.resource is ResourceKind.LINE:
            resource = await store.lines.find_by_external_id(reseller_id, external_id)
        else:
            resource = await store.devices.find_by_external_id(reseller_id, external_id)
    if resource is not None and resource.status is not Status.LIVE:
        raise _unsettled("Its creation is not settled yet.")
    return resource


async def renewed(
    context: Context, subject: Subject, resource: Resource | None, wish: TermWish
) -> AnyOutcome:
    """Ask for the renewal that is wanted, or, in a dry run's context, for what it would do.

    Raises:
        NotFound: there is no line or device, and the rule does not make one.
        GatewayError
    """
    term = Term(expires_at=wish.until)
    match resource:
        case Line():
            return await lines.renew_line(context, resource.id, term, wish.reference)
        case Device():
            return await devices.renew_device(context, resource.id, term, wish.reference)
    if wish.create is None:
        raise _missing(subject)
    made = wish.create
    new = NewLine(
        external_id=subject.external_id,
        term=term,
        panel_id=None if made.panel_id is None else PanelId(made.panel_id),
        bouquet_ids=made.bouquet_ids,
        max_connections=made.max_connections,
    )
    return await lines.create_line(context, new)


async def switched(
    context: Context, subject: Subject, resource: Resource | None, switch: Switch
) -> AnyOutcome | None:
    """Ask for the switch that is wanted; None: nothing is to be done.

    What a person suspended is not resumed, and not suspended once more: that stays theirs.

    Raises:
        NotFound: there is no line or device to switch off.
        GatewayError
    """
    if switch is Switch.ON:
        if resource is None or resource.suspended_by is None or not subject.is_suspended:
            return None
        return await _asked(context, subject, resource, "resume")
    if resource is None:
        raise _missing(subject)
    if switch is Switch.TERMINATED:
        return await _asked(context, subject, resource, "terminate")
    if resource.suspended_by is not None:
        return None
    return await _asked(context, subject, resource, "suspend")


_LINE: Final = {
    "resume": lines.resume_line,
    "suspend": lines.suspend_line,
    "terminate": lines.terminate_line,
}
_DEVICE: Final = {
    "resume": devices.resume_device,
    "suspend": devices.suspend_device,
    "terminate": devices.terminate_device,
}


async def _asked(context: Context, subject: Subject, resource: Resource, verb: str) -> AnyOutcome:
    reason = f"Inbound source {subject.source_id}."
    if isinstance(resource, Line):
        return await _LINE[verb](context, resource.id, reason)
    return await _DEVICE[verb](context, resource.id, reason)


def _unsettled(detail: str) -> StateConflict:
    return StateConflict(detail, retry_after_seconds=_UNSETTLED_SECONDS)


def _missing(subject: Subject) -> NotFound:
    return NotFound(f"There is no {subject.resource} with this external_id.")
