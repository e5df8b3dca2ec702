"""API keys: secret texts of callers, kept as hashes only.

A key is `xgw_` and 43 random characters of `[A-Za-z0-9]`: as many bits as a SHA-256 has.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gateway.domain.caller import Permission
from gateway.domain.ids import KeyId, ResellerId
from gateway.domain.limits import Rate
from gateway.domain.secrets import Secret

KEY_PREFIX: Final = "xgw_"
BODY_LENGTH: Final = 43
#: How much of a key is kept and shown, so that people can tell keys apart; leaves 208 secret bits.
SHOWN_LENGTH: Final = 12

_SHAPE: Final = re.compile(rf"{KEY_PREFIX}[A-Za-z0-9]{{{BODY_LENGTH}}}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An API key without its secret. `reseller_id` None: an operator's key.

    `prefix` is the part that may be shown; `allowed_ips` are addresses or networks, empty: any.
    `rate_limit` None: that of the settings.
    """

    id: KeyId
    name: str
    reseller_id: ResellerId | None
    owner_path: str
    prefix: str
    permissions: frozenset[Permission]
    allowed_ips: tuple[str, ...]
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    rate_limit: Rate | None = None

    def is_usable_at(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A key and its secret, which is shown this once."""

    key: Key
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to issue. `permissions` None: all that the caller can give to this kind of key.

    `reseller_id` None: the caller's own reseller, or for operators an operator key. `rate_limit`
    None: the caller's own, if it has one, else that of the settings.
    """

    name: str
    reseller_id: ResellerId | None = None
    permissions: frozenset[Permission] | None = None
    allowed_ips: tuple[str, ...] = ()
    expires_at: datetime | None = None
    rate_limit: Rate | None = None


def new_key_secret(random_text: Callable[[int], str]) -> Secret:
    """Return a fresh key; *random_text* is `Random.text`."""
    return Secret(KEY_PREFIX + random_text(BODY_LENGTH))


def has_key_shape(text: str) -> bool:
    """Tell whether *text* could be a key; says nothing about existence."""
    return _SHAPE.fullmatch(text) is not None


def key_digest(secret: str) -> bytes:
    """Return the SHA-256 under which a key is kept."""
    return hashlib.sha256(secret.encode()).digest()


def shown_prefix(secret: str) -> str:
    """Return the part of a key that may be shown."""
    return secret[:SHOWN_LENGTH]
