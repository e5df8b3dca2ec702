"""The tables of inbound sources, their events, and what those want of lines and devices."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime, bytewise


class InboundSourceRow(Owned, Base):
    """A source; `secrets` is sealed."""

    __tablename__ = "inbound_sources"
    __table_args__ = (sa.Index(None, "owner_path", "id"), sa.Index(None, "reseller_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    secrets: Mapped[bytes] = mapped_column(sa.LargeBinary)
    rules: Mapped[Any] = mapped_column(Json)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class InboundEventRow(Owned, Base):
    """An event; `payload` is sealed, and gone once it was read. The sender's id is there once."""

    __tablename__ = "inbound_events"
    __table_args__ = (
        sa.UniqueConstraint("source_id", "event_id"),
        sa.Index(None, "source_id", "id"),
        sa.Index(None, "state", "id"),
        sa.Index(None, "subject_id", "state"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.ForeignKey("inbound_sources.id"))
    event_id: Mapped[str] = mapped_column(bytewise(255))
    type: Mapped[str] = mapped_column(sa.String(100))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    payload: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    state: Mapped[str] = mapped_column(bytewise(20))
    reason: Mapped[str | None] = mapped_column(sa.String(40))
    rule: Mapped[int | None]
    action: Mapped[str | None] = mapped_column(sa.String(20))
    subject_id: Mapped[str | None] = mapped_column(bytewise(64))
    resource_kind: Mapped[str | None] = mapped_column(sa.String(20))
    external_id: Mapped[str | None] = mapped_column(sa.String(128))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    operation_ids: Mapped[list[Any]] = mapped_column(Json)
    problem: Mapped[dict[str, Any] | None] = mapped_column(Json)


class InboundSubjectRow(Owned, Base):
    """What one source's events want of one line or device. `id` is a digest of which."""

    __tablename__ = "inbound_subjects"

    id: Mapped[str] = mapped_column(bytewise(64), primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.ForeignKey("inbound_sources.id"), index=True)
    resource: Mapped[str] = mapped_column(sa.String(20))
    external_id: Mapped[str] = mapped_column(sa.String(128))
    term: Mapped[dict[str, Any] | None] = mapped_column(Json)
    switch: Mapped[dict[str, Any] | None] = mapped_column(Json)
    is_suspended: Mapped[bool]
    attempts: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
