"""Audit entries: appended, never changed. `started` and its end are two entries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.ids import AuditEntryId, ResellerId
from gateway.domain.operations import Asker


class Phase(StrEnum):
    """What an entry says: begun, done, refused by the panel or a rule, not permitted, not known."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One fact. `before` and `after` hold no secret, only keyed digests of secrets.

    `sequence` is its place in the sealed log, None until it has one.
    """

    id: AuditEntryId
    sequence: int | None
    phase: Phase
    action: str
    operation_id: str | None
    reseller_id: ResellerId | None
    owner_path: str
    asker: Asker
    resource_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    code: str | None
    panel_call_digest: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries to list; None does not narrow. `since` is included, `until` is not."""

    action: str | None = None
    phase: Phase | None = None
    resource_id: str | None = None
    operation_id: str | None = None
    reseller_id: ResellerId | None = None
    since: datetime | None = None
    until: datetime | None = None
