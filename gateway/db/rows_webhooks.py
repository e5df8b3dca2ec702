"""The tables of webhook endpoints, and of what is sent to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime, bytewise


class EndpointRow(Owned, Base):
    """An endpoint; `secrets` is sealed."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (sa.Index(None, "owner_path", "id"), sa.Index(None, "reseller_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    url: Mapped[str] = mapped_column(sa.Text)
    event_types: Mapped[list[Any]] = mapped_column(Json)
    signature: Mapped[str] = mapped_column(sa.String(10))
    description: Mapped[str] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(bytewise(20))
    disabled_reason: Mapped[str | None] = mapped_column(sa.String(20))
    secrets: Mapped[bytes] = mapped_column(sa.LargeBinary)
    public_key: Mapped[str | None] = mapped_column(sa.String(100))
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    mail_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class DeliveryRow(Owned, Base):
    """An event for an endpoint, once. `next_at` null: it is over."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("endpoint_id", "event_id"),
        sa.Index(None, "endpoint_id", "id"),
        sa.Index(None, "endpoint_id", "next_at"),
        sa.Index(None, "endpoint_id", "state", "id"),
        sa.Index(None, "endpoint_id", "resource_id", "sequence"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(sa.ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[str] = mapped_column(Id)
    event_type: Mapped[str] = mapped_column(sa.String(40))
    resource_id: Mapped[str] = mapped_column(Id)
    sequence: Mapped[int]
    state: Mapped[str] = mapped_column(bytewise(20))
    attempts: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    fence: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AttemptRow(Owned, Base):
    """One sending."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (sa.Index(None, "delivery_id", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    delivery_id: Mapped[str] = mapped_column(sa.ForeignKey("webhook_deliveries.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    headers: Mapped[dict[str, Any]] = mapped_column(Json)
    tried: Mapped[dict[str, Any]] = mapped_column(Json)


class DispatchRow(Base):
    """The one row that says up to which event deliveries were made."""

    __tablename__ = "webhook_dispatch"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    event_id: Mapped[str | None] = mapped_column(Id)
