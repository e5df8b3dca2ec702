"""The audit log, for reading. Entries are made by the door and the engine."""

from __future__ import annotations

from gateway.domain.audit import AuditEntry, AuditFilter
from gateway.domain.caller import Permission
from gateway.domain.paging import Page, PageRequest
from gateway.services.action import Action, action


@action("audit.list", needs=Permission.AUDIT_READ)
async def list_entries(act: Action, criteria: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
    """Return the entries of the scope, newest first."""
    async with act.read() as store:
        return await store.audit.list(criteria, page)
