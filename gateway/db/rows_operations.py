"""The tables of operations and of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime, Watched, bytewise


class OperationRow(Watched, Owned, Base):
    """An operation; `request`, `desired` and `result` are sealed.

    `holds_resource` is the resource's id from SENDING until the end, else NULL. It is unique, so
    the database itself refuses a second change of a resource whose first may still be under way,
    whichever process asks.
    """

    __tablename__ = "operations"
    __table_args__ = (
        sa.UniqueConstraint("holds_resource"),
        sa.Index(None, "owner_path", "id"),
        sa.Index(None, "state", "id"),
        sa.Index(None, "state", "updated_at"),
        sa.Index(None, "state", "settles_at"),
        sa.Index(None, "watch_at"),
        sa.Index(None, "kind", "id"),
        sa.Index(None, "resource_id", "id"),
    )
    about = "resource_id"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(60))
    state: Mapped[str] = mapped_column(sa.String(20))
    resource_id: Mapped[str] = mapped_column(Id)
    holds_resource: Mapped[str | None] = mapped_column(Id)
    panel_id: Mapped[str] = mapped_column(sa.ForeignKey("panels.id"))
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    asker: Mapped[dict[str, Any]] = mapped_column(Json)
    attempts: Mapped[int]
    problem: Mapped[dict[str, Any] | None] = mapped_column(Json)
    request: Mapped[bytes] = mapped_column(sa.LargeBinary)
    desired: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    result: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    idempotency_id: Mapped[str | None] = mapped_column(bytewise(64))
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    settles_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    fence: Mapped[int]
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    probes: Mapped[int]
    was_unknown: Mapped[bool]
    said_done: Mapped[bool]
    watch_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    watches: Mapped[int]


class AuditEntryRow(Owned, Base):
    """The part of an audit entry that is searched; triggers refuse its change and removal.

    No foreign keys: the log outlives what it speaks of.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index(None, "owner_path", "id"),
        sa.Index(None, "action", "id"),
        sa.Index(None, "phase", "id"),
        sa.Index(None, "resource_id", "id"),
        sa.Index(None, "operation_id", "id"),
        sa.Index(None, "reseller_id", "id"),
        sa.Index(None, "at"),
    )
    bound_may_add = True

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    phase: Mapped[str] = mapped_column(sa.String(20))
    action: Mapped[str] = mapped_column(sa.String(60))
    reseller_id: Mapped[str | None] = mapped_column(Id)
    operation_id: Mapped[str | None] = mapped_column(Id)
    resource_id: Mapped[str | None] = mapped_column(Id)
    leaf_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class AuditBodyRow(Owned, Base):
    """The entry itself: `leaf` is its canonical JSON without sequence, `salt` hides short ones.

    The leaf hash is SHA-256(0x00 || salt || leaf).
    """

    __tablename__ = "audit_bodies"
    bound_may_add = True

    entry_id: Mapped[str] = mapped_column(sa.ForeignKey("audit_entries.id"), primary_key=True)
    salt: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    leaf: Mapped[bytes] = mapped_column(sa.LargeBinary)
