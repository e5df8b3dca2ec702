"""An operation: one change asked of a panel, with a known end.

PREPARED: surely not sent. SENDING: maybe sent. UNKNOWN: sent, no usable answer; until `settles_at`
it may still take effect, so nothing is looked at before. PROBING: a worker looks at the panel. From
there it goes back to SENDING when it provably did not happen, or to an end: SUCCEEDED, FAILED, or
MANUAL, where a person has to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from gateway.domain.errors import Fault
from gateway.domain.ids import OperationId, PanelId, ResellerId

#: Looks that may tell nothing; after one more a person is asked.
PROBES_MAX: Final = 7


class OperationState(StrEnum):
    """Where an operation is."""

    PREPARED = "prepared"
    SENDING = "sending"
    UNKNOWN = "unknown"
    PROBING = "probing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MANUAL = "manual"

    @property
    def is_final(self) -> bool:
        """Succeeded and failed operations never change again."""
        return self in {OperationState.SUCCEEDED, OperationState.FAILED}


class ShownState(StrEnum):
    """Where an operation is, as callers see it."""

    PREPARED = "prepared"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MANUAL = "manual"


class Decision(StrEnum):
    """What a person says of an operation that is MANUAL."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"


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
    """Who asked for an operation and from where; kept with it for the audit log.

    `chain`: who acts, the nearest first, where a token says so.
    """

    caller_kind: str
    caller_id: str
    key_id: str | None
    ip: str | None
    request_id: str
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One change of one resource. `settles_at`: when its outcome can be looked up, if unknown.

    `request`, `desired` and `result` are the kind's own structures as JSON; they may hold
    passwords, are sealed at rest and never shown.

    `fence` counts the workers that took it up: what one of them writes after another took over is
    refused. `lease_until`: until then the last one has it. `probes`: looks that told nothing.
    `was_unknown`: its outcome was unknown once. `said_done`: the panel said yes to the last call.
    `watch_at`: when to look whether a creation that failed has come to be after all; `watches`: how
    often that was done.
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
    fence: int = 0
    lease_until: datetime | None = None
    probes: int = 0
    was_unknown: bool = False
    said_done: bool = False
    watch_at: datetime | None = None
    watches: int = 0

    @property
    def shown_state(self) -> ShownState:
        """Return the state that callers see: whether somebody is looking is not their business."""
        if self.state is not OperationState.PROBING:
            return ShownState(self.state)
        handed_over = self.probes > PROBES_MAX
        return ShownState.MANUAL if handed_over else ShownState.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFilter:
    """Which operations to list; None does not narrow."""

    state: ShownState | None = None
    kind: str | None = None
    resource_id: str | None = None
