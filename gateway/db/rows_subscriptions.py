"""The columns and indexes that the tables of lines and of devices share; no tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, Json, Owned, UtcDateTime, Watched, bytewise

#: The external owner of what has no reseller: NULL would not count as equal in a unique index.
OPERATOR: Final = "operator"

_NOT_TERMINATED: Final = sa.text("status <> 'terminated'")
_IS_TRIAL: Final = sa.text("is_trial")


class SubscriptionRow(Watched, Owned, Base):
    """A line or a device.

    Its name is never free again on its panel, its external id is once it is terminated. The `_norm`
    columns hold the case-folded forms that prefixes are searched in. Lists are paged by descending
    id, so each filter has its index together with the id.
    """

    __abstract__ = True
    about = "id"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    panel_id: Mapped[str] = mapped_column(sa.ForeignKey("panels.id"))
    reseller_id: Mapped[str | None] = mapped_column(sa.ForeignKey("resellers.id"))
    external_owner: Mapped[str] = mapped_column(Id)
    external_id: Mapped[str | None] = mapped_column(bytewise(128))
    external_id_norm: Mapped[str | None] = mapped_column(bytewise(255))
    plan_id: Mapped[str | None] = mapped_column(Id)
    status: Mapped[str] = mapped_column(sa.String(20))
    suspended_by: Mapped[str | None] = mapped_column(sa.String(20))
    is_banned: Mapped[bool]
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    max_connections: Mapped[int | None]
    bouquet_ids: Mapped[list[Any]] = mapped_column(Json)
    is_trial: Mapped[bool]
    is_restreamer: Mapped[bool]
    allowed_ips: Mapped[list[Any]] = mapped_column(Json)
    allowed_user_agents: Mapped[list[Any]] = mapped_column(Json)
    notes: Mapped[str] = mapped_column(sa.Text)
    admin_notes: Mapped[str] = mapped_column(sa.Text)
    labels: Mapped[dict[str, str]] = mapped_column("metadata", Json)
    member_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    force_server_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    isp_lock: Mapped[bool]
    extra: Mapped[dict[str, str]] = mapped_column(Json)
    panel_line_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    version: Mapped[int]
    epoch: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    compared_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tell_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReferenceRow(Owned, Base):
    """A reference under which a line or a device was renewed: the same invoice renews it once."""

    __abstract__ = True

    resource_id: Mapped[str]
    reference: Mapped[str] = mapped_column(bytewise(128), primary_key=True)
    operation_id: Mapped[str] = mapped_column(Id)


def indexes_of(table: str) -> tuple[sa.Index, ...]:
    """Return the indexes of a table of SubscriptionRows, but for those over its own columns."""
    return (
        sa.Index(
            f"uq_{table}_external_owner_external_id",
            "external_owner",
            "external_id",
            unique=True,
            sqlite_where=_NOT_TERMINATED,
            postgresql_where=_NOT_TERMINATED,
        ),
        sa.Index(None, "owner_path", "id"),
        sa.Index(None, "reseller_id", "id"),
        sa.Index(None, "reseller_id", "status"),
        sa.Index(
            None,
            "reseller_id",
            "created_at",
            sqlite_where=_IS_TRIAL,
            postgresql_where=_IS_TRIAL,
        ),
        sa.Index(None, "status", "id"),
        sa.Index(None, "plan_id", "id"),
        sa.Index(None, "external_id", "id"),
        sa.Index(None, "external_id_norm"),
        sa.Index(None, "expires_at"),
        sa.Index(None, "updated_at"),
        sa.Index(None, "panel_id", "compared_at"),
        sa.Index(None, "tell_at"),
    )


def resource_column(name: str, table: str) -> Mapped[str]:
    """Return a reference's column *name*: whose it is, and with whom it goes."""
    key = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return mapped_column(name, key, primary_key=True, sort_order=-1)
