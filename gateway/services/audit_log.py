"""How audit entries are made; the only place that builds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.ids import AuditEntryId, IdKind, ResellerId, new_id
from gateway.domain.operations import Asker
from gateway.services.context import Ports


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose resource an entry is about: who may read the entry."""

    reseller_id: ResellerId | None
    path: str


def new_entry(  # noqa: PLR0913 - an audit entry has that many parts
    ports: Ports,
    phase: Phase,
    action: str,
    *,
    asker: Asker,
    owner: Owner,
    resource_id: str | None,
    operation_id: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    code: str | None = None,
    panel_call_digest: str | None = None,
) -> AuditEntry:
    """Return an entry of this moment. *before* and *after* must hold no secret."""
    now = ports.clock.now()
    return AuditEntry(
        id=AuditEntryId(new_id(IdKind.AUDIT_ENTRY, now, ports.random.bytes)),
        sequence=None,
        phase=phase,
        action=action,
        operation_id=operation_id,
        reseller_id=owner.reseller_id,
        owner_path=owner.path,
        asker=asker,
        resource_id=resource_id,
        before=before,
        after=after,
        code=code,
        panel_call_digest=panel_call_digest,
        at=now,
    )
