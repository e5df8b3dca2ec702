"""`/v1/inbound-sources`: billing systems whose events change lines and devices."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from gateway.api.rest.dry_run import EffectOut, PanelCallOut
from gateway.api.rest.inbound_requests import (
    RULES_SCHEMA,
    EventToPreview,
    InboundEventQuery,
    InboundSourceCreate,
    InboundSourcePatch,
    InboundSourceQuery,
    SourceSecretRotation,
)
from gateway.api.rest.operations import OperationProblemOut, problem_out
from gateway.api.rest.routing import delete, get, mapped, mapped_page, patch, post
from gateway.api.rest.shapes import Out, Time
from gateway.domain.caller import Permission
from gateway.domain.errors import NotFound
from gateway.domain.ids import SourceId
from gateway.domain.inbound import (
    EventState,
    IgnoredFor,
    InboundEvent,
    Preview,
    RemovedSource,
    Source,
    SourceKind,
)
from gateway.domain.inbound_rules import ResourceKind, RuleAction
from gateway.domain.paging import Page
from gateway.domain.secrets import Secret
from gateway.services import inbound, inbound_preview
from gateway.services.context import Context, Outcome


class SourceSecretOut(Out, frozen=True, kw_only=True):
    """That there is a secret, and until when it is good. Itself it is shown nowhere."""

    added_at: Time
    ends_at: Time | None


class InboundSourceOut(Out, frozen=True, kw_only=True):
    """An inbound source. `reseller_id` null: the operator's. It is delivered to at `path`."""

    id: str
    object: str = "inbound_source"
    kind: SourceKind
    reseller_id: str | None
    path: str
    secrets: tuple[SourceSecretOut, ...]
    rules: Annotated[Any, msgspec.Meta(extra_json_schema=RULES_SCHEMA)]
    version: int
    created_at: Time
    updated_at: Time


class RemovedSourceOut(Out, frozen=True, kw_only=True):
    """A source that is gone."""

    id: str
    reseller_id: str | None


class InboundEventOut(Out, frozen=True, kw_only=True):
    """An event of a source, and what became of it. `event_id` is the sender's."""

    id: str
    object: str = "inbound_event"
    source_id: str
    event_id: str
    type: str
    occurred_at: Time
    received_at: Time
    state: EventState
    reason: IgnoredFor | None
    rule: int | None
    action: str | None
    resource: str | None
    external_id: str | None
    due_at: Time | None
    operation_ids: tuple[str, ...]
    problem: OperationProblemOut | None


class InboundPreviewOut(Out, frozen=True, kw_only=True):
    """What an event would do. `rule`: the place of the rule that fits, from 0; null: none does."""

    event_id: str
    type: str
    occurred_at: Time
    rule: int | None
    action: RuleAction
    is_older: bool
    resource: ResourceKind | None
    external_id: str | None
    resource_id: str | None
    until: Time | None
    reference: str | None
    due_at: Time | None
    effect: EffectOut
    panel_calls: tuple[PanelCallOut, ...]
    problem: OperationProblemOut | None


@post("/v1/inbound-sources", status=201, needs=Permission.INBOUND_WRITE, raises=(NotFound,))
async def create_inbound_source(
    context: Context, body: InboundSourceCreate
) -> Outcome[InboundSourceOut]:
    """Create a source. Its secrets are shown in no answer."""
    return mapped(await inbound.create_source(context, body.to_new_source()), source_out)


@get("/v1/inbound-sources", needs=Permission.INBOUND_READ)
async def list_inbound_sources(
    context: Context, query: InboundSourceQuery
) -> Page[InboundSourceOut]:
    """List sources, newest first."""
    found = await inbound.list_sources(context, query.page, query.reseller_id)
    return mapped_page(found, source_out)


@get("/v1/inbound-sources/{source_id}", needs=Permission.INBOUND_READ, raises=(NotFound,))
async def get_inbound_source(context: Context, source_id: SourceId) -> InboundSourceOut:
    """Read a source, without its secrets."""
    return source_out(await inbound.get_source(context, source_id))


@patch("/v1/inbound-sources/{source_id}", needs=Permission.INBOUND_WRITE, raises=(NotFound,))
async def change_inbound_source(
    context: Context, source_id: SourceId, body: InboundSourcePatch
) -> Outcome[InboundSourceOut]:
    """Change the rules of a source, or replace all its secrets at once."""
    changed = await inbound.change_source(context, source_id, body.to_changes())
    return mapped(changed, source_out)


