"""OAuth clients: programs that get tokens for a reseller, or for the operator.

A client proves who it is by a secret, kept as its SHA-256 only, or by a key of its own, whose
public half we hold (`jwks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.caller import Permission
from gateway.domain.ids import ClientId, ResellerId
from gateway.domain.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client without its secret. `reseller_id` None: the operator's.

    `permissions` is the most that its tokens may have. `origins` are those whose pages may use its
    storefront tokens. `jwks` None: it authenticates by its secret; else only by `private_key_jwt`.
    `needs_dpop`: its tokens are bound to a key that it proves with each request (RFC 9449).
    """

    id: ClientId
    name: str
    reseller_id: ResellerId | None
    owner_path: str
    permissions: frozenset[Permission]
    origins: tuple[str, ...]
    jwks: dict[str, Any] | None
    needs_dpop: bool
    secret_digest: bytes | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    created_at: datetime
    updated_at: datetime


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
