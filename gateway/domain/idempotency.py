"""Idempotency keys: what was asked under a key, and what it led to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.ids import OperationId


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A caller's key, and its request in one canonical form (method, path, query, JSON value)."""

    key: str
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """The answer to a keyed request: that of an operation, or a stored `result`.

    `owner` is the reseller's id, or `operator`. `digest` is a keyed digest of the request. `result`
    may hold secrets and is sealed at rest. Exactly one of `operation_id` and `result` is set.
    """

    id: str
    owner: str
    key: str
    digest: str
    action: str
    operation_id: OperationId | None
    result: bytes | None = field(repr=False)
    created_at: datetime
