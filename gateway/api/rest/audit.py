"""`/v1/audit/entries`: who did what, from where, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final

from pydantic import Field

from gateway.api.rest.query import PageQuery
from gateway.api.rest.routing import get, mapped_page
from gateway.api.rest.shapes import Out, Time
from gateway.api.rest.wire import AnyRef, ResellerRef
from gateway.api.rest.wire import Time as TimeIn
from gateway.domain.audit import AuditEntry, AuditFilter, Phase
from gateway.domain.caller import Permission
from gateway.domain.ids import IdKind, kind_of
from gateway.domain.paging import Page
from gateway.services import audit as service
from gateway.services.context import Context

_NOUNS: Final = {
    IdKind.LINE: "line",
    IdKind.DEVICE: "device",
    IdKind.RESELLER: "reseller",
    IdKind.PANEL: "panel",
    IdKind.KEY: "key",
    IdKind.CLIENT: "client",
    IdKind.SOURCE: "inbound_source",
    IdKind.ENDPOINT: "webhook_endpoint",
    IdKind.DELIVERY: "delivery",
    IdKind.TOKEN: "token",
    IdKind.OPERATION: "operation",
    IdKind.AUDIT_ENTRY: "audit_entry",
    IdKind.DRIFT: "drift",
}


class AuditCallerOut(Out, frozen=True, kw_only=True):
    """Who asked. `id` of a storefront: its line or device. `key_id`: the key, or a token's client.

    `chain`: who acts, the nearest first, where a token says so; empty for keys.
    """

    kind: str
    id: str
    key_id: str | None
    chain: tuple[str, ...] = ()


class AuditResourceOut(Out, frozen=True, kw_only=True):
    """What it was about."""

    kind: str
    id: str


class AuditEntryOut(Out, frozen=True, kw_only=True):
    """One fact of the audit log. Secrets in `before` and `after` are keyed digests.

    `sequence` is its place in the sealed log, null until it has one.
    """

    id: str
    object: str = "audit_entry"
    sequence: int | None
    phase: Phase
    action: str
    operation_id: str | None
    reseller_id: str | None
    caller: AuditCallerOut
    ip: str | None
    request_id: str
    resource: AuditResourceOut | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    code: str | None
    panel_call_digest: str | None
    at: Time


class AuditQuery(PageQuery):
    """Which entries to list. `since` is included, `until` is not."""

    kind: ClassVar[IdKind] = IdKind.AUDIT_ENTRY

    action: Annotated[str | None, Field(max_length=64, description="Such as line.renew.")] = None
    phase: Phase | None = None
    resource_id: AnyRef | None = None
    operation_id: AnyRef | None = None
    reseller_id: ResellerRef | None = None
    since: TimeIn | None = None
    until: TimeIn | None = None


@get("/v1/audit/entries", needs=Permission.AUDIT_READ)
async def list_audit_entries(context: Context, query: AuditQuery) -> Page[AuditEntryOut]:
    """List audit entries, newest first."""
    found = await service.list_entries(context, AuditFilter(**query.filters()), query.page)
    return mapped_page(found, audit_entry_out)


def audit_entry_out(entry: AuditEntry) -> AuditEntryOut:
    """Return the public shape of *entry*."""
    asker = entry.asker
    return AuditEntryOut(
        id=entry.id,
        sequence=entry.sequence,
        phase=entry.phase,
        action=entry.action,
        operation_id=entry.operation_id,
        reseller_id=entry.reseller_id,
        caller=AuditCallerOut(
            kind=asker.caller_kind,
            id=asker.caller_id,
            key_id=asker.key_id,
            chain=asker.chain,
        ),
        ip=asker.ip,
        request_id=asker.request_id,
        resource=_resource_out(entry.resource_id),
        before=entry.before,
        after=entry.after,
        code=entry.code,
        panel_call_digest=entry.panel_call_digest,
        at=entry.at,
    )


def _resource_out(resource_id: str | None) -> AuditResourceOut | None:
    kind = kind_of(resource_id)
    if resource_id is None or kind is None:
        return None
    return AuditResourceOut(kind=_NOUNS[kind], id=resource_id)
