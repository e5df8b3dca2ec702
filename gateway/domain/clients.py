"""OAuth clients: programs that get tokens for a reseller, or for the operator.

A client proves who it is by a secret, kept as its SHA-256 only, or by a key of its own, whose
public half we hold (`jwks`). A secret is `xgs_` and 43 random characters of `[A-Za-z0-9]`: as many
bits as a SHA-256 has.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gateway.domain.caller import Permission
from gateway.domain.calls import UNCHANGED, Unchanged
from gateway.domain.ids import ClientId, ResellerId
from gateway.domain.keys import BODY_LENGTH
from gateway.domain.secrets import Secret

SECRET_PREFIX: Final = "xgs_"  # noqa: S105 - how one begins
#: How long the former secret may stay good after a rotation.
OVERLAP_SECONDS_MAX: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client without its secret. `reseller_id` None: the operator's.

    `permissions` is the most that its tokens may have. `origins` are those whose pages may use its
    storefront tokens. `jwks` None: it authenticates by its secret; else only by `private_key_jwt`.
    `needs_dpop`: its tokens are bound to a key that it proves with each request (RFC 9449).
    `former_digest` is the secret before the last rotation, which is good until `former_ends_at`.
    """

    id: ClientId
    name: str
    reseller_id: ResellerId | None
    owner_path: str
    permissions: frozenset[Permission]
    origins: tuple[str, ...]
    jwks: dict[str, Any] | None
    needs_dpop: bool
    secret_digest: bytes | None = field(repr=False)
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    updated_at: datetime
    former_digest: bytes | None = field(default=None, repr=False)
    former_ends_at: datetime | None = None
    version: int = 1

    def knows(self, secret: str, now: datetime) -> bool:
        """Tell in constant time whether *secret* is its own, or its former one within its time.

        Says nothing about `revoked_at`; a client with keys of its own knows no secret.
        """
        if self.jwks is not None:
            return False
        is_former_good = self.former_ends_at is not None and self.former_ends_at > now
        good = (self.secret_digest, self.former_digest if is_former_good else None)
        digest = client_secret_digest(secret)
        return sum(hmac.compare_digest(digest, it or b"") for it in good) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedClient:
    """A client and its secret, which is shown this once; None where it has keys of its own."""

    client: Client
    secret: Secret | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client to make. `permissions` None: all that the caller can give."""

    name: str
    reseller_id: ResellerId | None = None
    permissions: frozenset[Permission] | None = None
    origins: tuple[str, ...] = ()
    jwks: dict[str, Any] | None = None
    needs_dpop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChanges:
    """A merge patch of a client; a list is replaced as a whole."""

    name: str | Unchanged = UNCHANGED
    permissions: frozenset[Permission] | Unchanged = UNCHANGED
    origins: tuple[str, ...] | Unchanged = UNCHANGED
    jwks: dict[str, Any] | Unchanged | None = UNCHANGED
    needs_dpop: bool | Unchanged = UNCHANGED


def new_client_secret(random_text: Callable[[int], str]) -> Secret:
    """Return a fresh secret; *random_text* is `Random.text`."""
    return Secret(SECRET_PREFIX + random_text(BODY_LENGTH))


def client_secret_digest(secret: str) -> bytes:
    """Return the SHA-256 under which a secret is kept."""
    return hashlib.sha256(secret.encode()).digest()
