"""The tables of lines and of the references of their renewals."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import bytewise
from gateway.db.rows_subscriptions import (
    ReferenceRow,
    SubscriptionRow,
    indexes_of,
    resource_column,
)


class LineRow(SubscriptionRow):
    """A line; `password` is sealed."""

    __tablename__ = "lines"
    __table_args__ = (
        sa.UniqueConstraint("panel_id", "username_norm"),
        sa.Index(None, "username_norm"),
        *indexes_of("lines"),
    )

    username: Mapped[str] = mapped_column(bytewise(255))
    username_norm: Mapped[str] = mapped_column(bytewise(255))
    password: Mapped[bytes] = mapped_column(sa.LargeBinary)


class LineReferenceRow(ReferenceRow):
    """A reference under which a line was renewed."""

    __tablename__ = "line_references"
    __table_args__ = (sa.Index(None, "operation_id"),)

    resource_id: Mapped[str] = resource_column("line_id", "lines")
