"""The tables of devices and of the references of their renewals."""

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


class DeviceRow(SubscriptionRow):
    """A device; `mac` in the one spelling of `normal_mac`, so that its prefixes are ranges."""

    __tablename__ = "devices"
    __table_args__ = (
        sa.UniqueConstraint("panel_id", "mac"),
        sa.Index(None, "mac", "id"),
        *indexes_of("devices"),
    )

    mac: Mapped[str] = mapped_column(bytewise(17))
    panel_device_id: Mapped[int | None] = mapped_column(sa.BigInteger)


class DeviceReferenceRow(ReferenceRow):
    """A reference under which a device was renewed."""

    __tablename__ = "device_references"
    __table_args__ = (sa.Index(None, "operation_id"),)

    resource_id: Mapped[str] = resource_column("device_id", "devices")
