"""The table of credit alerts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Json, Owned


class CreditAlertRow(Owned, Base):
    """Below what a reseller wants to be told, and on which panels it was told and is still low."""

    __tablename__ = "credit_alerts"
    __table_args__ = (sa.Index(None, "owner_path", "reseller_id"),)

    reseller_id: Mapped[str] = mapped_column(sa.ForeignKey("resellers.id"), primary_key=True)
    low_threshold: Mapped[str] = mapped_column(sa.String(20))
    low_on: Mapped[list[Any]] = mapped_column(Json)