@post(
    "/v1/inbound-sources/{source_id}/rotate-secret",
    needs=Permission.INBOUND_WRITE,
    raises=(NotFound,),
    is_versioned=True,
)
async def rotate_inbound_secret(
    context: Context, source_id: SourceId, body: SourceSecretRotation
) -> Outcome[InboundSourceOut]:
    """Add a secret; the present ones stay good for a while."""
    rotated = await inbound.rotate_source_secret(
        context, source_id, Secret(body.secret), overlap_seconds=body.overlap_seconds
    )
    return mapped(rotated, source_out)


@delete("/v1/inbound-sources/{source_id}", needs=Permission.INBOUND_WRITE, raises=(NotFound,))
async def remove_inbound_source(context: Context, source_id: SourceId) -> Outcome[None]:
    """Take nothing more from a source; its log and what still waits go with it."""
    return mapped(await removed_source(context, source_id), lambda _: None)


async def removed_source(context: Context, source_id: SourceId) -> Outcome[RemovedSourceOut]:
    """Take nothing more from a source, and return which one it was."""
    return mapped(await inbound.remove_source(context, source_id), removed_out)


@get("/v1/inbound-sources/{source_id}/events", needs=Permission.INBOUND_READ, raises=(NotFound,))
async def list_inbound_events(
    context: Context, source_id: SourceId, query: InboundEventQuery
) -> Page[InboundEventOut]:
    """List what became of a source's events of the last 30 days, newest first."""
    found = await inbound.list_source_events(context, source_id, query.page)
    return mapped_page(found, event_out)


@post("/v1/inbound-sources/{source_id}/preview", needs=Permission.INBOUND_READ, raises=(NotFound,))
async def preview_inbound_event(
    context: Context, source_id: SourceId, body: EventToPreview
) -> InboundPreviewOut:
    """Say which rule fits an event, and what it would do. Nothing is sent or stored."""
    shown = await inbound_preview.preview_event(context, source_id, body.payload, body.headers)
    return preview_out(shown)


def source_out(source: Source) -> InboundSourceOut:
    """Return the public shape of *source*."""
    return InboundSourceOut(
        id=source.id,
        kind=source.kind,
        reseller_id=source.reseller_id,
        path=f"/v1/inbound/{source.id}",
        secrets=tuple(
            SourceSecretOut(added_at=each.added_at, ends_at=each.ends_at) for each in source.secrets
        ),
        rules=source.rules,
        version=source.version,
        created_at=source.created_at,
        updated_at=source.updated_at,
    )


def removed_out(removed: RemovedSource) -> RemovedSourceOut:
    """Return the public shape of a source that is gone."""
    return RemovedSourceOut(id=removed.id, reseller_id=removed.reseller_id)


def event_out(event: InboundEvent) -> InboundEventOut:
    """Return the public shape of *event*."""
    return InboundEventOut(
        id=event.id,
        source_id=event.source_id,
        event_id=event.event_id,
        type=event.type,
        occurred_at=event.occurred_at,
        received_at=event.received_at,
        state=event.state,
        reason=event.reason,
        rule=event.rule,
        action=event.action,
        resource=event.resource_kind,
        external_id=event.external_id,
        due_at=event.due_at,
        operation_ids=event.operation_ids,
        problem=problem_out(event.problem),
    )


def preview_out(preview: Preview) -> InboundPreviewOut:
    """Return the public shape of *preview*."""
    decision = preview.decision
    return InboundPreviewOut(
        event_id=preview.event_id,
        type=preview.type,
        occurred_at=preview.occurred_at,
        rule=decision.rule,
        action=decision.action,
        is_older=preview.is_older,
        resource=None if decision.external_id is None else decision.resource,
        external_id=decision.external_id,
        resource_id=preview.resource_id,
        until=decision.until,
        reference=decision.reference,
        due_at=preview.due_at,
        effect=EffectOut(before=preview.before, after=preview.after),
        panel_calls=tuple(
            PanelCallOut(method=call.method, path=call.path, query=call.query, form=call.form)
            for call in preview.panel_calls
        ),
        problem=problem_out(preview.problem),
    )
