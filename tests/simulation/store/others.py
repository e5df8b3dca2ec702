"""Resellers, panels, drifts, the audit log, kept answers and holds in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.domain.audit import AuditEntry
from gateway.domain.caller import ROOT_PATH
from gateway.domain.drifts import Drift
from gateway.domain.errors import (
    IdempotencyInProgress,
    NotFound,
    StateConflict,
    VersionMismatch,
)
from gateway.domain.idempotency import KeptAnswer
from gateway.domain.ids import OperationId, PanelId, ResellerId
from gateway.domain.operations import Operation
from gateway.domain.panels import Panel
from gateway.domain.resellers import Reseller, ResellerState
from tests.simulation.store.data import OutOfScopeError, Rows


class MemoryResellers(Rows):
    """The port Resellers, as far as changes of lines need it."""

    __slots__ = ()

    async def get(self, reseller_id: ResellerId) -> Reseller:
        return self.required(self.data.resellers.get(reseller_id))

    async def is_suspended(self, owner_path: str) -> bool:
        return any(
            owner_path.startswith(each.owner_path) and each.state is ResellerState.SUSPENDED
            for each in self.data.resellers.values()
        )

    async def lock(self, reseller_id: ResellerId) -> None:
        self.required(self.data.resellers.get(reseller_id))

    async def list(self, page: Any) -> Any:
        raise NotImplementedError

    async def add(self, reseller: Reseller) -> None:
        self.guard(reseller.owner_path)
        self.journal.put(self.data.resellers, reseller.id, reseller)

    async def save(self, reseller: Reseller, *, expected_version: int | None = None) -> None:
        raise NotImplementedError


class MemoryPanels(Rows):
    """The port PanelRows, as far as changes of lines need it."""

    __slots__ = ()

    async def get(self, panel_id: PanelId) -> Panel:
        found = self.data.panels.get(panel_id)
        if found is None:
            raise NotFound("There is no such thing.")
        return found

    async def list(self, page: Any) -> Any:
        raise NotImplementedError

    async def add(self, panel: Panel) -> None:
        self.journal.put(self.data.panels, panel.id, panel)

    async def save(self, panel: Panel, *, expected_version: int | None = None) -> None:
        if expected_version not in {None, (await self.get(panel.id)).version}:
            raise VersionMismatch("It was changed since you read it.")
        self.journal.put(self.data.panels, panel.id, panel)


class MemoryDrifts(Rows):
    """The port Drifts."""

    __slots__ = ()

    async def list(self, criteria: Any, page: Any) -> Any:
        raise NotImplementedError

    async def find_open(self, resource_id: str) -> Drift | None:
        return self.visible(self._open(resource_id))

    async def count_open(self, resource_ids: Collection[str]) -> int:
        return sum(self.visible(self._open(each)) is not None for each in set(resource_ids))

    async def add(self, drift: Drift) -> None:
        self.guard(drift.owner_path)
        if self._open(drift.resource_id) is not None:
            raise StateConflict("Another drift of it is open.")
        self.journal.put(self.data.drifts, drift.id, drift)

    async def save(self, drift: Drift) -> None:
        before = self.required(self.data.drifts.get(drift.id))
        self.journal.put(self.data.drifts, drift.id, replace(drift, owner_path=before.owner_path))

    def _open(self, resource_id: str) -> Drift | None:
        for drift in self.data.drifts.values():
            if drift.resource_id == resource_id and drift.closed_at is None:
                return drift
        return None


class MemoryAudit(Rows):
    """The port AuditEntries."""

    __slots__ = ()

    async def append(self, entry: AuditEntry) -> None:
        self.guard(entry.owner_path)
        self.journal.put(self.data.entries, entry.id, entry)
        if entry.operation_id is not None:
            before = self.data.phases.get(entry.operation_id, ())
            self.journal.put(self.data.phases, entry.operation_id, (*before, entry.phase))

    async def list(self, criteria: Any, page: Any) -> Any:
        raise NotImplementedError


class MemoryAnswers(Rows):
    """The port KeptAnswers."""

    __slots__ = ()

    def _mine(self, owner: str) -> bool:
        if self.scope.is_everything:
            return True
        return owner == self.scope.path.strip(ROOT_PATH).rpartition(ROOT_PATH)[2]

    async def find(self, owner: str, key: str) -> KeptAnswer | None:
        found = self.data.keys.get((owner, key))
        return self.data.answers[found] if found is not None and self._mine(owner) else None

    async def add(self, answer: KeptAnswer) -> None:
        if not self._mine(answer.owner):
            raise OutOfScopeError(answer.owner)
        if (answer.owner, answer.key) in self.data.keys:
            raise IdempotencyInProgress(
                "Another request with this Idempotency-Key is being answered.",
                retry_after_seconds=1,
            )
        self.journal.put(self.data.answers, answer.id, answer)
        self.journal.put(self.data.keys, (answer.owner, answer.key), answer.id)

    async def delete(self, answer_id: str) -> None:
        found = self.data.answers.get(answer_id)
        if found is not None and self._mine(found.owner):
            self.journal.drop(self.data.answers, answer_id)
            self.journal.drop(self.data.keys, (found.owner, found.key))

    async def delete_older(self, before: datetime, limit: int) -> int:
        old = sorted(
            (
                a
                for a in self.data.answers.values()
                if a.created_at < before and self._mine(a.owner)
            ),
            key=lambda answer: answer.created_at,
        )[:limit]
        for answer in old:
            await self.delete(answer.id)
        return len(old)


class HoldsError(AssertionError):
    """Credits were held, charged or given back twice."""


class RecordingHolds(Rows):
    """The port Holds: every operation of a caller costs one credit."""

    __slots__ = ()

    async def hold(self, operation: Operation) -> None:
        if operation.id in self.data.holds:
            raise HoldsError(f"{operation.id} was held for already")
        self.journal.put(self.data.holds, operation.id, (operation.owner_path, "held"))

    async def capture(self, operation_id: OperationId) -> None:
        self._end(operation_id, "captured")

    async def release(self, operation_id: OperationId) -> None:
        self._end(operation_id, "released")

    def _end(self, operation_id: str, state: str) -> None:
        found = self.data.holds.get(operation_id)
        if found is None:
            return
        if found[1] != "held":
            raise HoldsError(f"{operation_id} was {found[1]} already, and is {state} now")
        self.journal.put(self.data.holds, operation_id, (found[0], state))
