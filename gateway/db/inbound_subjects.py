"""What events of inbound sources want of lines and devices: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.inbound import insert_once, read, written
from gateway.db.repository import Repository
from gateway.db.rows_inbound import InboundSubjectRow
from gateway.domain.ids import SourceId
from gateway.domain.inbound_rules import ResourceKind
from gateway.domain.inbound_subjects import Subject, SwitchWish, TermWish

if TYPE_CHECKING:
    from datetime import datetime

_FIXED: Final = frozenset({"id", "owner_path", "source_id"})
#: A primary key that is there already, as each database tells it.
_SUBJECT_THERE: Final = ("pk_inbound_subjects", "uq_inbound_subjects_id")


class SqlInboundSubjects(Repository):
    """The port InboundSubjects."""

    __slots__ = ()

    async def lock(self, subject: Subject) -> Subject:
        """Return the row, inserted where there is none, locked."""
        found = await self.find(subject.id)
        if found is None:
            row = InboundSubjectRow(**_subject_columns(subject))
            await insert_once(self, row, _SUBJECT_THERE)
            found = await self.find(subject.id)
        return found or subject

    async def find(self, subject_id: str) -> Subject | None:
        """Return it, locked; None: it is gone."""
        row = await self.one_or_none(
            sa.select(InboundSubjectRow)
            .where(InboundSubjectRow.id == subject_id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return None if row is None else _subject_of(row)

    async def peek(self, subject_id: str) -> Subject | None:
        """Return it, not locked; None: it is not there."""
        row = await self.one_or_none(
            sa.select(InboundSubjectRow).where(InboundSubjectRow.id == subject_id)
        )
        return None if row is None else _subject_of(row)

    async def save(self, subject: Subject) -> None:
        """Write the whole row but its owner. Raises NotFound."""
        columns = _subject_columns(subject)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(InboundSubjectRow, subject.id, values, expected_version=None)

    async def take_due(
        self, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[Subject, ...]:
        """Take up what is due, the longest ago first."""
        row = InboundSubjectRow
        is_free = sa.or_(row.lease_until.is_(None), row.lease_until <= now)
        query = (
            sa.select(row)
            .where(row.next_at <= now, is_free)
            .order_by(row.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        found = tuple(_subject_of(each) for each in await self.session.scalars(query))
        ids = [each.id for each in found]
        await self.change(sa.update(row).where(row.id.in_(ids)).values(lease_until=lease_until))
        return found


def _subject_of(row: InboundSubjectRow) -> Subject:
    return Subject(
        id=row.id,
        source_id=SourceId(row.source_id),
        owner_path=row.owner_path,
        resource=ResourceKind(row.resource),
        external_id=row.external_id,
        term=read(row.term, TermWish),
        switch=read(row.switch, SwitchWish),
        is_suspended=row.is_suspended,
        attempts=row.attempts,
        next_at=row.next_at,
        lease_until=row.lease_until,
    )


def _subject_columns(subject: Subject) -> dict[str, Any]:
    return {
        "id": subject.id,
        "source_id": subject.source_id,
        "owner_path": subject.owner_path,
        "resource": subject.resource.value,
        "external_id": subject.external_id,
        "term": written(subject.term),
        "switch": written(subject.switch),
        "is_suspended": subject.is_suspended,
        "attempts": subject.attempts,
        "next_at": subject.next_at,
        "lease_until": subject.lease_until,
    }
