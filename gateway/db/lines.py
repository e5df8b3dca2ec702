"""Lines: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.db.line_rows import in_state, line_of, row_of, values_of, with_prefix
from gateway.db.repository import Repository, not_found
from gateway.db.rows_lines import OPERATOR, LineReferenceRow, LineRow
from gateway.domain.errors import ExternalIdTaken, GatewayError, StateConflict, UsernameTaken
from gateway.domain.ids import OperationId
from gateway.domain.lines import normal_username
from gateway.domain.paging import page_of

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import LineId, PanelId, ResellerId
    from gateway.domain.lines import Line, LineFilter
    from gateway.domain.paging import Page, PageRequest

#: As a constant in the statement, since only so the database sees that the partial index fits.
_TERMINATED = sa.literal("terminated", literal_execute=True)
_NOT_TERMINATED = LineRow.status != _TERMINATED


def _taken() -> dict[str, GatewayError]:
    """Return the refusals of names in use. They say nothing of the owner, who may be foreign."""
    return {
        "uq_lines_panel_id_username_norm": UsernameTaken("This username is taken on the panel."),
        "uq_lines_external_owner_external_id": ExternalIdTaken(
            "Another line has this external_id."
        ),
    }


class SqlLines(Repository):
    """The port Lines."""

    __slots__ = ()

    async def get(self, line_id: LineId) -> Line:
        """Return a line; in a write transaction others who get it wait until this one ends."""
        query = sa.select(LineRow).where(LineRow.id == line_id)
        if self.writable:
            query = query.with_for_update(key_share=True)
        return line_of(await self.one(query), self.sealer)

    async def find_by_external_id(
        self, reseller_id: ResellerId | None, external_id: str
    ) -> Line | None:
        """Return the line that is not terminated."""
        query = sa.select(LineRow).where(
            LineRow.external_owner == (reseller_id or OPERATOR),
            LineRow.external_id == external_id,
            _NOT_TERMINATED,
        )
        row = await self.one_or_none(query)
        return None if row is None else line_of(row, self.sealer)

    async def find_by_username(self, panel_id: PanelId, username: str) -> Line | None:
        """Return the line of this username in its normal form."""
        query = sa.select(LineRow).where(
            LineRow.panel_id == panel_id, LineRow.username_norm == normal_username(username)
        )
        row = await self.one_or_none(query)
        return None if row is None else line_of(row, self.sealer)

    async def list(self, criteria: LineFilter, page: PageRequest, now: datetime) -> Page[Line]:
        """Return lines, newest first."""
        query = _filtered(criteria, now)
        rows = await self.page(query, LineRow.id.expression, page)
        return page_of([line_of(row, self.sealer) for row in rows], page)

    async def add(self, line: Line) -> None:
        """Insert. Raises UsernameTaken, ExternalIdTaken."""
        await self.insert(row_of(line, self.sealer), _taken())

    async def save(self, line: Line, *, expected_version: int | None = None) -> None:
        """Write the whole row but its owner. Raises NotFound, ExternalIdTaken, VersionMismatch."""
        values = values_of(line, self.sealer)
        await self.save_version(
            LineRow, line.id, values, expected_version=expected_version, taken=_taken()
        )

    async def raise_epoch(self, line_id: LineId) -> int:
        """Add one in the database, so that no raise is lost."""
        statement = sa.update(LineRow).where(LineRow.id == line_id)
        raised = statement.values(epoch=LineRow.epoch + 1).returning(LineRow.epoch)
        epoch = await self.session.scalar(raised)
        if epoch is None:
            raise not_found()
        return epoch

    async def delete(self, line_id: LineId) -> None:
        """Remove the row and its references. Raises NotFound."""
        if not await self.change(sa.delete(LineRow).where(LineRow.id == line_id)):
            raise not_found()

    async def count(self, reseller_id: ResellerId) -> int:
        """Count what is not terminated."""
        query = sa.select(sa.func.count(LineRow.id)).where(
            LineRow.reseller_id == reseller_id, _NOT_TERMINATED
        )
        return await self.session.scalar(query) or 0

    async def count_trials(self, reseller_id: ResellerId, since: datetime) -> int:
        """Count trials made since then."""
        query = sa.select(sa.func.count(LineRow.id)).where(
            LineRow.reseller_id == reseller_id, LineRow.is_trial, LineRow.created_at >= since
        )
        return await self.session.scalar(query) or 0

    async def find_reference(self, line_id: LineId, reference: str) -> OperationId | None:
        """Return the renewal's operation."""
        found = await self.session.scalar(
            sa.select(LineReferenceRow.operation_id).where(
                LineReferenceRow.line_id == line_id, LineReferenceRow.reference == reference
            )
        )
        return None if found is None else OperationId(found)

    async def add_reference(
        self, line_id: LineId, reference: str, operation_id: OperationId
    ) -> None:
        """Keep a reference. Raises StateConflict when it exists, NotFound without the line."""
        query = sa.select(LineRow.owner_path).where(LineRow.id == line_id)
        owner_path = await self.session.scalar(query)
        if owner_path is None:
            raise not_found()
        row = LineReferenceRow(
            line_id=line_id, reference=reference, operation_id=operation_id, owner_path=owner_path
        )
        used = StateConflict("This reference was used for another renewal of the line.")
        taken = ("pk_line_references", "uq_line_references_line_id_reference")
        await self.insert(row, dict.fromkeys(taken, used))

    async def delete_reference(self, operation_id: OperationId) -> None:
        """Remove what this operation kept, if anything."""
        await self.change(
            sa.delete(LineReferenceRow).where(LineReferenceRow.operation_id == operation_id)
        )


def _filtered(criteria: LineFilter, now: datetime) -> sa.Select[LineRow]:
    """Return the query of the lines that *criteria* describe."""
    username = criteria.username
    equal = (
        (LineRow.external_id, criteria.external_id),
        (LineRow.username_norm, None if username is None else normal_username(username)),
        (LineRow.plan_id, criteria.plan_id),
        (LineRow.reseller_id, criteria.reseller_id),
    )
    query = sa.select(LineRow)
    for column, value in equal:
        if value is not None:
            query = query.where(column == value)
    if criteria.state is not None:
        query = query.where(in_state(criteria.state, now))
    if criteria.expires_before is not None:
        query = query.where(LineRow.expires_at < criteria.expires_before)
    if criteria.expires_after is not None:
        query = query.where(LineRow.expires_at > criteria.expires_after)
    if criteria.updated_since is not None:
        query = query.where(LineRow.updated_at >= criteria.updated_since)
    if criteria.q:
        query = query.where(with_prefix(criteria.q))
    return query
