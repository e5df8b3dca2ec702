"""How services reach operations, and what is kept about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from gateway.domain.audit import AuditEntry, AuditFilter
    from gateway.domain.drifts import Drift, DriftFilter
    from gateway.domain.idempotency import KeptAnswer
    from gateway.domain.ids import OperationId
    from gateway.domain.operations import Operation, OperationFilter, OperationState
    from gateway.domain.paging import Page, PageRequest


class Operations(Protocol):
    """Operations of the scope."""

    async def get(self, operation_id: OperationId) -> Operation:
        """Return an operation. Raises NotFound."""

    async def list(self, criteria: OperationFilter, page: PageRequest) -> Page[Operation]:
        """Return operations, newest first."""

    async def find_open(self, resource_id: str) -> Operation | None:
        """Return the operation that may have been sent for this resource and is not final."""

    async def add(self, operation: Operation) -> None:
        """Insert."""

    async def claim(self, operation: Operation) -> bool:
        """Write PREPARED -> SENDING; one operation at a time for each resource.

        False, and nothing written, if the row is no longer PREPARED, or another operation of the
        same resource may have been sent and is not final.
        """

    async def save(self, operation: Operation, *, was: OperationState) -> bool:
        """Write the whole row if its state is still *was* and its fence the same; False if not."""

    async def take_due(
        self, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Operation, ...]:
        """Take up what was perhaps sent and can be looked at by *now*, and leases that ended.

        Each is PROBING then, with the next fence, and is this caller's until *lease_until*. What
        another process takes at the same moment is passed over, not waited for.
        """

    async def list_watched(self, now: datetime, limit: int) -> tuple[Operation, ...]:
        """Return failed creations that are to be looked for again by *now*, oldest first."""

    async def list_stale(
        self, state: OperationState, before: datetime, limit: int
    ) -> tuple[Operation, ...]:
        """Return operations in *state* whose `updated_at` is before then, oldest first."""


class Drifts(Protocol):
    """Drifts of the scope; those of panels are the operator's."""

    async def list(self, criteria: DriftFilter, page: PageRequest) -> Page[Drift]:
        """Return drifts, newest first."""

    async def find_open(self, resource_id: str) -> Drift | None:
        """Return the open drift of a line, a device or a panel."""

    async def count_open(self, resource_ids: Collection[str]) -> int:
        """Return how many of these have an open drift."""

    async def add(self, drift: Drift) -> None:
        """Insert. Raises StateConflict when another one of the resource is open."""

    async def save(self, drift: Drift) -> None:
        """Write the whole row. Raises NotFound."""


class AuditEntries(Protocol):
    """The audit log: append and read, nothing else."""

    async def append(self, entry: AuditEntry) -> None:
        """Insert an entry."""

    async def list(self, criteria: AuditFilter, page: PageRequest) -> Page[AuditEntry]:
        """Return entries of the scope, newest first."""


class KeptAnswers(Protocol):
    """What was answered under which Idempotency-Key."""

    async def find(self, owner: str, key: str) -> KeptAnswer | None:
        """Return what is kept for this key of this owner."""

    async def add(self, answer: KeptAnswer) -> None:
        """Insert. Raises IdempotencyInProgress when the key was taken a moment ago."""

    async def delete(self, answer_id: str) -> None:
        """Free a key whose operation was never sent."""

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Sweep at most *limit* answers made before then; return how many."""


class Holds(Protocol):
    """Credits set aside for operations: from the preparing transaction to the one that ends them.

    Each operation is held for at most once, and then charged or given back once, whatever is asked
    again. What becomes of it is part of the transaction that it was asked in.
    """

    async def hold(self, operation: Operation) -> None:
        """Set aside what *operation* costs, if anything.

        Raises:
            Refusal: there is not enough; nothing is prepared then.
        """

    async def capture(self, operation_id: OperationId) -> None:
        """Charge what was set aside: the change was made."""

    async def release(self, operation_id: OperationId) -> None:
        """Give back what was set aside: the change surely was not made, or changed nothing."""
