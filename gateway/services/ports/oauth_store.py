"""How the authorization server reaches its own tables; they belong to no reseller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.oauth import RevokedToken
    from gateway.domain.signing import SigningKey


class SigningKeys(Protocol):
    """Keys that sign tokens."""

    async def list(self) -> tuple[SigningKey, ...]:
        """Return all of them, the newest first; there are few."""

    async def add(self, key: SigningKey) -> None:
        """Insert. Raises StateConflict when another process has made the key of this number."""

    async def retire(self, key_id: str, at: datetime, gone_at: datetime) -> None:
        """Set when a key stops signing, and until when it is shown."""

    async def delete_gone(self, before: datetime) -> int:
        """Remove those that have not been shown since then; return how many."""


class RevokedTokens(Protocol):
    """Tokens that count no more, although their time is not over."""

    async def add(self, token: RevokedToken) -> None:
        """Insert; one that is there already is left as it is."""

    async def list_since(self, since: datetime, now: datetime) -> tuple[RevokedToken, ...]:
        """Return those revoked at *since* or later whose time is not over by *now*."""

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* whose time was over before then; return how many."""


class UsedAssertions(Protocol):
    """Assertions of clients, each of which counts once."""

    async def add(self, digest: str, expires_at: datetime) -> bool:
        """Take note of one by the digest of its client and `jti`. False: it was used before."""

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* that ended before then; return how many."""
