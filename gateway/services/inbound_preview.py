"""What an event would do: which rule fits, and what the panel would be sent. Nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from gateway.domain.caller import Permission
from gateway.domain.errors import GatewayError, InvalidRequest, MalformedBody
from gateway.domain.ids import IdKind, InboundEventId, SourceId, new_id
from gateway.domain.inbound import InboundEvent, Preview, Source, SourceKind, rules_of
from gateway.domain.inbound_rules import Decision, RuleAction, decide
from gateway.domain.inbound_signatures import STANDARD_ID, described
from gateway.domain.inbound_subjects import Subject, due_of, folded, subject_id
from gateway.services.action import Action, action
from gateway.services.context import Context
from gateway.services.inbound_driving import AnyOutcome, context_of, found, renewed, switched
from gateway.services.problems import problem_of


@action("inbound_source.preview", needs=Permission.INBOUND_READ)
async def preview_event(
    act: Action, source_id: SourceId, payload: dict[str, Any], headers: Mapping[str, str]
) -> Preview:
    """Return what an event with this payload would do now; no signature is asked for.

    What would refuse it is in the answer's problem.

    Raises:
        NotFound: there is no such source.
        InvalidRequest: it does not say which event it is.
    """
    async with act.read() as store:
        source = await store.inbound_sources.get(source_id)
    event = _event(act, source, payload, headers)
    decision = decide(rules_of(source.rules), event.type, event.event_id, payload)
    preview = Preview(
        event_id=event.event_id, type=event.type, occurred_at=event.occurred_at, decision=decision
    )
    if decision.action is RuleAction.NONE:
        return preview
    if decision.fault is not None or decision.external_id is None:
        error = InvalidRequest(decision.fault or "")
        return replace(preview, problem=problem_of(error))
    return await _rehearsed(act, source, event, preview, decision.external_id)


def _event(
    act: Action, source: Source, payload: dict[str, Any], headers: Mapping[str, str]
) -> InboundEvent:
    now = act.ports.clock.now()
    headers = {name.lower(): value for name, value in headers.items()}
    if source.kind is SourceKind.STANDARD_WEBHOOKS:
        headers = {STANDARD_ID: "preview", **headers}
    body = msgspec.json.encode(payload)
    try:
        received = described(source.kind, headers, payload, body, now)
    except MalformedBody as error:
        raise InvalidRequest(error.detail) from None
    return InboundEvent(
        id=InboundEventId(new_id(IdKind.INBOUND_EVENT, now, act.ports.random.bytes)),
        source_id=source.id,
        owner_path=source.owner_path,
        event_id=received.event_id,
        type=received.type,
        occurred_at=received.occurred_at,
        received_at=now,
        payload=None,
    )


async def _rehearsed(
    act: Action, source: Source, event: InboundEvent, preview: Preview, external_id: str
) -> Preview:
    decision = preview.decision
    present = await _present(act, source, decision, external_id)
    wanted = folded(present, event, decision, act.ports.clock.now())
    if wanted is None:
        return replace(preview, is_older=True)
    if decision.grace is not None:
        preview = replace(preview, due_at=due_of(event, decision))
    context = await context_of(act, source, dry_run=True)
    try:
        return await _tried(act, context, event, preview, wanted)
    except GatewayError as error:
        return replace(preview, problem=problem_of(error))


async def _present(act: Action, source: Source, decision: Decision, external_id: str) -> Subject:
    name = subject_id(source.id, decision.resource, external_id)
    async with act.read() as store:
        present = await store.inbound_subjects.peek(name)
    return present or Subject(
        id=name,
        source_id=source.id,
        owner_path=source.owner_path,
        resource=decision.resource,
        external_id=external_id,
    )


async def _tried(
    act: Action, context: Context, event: InboundEvent, preview: Preview, wanted: Subject
) -> Preview:
    """Ask the actions what they would do for those parts of the wish that are this event's."""
    resource = await found(act, context.caller.reseller_id, wanted)
    if resource is not None:
        preview = replace(preview, resource_id=resource.id)
    plans: list[AnyOutcome | None] = []
    if wanted.term is not None and wanted.term.event_id == event.id:
        plans.append(await renewed(context, wanted, resource, wanted.term))
    if wanted.switch is not None and wanted.switch.event_id == event.id:
        plans.append(await switched(context, wanted, resource, wanted.switch.switch))
    shown = [plan.dry_run for plan in plans if plan is not None and plan.dry_run is not None]
    return replace(
        preview,
        before=_merged([plan.before for plan in shown]),
        after=_merged([plan.after for plan in shown]),
        panel_calls=tuple(call for plan in shown for call in plan.panel_calls),
    )


def _merged(parts: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    given = [part for part in parts if part is not None]
    return {name: value for part in given for name, value in part.items()} if given else None
