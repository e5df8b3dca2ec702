"""Drifts: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository, not_found
from gateway.db.rows_drifts import DriftRow
from gateway.domain.drifts import Difference, Drift, DriftEnd, DriftKind, DriftState
from gateway.domain.errors import StateConflict
from gateway.domain.ids import DriftId, PanelId, ResellerId
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.domain.drifts import DriftFilter
    from gateway.domain.paging import Page, PageRequest

_FIXED: Final = frozenset({"id", "owner_path"})


class SqlDrifts(Repository):
    """The port Drifts."""

    __slots__ = ()

    async def list(self, criteria: DriftFilter, page: PageRequest) -> Page[Drift]:
        """Return drifts, newest first."""
        row = DriftRow
        query = sa.select(row)
        if criteria.state is not None:
            is_open = criteria.state is DriftState.OPEN
            query = query.where(row.closed_at.is_(None) if is_open else row.closed_at.is_not(None))
        equal = (
            (row.kind, criteria.kind),
            (row.resource_id, criteria.resource_id),
            (row.panel_id, criteria.panel_id),
            (row.reseller_id, criteria.reseller_id),
        )
        for column, value in equal:
            if value is not None:
                query = query.where(column == value)
        rows = await self.page(query, row.id.expression, page)
        return page_of([_drift_of(it) for it in rows], page)

    async def find_open(self, resource_id: str) -> Drift | None:
        """Return the open one; there is never more than one."""
        row = await self.one_or_none(
            sa.select(DriftRow).where(
                DriftRow.resource_id == resource_id, DriftRow.closed_at.is_(None)
            )
        )
        return None if row is None else _drift_of(row)

    async def count_open(self, resource_ids: Collection[str]) -> int:
        """Count those of them that have an open one."""
        query = sa.select(sa.func.count(DriftRow.id)).where(
            DriftRow.resource_id.in_(resource_ids), DriftRow.closed_at.is_(None)
        )
        return await self.session.scalar(query) or 0

    async def add(self, drift: Drift) -> None:
        """Insert. Raises StateConflict when another one of the resource is open."""
        there = StateConflict("Another drift of it is open.")
        await self.insert(DriftRow(**_columns_of(drift)), {"uq_drifts_resource_id": there})

    async def save(self, drift: Drift) -> None:
        """Write the whole row but its owner. Raises NotFound."""
        columns = _columns_of(drift)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        if not await self.change(
            sa.update(DriftRow).where(DriftRow.id == drift.id).values(**values)
        ):
            raise not_found()


def _drift_of(row: DriftRow) -> Drift:
    return Drift(
        id=DriftId(row.id),
        kind=DriftKind(row.kind),
        resource_id=row.resource_id,
        panel_id=PanelId(row.panel_id),
        reseller_id=None if row.reseller_id is None else ResellerId(row.reseller_id),
        owner_path=row.owner_path,
        differences=tuple(Difference(**it) for it in row.differences),
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        closed_at=row.closed_at,
        closed_by=None if row.closed_by is None else DriftEnd(row.closed_by),
    )


def _columns_of(drift: Drift) -> dict[str, Any]:
    return {
        "id": drift.id,
        "kind": drift.kind.value,
        "resource_id": drift.resource_id,
        "panel_id": drift.panel_id,
        "reseller_id": drift.reseller_id,
        "owner_path": drift.owner_path,
        "differences": [
            {"field": it.field, "ours": it.ours, "theirs": it.theirs} for it in drift.differences
        ],
        "first_seen_at": drift.first_seen_at,
        "last_seen_at": drift.last_seen_at,
        "closed_at": drift.closed_at,
        "closed_by": None if drift.closed_by is None else drift.closed_by.value,
    }
