"""The audit log: an entry is a searched half and its canonical body, bound by the leaf hash."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from gateway.db.canonical_json import canonical_json
from gateway.db.failures import unavailable
from gateway.db.repository import Repository
from gateway.db.rows_operations import AuditBodyRow, AuditEntryRow
from gateway.domain.audit import AuditEntry, Phase
from gateway.domain.ids import AuditEntryId, ResellerId, kind_of
from gateway.domain.operations import Asker
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from gateway.domain.audit import AuditFilter
    from gateway.domain.paging import Page, PageRequest


class SqlAuditEntries(Repository):
    """The port AuditEntries."""

    __slots__ = ()

    async def append(self, entry: AuditEntry) -> None:
        """Insert both halves.

        Raises:
            ServiceUnavailable: they could not be written, for whatever reason; what they tell of
                must then not be done.
        """
        try:
            await self._insert(entry)
        except exc.DBAPIError as error:
            raise unavailable() from error

    async def _insert(self, entry: AuditEntry) -> None:
        salt, leaf = secrets.token_bytes(16), leaf_of(entry)
        self.session.add(
            AuditEntryRow(
                id=entry.id,
                at=entry.at,
                phase=entry.phase.value,
                action=entry.action,
                reseller_id=entry.reseller_id,
                owner_path=entry.owner_path,
                operation_id=entry.operation_id,
                resource_id=entry.resource_id,
                leaf_hash=leaf_hash(salt, leaf),
            )
        )
        await self.session.flush()  # The body refers to it.
        self.session.add(
            AuditBodyRow(entry_id=entry.id, owner_path=entry.owner_path, salt=salt, leaf=leaf)
        )
        await self.session.flush()

    async def list(self, criteria: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Return entries of the scope, newest first."""
        query = _filtered(criteria)
        if page.after is not None:
            query = query.where(AuditEntryRow.id < page.after)
        query = query.order_by(AuditEntryRow.id.desc()).limit(page.limit + 1)
        rows = (await self.session.execute(query)).all()
        return page_of([_entry_of(leaf, owner_path) for leaf, owner_path in rows], page)


def leaf_hash(salt: bytes, leaf: bytes) -> bytes:
    """Return the hash of a leaf of the log (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + salt + leaf).digest()


def leaf_of(entry: AuditEntry) -> bytes:
    """Return the entry as others see it, without its sequence, in canonical JSON."""
    asker, kind = entry.asker, kind_of(entry.resource_id)
    resource = {"kind": kind.name.lower() if kind else None, "id": entry.resource_id}
    return canonical_json(
        {
            "id": entry.id,
            "phase": entry.phase.value,
            "action": entry.action,
            "operation_id": entry.operation_id,
            "reseller_id": entry.reseller_id,
            "caller": {
                "kind": asker.caller_kind,
                "id": asker.caller_id,
                "key_id": asker.key_id,
                "chain": list(asker.chain),
            },
            "ip": asker.ip,
            "request_id": asker.request_id,
            "resource": None if entry.resource_id is None else resource,
            "before": entry.before,
            "after": entry.after,
            "code": entry.code,
            "panel_call_digest": entry.panel_call_digest,
            "at": entry.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }
    )


def _entry_of(leaf: bytes, owner_path: str) -> AuditEntry:
    data: dict[str, Any] = json.loads(leaf)
    caller, resource = data["caller"], data["resource"]
    reseller_id = data["reseller_id"]
    return AuditEntry(
        id=AuditEntryId(data["id"]),
        sequence=None,
        phase=Phase(data["phase"]),
        action=data["action"],
        operation_id=data["operation_id"],
        reseller_id=None if reseller_id is None else ResellerId(reseller_id),
        owner_path=owner_path,
        asker=Asker(
            caller_kind=caller["kind"],
            caller_id=caller["id"],
            key_id=caller["key_id"],
            ip=data["ip"],
            request_id=data["request_id"],
            chain=tuple(caller["chain"]),
        ),
        resource_id=None if resource is None else resource["id"],
        before=data["before"],
        after=data["after"],
        code=data["code"],
        panel_call_digest=data["panel_call_digest"],
        at=datetime.fromisoformat(data["at"]),
    )


def _filtered(criteria: AuditFilter) -> sa.Select[bytes, str]:
    """Return the bodies of the entries that *criteria* describe."""
    equal = (
        (AuditEntryRow.action, criteria.action),
        (AuditEntryRow.phase, None if criteria.phase is None else criteria.phase.value),
        (AuditEntryRow.resource_id, criteria.resource_id),
        (AuditEntryRow.operation_id, criteria.operation_id),
        (AuditEntryRow.reseller_id, criteria.reseller_id),
    )
    query = sa.select(AuditBodyRow.leaf, AuditEntryRow.owner_path).join(
        AuditEntryRow, AuditEntryRow.id == AuditBodyRow.entry_id
    )
    for column, value in equal:
        if value is not None:
            query = query.where(column == value)
    if criteria.since is not None:
        query = query.where(AuditEntryRow.at >= criteria.since)
    if criteria.until is not None:
        query = query.where(AuditEntryRow.at < criteria.until)
    return query
