"""An operation: one change asked of a panel, with a known end.

PREPARED: surely not sent. SENDING: maybe sent. UNKNOWN: sent, no usable answer. SUCCEEDED, FAILED:
final. The finer settling states come between UNKNOWN and the end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.domain.errors import Fault
from gateway.domain.ids import OperationId, PanelId, ResellerId


class OperationState(StrEnum):
    """Where an operation is."""

    PREPARED = "prepared"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MANUAL = "manual"

    @property
    def is_final(self) -> bool:
        """Succeeded and failed operations never change again."""
        return self in {OperationState.SUCCEEDED, OperationState.FAILED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why an operation failed or is unknown, in the words of the error tree."""

    code: str
    status: int
    detail: str
    faults: tuple[Fault, ...] = ()
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asked for an operation and from where; kept with it for the audit log."""

    caller_kind: str
    caller_id: str
    key_id: str | None
    ip: str | None
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One change of one resource. `settles_at`: when its outcome can be looked up, if unknown.

    `request`, `desired` and `result` are the kind's own structures as JSON; they may hold
    passwords, are sealed at rest and never shown.
    """

    id: OperationId
    kind: str
    state: OperationState
    resource_id: str
    panel_id: PanelId
    reseller_id: ResellerId | None
    owner_path: str
    asker: Asker
    attempts: int
    problem: Problem | None
    request: bytes = field(repr=False)
    desired: bytes | None = field(repr=False)
    result: bytes | None = field(repr=False)
    idempotency_id: str | None
    sent_at: datetime | None
    settles_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFilter:
    """Which operations to list; None does not narrow."""

    state: OperationState | None = None
    kind: str | None = None
    resource_id: str | None = None
