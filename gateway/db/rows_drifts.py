"""The table of drifts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime

_IS_OPEN: Final = sa.text("closed_at IS NULL")


class DriftRow(Owned, Base):
    """A drift of a line, a device or, of the operator's, a panel.

    At most one of a resource is open: an index holds that.
    """

    __tablename__ = "drifts"
    __table_args__ = (
        sa.Index(
            "uq_drifts_resource_id",
            "resource_id",
            unique=True,
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
        sa.Index("ix_drifts_id_open", "id", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
        sa.Index(None, "owner_path", "id"),
        sa.Index(None, "resource_id", "id"),
        sa.Index(None, "panel_id", "id"),
        sa.Index(None, "reseller_id", "id"),
        sa.Index(None, "kind", "id"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    resource_id: Mapped[str] = mapped_column(Id)
    panel_id: Mapped[str] = mapped_column(sa.ForeignKey("panels.id"))
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    differences: Mapped[list[Any]] = mapped_column(Json)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_by: Mapped[str | None] = mapped_column(sa.String(20))
