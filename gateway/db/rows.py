"""The tables of panels, resellers, keys and kept answers; the others are in `rows_*.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime, bytewise


class PanelRow(Base):
    """A panel. Panels have no owner; `api_pass` is sealed."""

    __tablename__ = "panels"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    dialect: Mapped[str] = mapped_column(sa.String(40))
    base_url: Mapped[str] = mapped_column(sa.String(2000))
    api_pass: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    tls_verify: Mapped[bool]
    tls_ca_pem: Mapped[str | None] = mapped_column(sa.Text)
    budget: Mapped[dict[str, Any]] = mapped_column(Json)
    settle_seconds: Mapped[int]
    suspend_by: Mapped[str | None] = mapped_column(sa.String(20))
    credit_mode: Mapped[str] = mapped_column(sa.String(20))
    bouquets: Mapped[list[Any]] = mapped_column(Json)
    extra_columns: Mapped[list[Any]] = mapped_column(Json)
    creates_devices: Mapped[bool] = mapped_column(server_default=sa.true())
    probe: Mapped[dict[str, Any] | None] = mapped_column(Json)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ResellerRow(Owned, Base):
    """A reseller; its `owner_path` ends in its own id, so it sees itself."""

    __tablename__ = "resellers"
    __table_args__ = (sa.Index(None, "owner_path", "id"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    parent_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"), index=True)
    state: Mapped[str] = mapped_column(sa.String(20))
    panel_accounts: Mapped[list[Any]] = mapped_column(Json)
    policy: Mapped[dict[str, Any]] = mapped_column(Json)
    labels: Mapped[dict[str, str]] = mapped_column("metadata", Json)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class KeyRow(Owned, Base):
    """An API key: only the SHA-256 of its secret."""

    __tablename__ = "keys"
    __table_args__ = (
        sa.UniqueConstraint("digest"),
        sa.Index(None, "owner_path", "id"),
        sa.Index(None, "reseller_id", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    prefix: Mapped[str] = mapped_column(sa.String(40))
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    permissions: Mapped[list[Any]] = mapped_column(Json)
    allowed_ips: Mapped[list[Any]] = mapped_column(Json)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    rate_limit: Mapped[str | None] = mapped_column(sa.String(20))


class KeptAnswerRow(Base):
    """What was answered under an Idempotency-Key; `result` is sealed.

    `owner` is a reseller's id, a storefront's line or device, or the operator's word; the
    repository narrows by it.
    """

    __tablename__ = "kept_answers"
    __table_args__ = (sa.UniqueConstraint("owner", "key"),)
    about = "owner"

    id: Mapped[str] = mapped_column(bytewise(64), primary_key=True)
    owner: Mapped[str] = mapped_column(Id)
    key: Mapped[str] = mapped_column(bytewise(255))
    digest: Mapped[str] = mapped_column(sa.String(200))
    action: Mapped[str] = mapped_column(sa.String(60))
    operation_id: Mapped[str | None] = mapped_column(Id)
    result: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
