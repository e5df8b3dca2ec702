"""The tables of events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime

#: Counts up by itself on both databases; SQLite does so for its own integers only.
Number: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class EventRow(Owned, Base):
    """An event. Their order is that of (`xact`, `number`).

    `number` alone would not do: of two transactions at the same time the one with the lower number
    may be committed later. `xact` is PostgreSQL's number of the transaction; see `db/events.py`.
    On SQLite, where writers take turns, it is 0.
    """

    __tablename__ = "events"
    __table_args__ = (
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("resource_id", "sequence"),
        sa.Index(None, "xact", "number"),
        sa.Index(None, "owner_path", "xact", "number"),
        sa.Index(None, "at"),
        {"sqlite_autoincrement": True},  # A number is never used again, whatever was swept.
    )
    about = "resource_id"

    number: Mapped[int] = mapped_column(Number, primary_key=True)
    xact: Mapped[int] = mapped_column(sa.BigInteger)
    id: Mapped[str] = mapped_column(Id)
    type: Mapped[str] = mapped_column(sa.String(40))
    resource_id: Mapped[str] = mapped_column(Id)
    sequence: Mapped[int] = mapped_column(sa.BigInteger)
    panel_id: Mapped[str | None] = mapped_column(Id)
    reseller_id: Mapped[str | None] = mapped_column(Id)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    data: Mapped[dict[str, Any]] = mapped_column(Json)


class EventSequenceRow(Base):
    """The last sequence of a resource, and the `xact` of its last event.

    It outlives its events, so that none is given twice.
    """

    __tablename__ = "event_sequences"
    about = "resource_id"

    resource_id: Mapped[str] = mapped_column(Id, primary_key=True)
    last: Mapped[int] = mapped_column(sa.BigInteger)
    xact: Mapped[int] = mapped_column(sa.BigInteger)


class PanelStateRow(Base):
    """How a panel is, as was last told; the operator's, as panels are."""

    __tablename__ = "panel_states"

    panel_id: Mapped[str] = mapped_column(sa.ForeignKey("panels.id"), primary_key=True)
    state: Mapped[str] = mapped_column(sa.String(20))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
