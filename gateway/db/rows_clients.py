"""The table of OAuth clients."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime


class ClientRow(Owned, Base):
    """A client: only the SHA-256 of its secrets; `jwks` is public."""

    __tablename__ = "clients"
    __table_args__ = (sa.Index(None, "owner_path", "id"), sa.Index(None, "reseller_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    permissions: Mapped[list[Any]] = mapped_column(Json)
    origins: Mapped[list[Any]] = mapped_column(Json)
    jwks: Mapped[dict[str, Any] | None] = mapped_column(Json)
    needs_dpop: Mapped[bool]
    secret_digest: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    former_digest: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    former_ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
