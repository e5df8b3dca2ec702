"""Rotation of encryption keys: everything that is sealed is sealed again under the first key.

It may run beside the service, be stopped at any point and be started again: what is done already is
recognised by the key id in the sealed bytes, and a row is written only if it still holds the bytes
that were read. All processes must have the new key before it is the first one of any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.rows import KeptAnswerRow, PanelRow
from gateway.db.rows_inbound import InboundEventRow, InboundSourceRow
from gateway.db.rows_lines import LineRow
from gateway.db.rows_oauth import SigningKeyRow
from gateway.db.rows_operations import OperationRow
from gateway.db.rows_webhooks import EndpointRow
from gateway.db.touched import touching
from gateway.services.scope import system_scope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy.ext.asyncio import AsyncSession

    from gateway.db.encryption import Keyring
    from gateway.db.store import SqlDatabase

#: Every sealed column: a test finds those that are missing here.
SEALED: Final[tuple[tuple[type[Any], tuple[str, ...]], ...]] = (
    (PanelRow, ("api_pass",)),
    (LineRow, ("password",)),
    (OperationRow, ("request", "desired", "result")),
    (KeptAnswerRow, ("result",)),
    (SigningKeyRow, ("private_jwk",)),
    (InboundSourceRow, ("secrets",)),
    (InboundEventRow, ("payload",)),
    (EndpointRow, ("secrets",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one table is: rows looked at, of how many there were, and values sealed again.

    `missed` counts values that somebody else wrote in between; those bear whichever key the writer
    had, so run the rotation again until it is 0.
    """

    table: str
    done: int
    total: int
    resealed: int
    missed: int


async def rotate(
    database: SqlDatabase, keyring: Keyring, *, batch_size: int = 200
) -> AsyncIterator[Progress]:
    """Seal everything again that is not under the first key; report after every batch.

    A batch is one short transaction.

    Raises:
        SealBrokenError: a value cannot be opened: its key is missing, or it was tampered with.
        ServiceUnavailable: the database cannot be reached; start again later.
    """
    for row, columns in SEALED:
        table = _Table(row, columns, keyring, batch_size)
        async with database.session(system_scope(), writable=False) as session:
            await table.count(session)
        yield table.progress()
        while not table.finished:
            async with database.session(system_scope(), writable=True) as session:
                await table.rotate_batch(session)
            yield table.progress()


class _Table:
    """The rotation of one table, batch by batch in the order of ids."""

    def __init__(
        self, row: type[Any], columns: tuple[str, ...], keyring: Keyring, batch_size: int
    ) -> None:
        self.row, self.columns, self.keyring, self.batch_size = row, columns, keyring, batch_size
        self.name: str = row.__tablename__
        self.finished = False
        self._after = ""
        self._done = self._total = self._resealed = self._missed = 0

    async def count(self, session: AsyncSession) -> None:
        """Count the rows, for the progress only."""
        self._total = await session.scalar(sa.select(sa.func.count(self.row.id))) or 0

    async def rotate_batch(self, session: AsyncSession) -> None:
        """Take the next batch."""
        row = self.row
        query = (
            sa.select(row.id, *(getattr(row, column) for column in self.columns))
            .where(row.id > self._after)
            .order_by(row.id)
            .limit(self.batch_size)
        )
        batch = (await session.execute(query)).all()
        for row_id, *sealed in batch:
            for column, old in zip(self.columns, sealed, strict=True):
                if old is not None and not self.keyring.is_primary(old):
                    await self._reseal(session, row_id, column, old)
            self._after = row_id
        self._done += len(batch)
        self.finished = len(batch) < self.batch_size

    async def _reseal(self, session: AsyncSession, row_id: str, column: str, old: bytes) -> None:
        place = f"{self.name}.{column}:{row_id}"
        new = self.keyring.seal(self.keyring.unseal(old, place), place)
        change = (
            sa.update(self.row)
            .where(self.row.id == row_id, getattr(self.row, column) == old)
            .values({column: new})
        )
        # What is sealed stays the same, so nobody who watches need look.
        result: Any = await session.execute(touching(change))
        if result.rowcount:
            self._resealed += 1
        else:
            self._missed += 1

    def progress(self) -> Progress:
        """Return how far it is; rows that came later may be counted too."""
        return Progress(
            table=self.name,
            done=self._done,
            total=max(self._total, self._done),
            resealed=self._resealed,
            missed=self._missed,
        )
