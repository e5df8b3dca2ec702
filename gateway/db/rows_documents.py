"""The table of trusted documents."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Owned, OwnerPath, UtcDateTime, bytewise


class TrustedDocumentRow(Owned, Base):
    """A trusted document. Two owners may have the same one, so the owner is part of its key.

    `id` is a digest, which has no order in time; lists are paged by `entry_id`, which has.
    """

    __tablename__ = "trusted_documents"
    __table_args__ = (
        sa.UniqueConstraint("entry_id"),
        sa.Index(None, "owner_path", "entry_id"),
        sa.Index(None, "reseller_id", "entry_id"),
    )

    owner_path: Mapped[str] = mapped_column(OwnerPath, primary_key=True)
    id: Mapped[str] = mapped_column(bytewise(71), primary_key=True)
    entry_id: Mapped[str] = mapped_column(Id)
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    text: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
