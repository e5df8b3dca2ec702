"""Kept answers: queries, and their mapping. They are narrowed by their owner, not by a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows import KeptAnswerRow
from gateway.domain.caller import ROOT_PATH
from gateway.domain.errors import IdempotencyInProgress
from gateway.domain.idempotency import KeptAnswer
from gateway.domain.ids import OperationId

if TYPE_CHECKING:
    from datetime import datetime

_OWNER_AND_KEY: Final = "uq_kept_answers_owner_key"


class SqlKeptAnswers(Repository):
    """The port KeptAnswers."""

    __slots__ = ()

    async def find(self, owner: str, key: str) -> KeptAnswer | None:
        """Return what is kept; in a reseller's scope only its own answers exist."""
        row = await self.one_or_none(
            sa.select(KeptAnswerRow).where(
                KeptAnswerRow.owner == owner, KeptAnswerRow.key == key, self._mine()
            )
        )
        if row is None:
            return None
        sealed = row.result
        return KeptAnswer(
            id=row.id,
            owner=row.owner,
            key=row.key,
            digest=row.digest,
            action=row.action,
            operation_id=None if row.operation_id is None else OperationId(row.operation_id),
            result=None if sealed is None else self.sealer.unseal(sealed, place_of(row.id)),
            created_at=row.created_at,
        )

    async def add(self, answer: KeptAnswer) -> None:
        """Insert. Raises IdempotencyInProgress when the key was taken a moment ago."""
        owner = self._owner()
        if owner is not None and answer.owner != owner:
            raise RuntimeError("an answer is kept for its own owner only")
        result = answer.result
        row = KeptAnswerRow(
            id=answer.id,
            owner=answer.owner,
            key=answer.key,
            digest=answer.digest,
            action=answer.action,
            operation_id=answer.operation_id,
            result=None if result is None else self.sealer.seal(result, place_of(answer.id)),
            created_at=answer.created_at,
        )
        taken = IdempotencyInProgress(
            "Another request with this Idempotency-Key is being answered.", retry_after_seconds=1
        )
        await self.insert(row, {_OWNER_AND_KEY: taken})

    async def delete(self, answer_id: str) -> None:
        """Remove it; one that is gone is no error."""
        await self.change(
            sa.delete(KeptAnswerRow).where(KeptAnswerRow.id == answer_id, self._mine())
        )

    async def delete_older(self, before: datetime, limit: int) -> int:
        """Remove the oldest ones; return how many."""
        old = (
            sa.select(KeptAnswerRow.id)
            .where(KeptAnswerRow.created_at < before, self._mine())
            .order_by(KeptAnswerRow.created_at)
            .limit(limit)
        )
        ids = list(await self.session.scalars(old))
        return await self.change(sa.delete(KeptAnswerRow).where(KeptAnswerRow.id.in_(ids)))

    def _owner(self) -> str | None:
        """Return whose answers this scope may touch; None is everybody's."""
        if self.scope.is_everything:
            return None
        if self.scope.resource_id is not None:
            return self.scope.resource_id
        return self.scope.path.strip(ROOT_PATH).rpartition(ROOT_PATH)[2]

    def _mine(self) -> sa.ColumnElement[bool]:
        owner = self._owner()
        return sa.true() if owner is None else KeptAnswerRow.owner == owner


def place_of(answer_id: str) -> str:
    """Return where a result is sealed to."""
    return f"kept_answers.result:{answer_id}"
