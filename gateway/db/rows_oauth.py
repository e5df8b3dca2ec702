"""The authorization server's tables. None belongs to a reseller: only the gateway reads them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from gateway.db.columns import Base, Id, UtcDateTime, bytewise


class SigningKeyRow(Base):
    """A key that signs tokens; `private_jwk` is sealed. Of each number there is one key."""

    __tablename__ = "signing_keys"
    __table_args__ = (sa.UniqueConstraint("number"),)

    id: Mapped[str] = mapped_column(bytewise(64), primary_key=True)
    number: Mapped[int]
    alg: Mapped[str] = mapped_column(sa.String(20))
    private_jwk: Mapped[bytes] = mapped_column(sa.LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_from: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RevokedTokenRow(Base):
    """A token that counts no more, kept until it would have ended. `id` is its `jti`."""

    __tablename__ = "revoked_tokens"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    revoked_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class UsedAssertionRow(Base):
    """A client's assertion that was used. `id` is a digest of the client and its `jti`."""

    __tablename__ = "used_assertions"

    id: Mapped[str] = mapped_column(bytewise(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
