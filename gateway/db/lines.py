"""Lines: their own columns, and queries by username."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from gateway.db import subscription_rows
from gateway.db.rows_lines import LineReferenceRow, LineRow
from gateway.db.subscription_rows import in_state
from gateway.db.subscriptions import SqlSubscriptions
from gateway.domain.errors import GatewayError, UsernameTaken
from gateway.domain.ids import LineId
from gateway.domain.lines import Line, normal_username
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import State

if TYPE_CHECKING:
    from datetime import datetime

    from gateway.domain.ids import PanelId
    from gateway.domain.lines import LineFilter
    from gateway.domain.paging import Page, PageRequest
    from gateway.services.ports.sealer import Sealer


class SqlLines(SqlSubscriptions[Line, LineRow]):
    """The port Lines."""

    __slots__ = ()

    reference_rows = LineReferenceRow
    reference_used = ("pk_line_references", "uq_line_references_line_id_reference")

    @property
    def rows(self) -> type[LineRow]:
        """Return the class of the rows."""
        return LineRow

    async def find_by_username(self, panel_id: PanelId, username: str) -> Line | None:
        """Return the line of this username in its normal form."""
        return await self.found(
            LineRow.panel_id == panel_id, LineRow.username_norm == normal_username(username)
        )

    async def list_by_username(self, username: str) -> tuple[Line, ...]:
        """Return the lines of this username in its normal form, newest first."""
        return await self.all_found(LineRow.username_norm == normal_username(username))

    async def list_controls(
        self, panel_id: PanelId, now: datetime, *, but: str, limit: int
    ) -> tuple[Line, ...]:
        """Return active lines of a panel, newest first."""
        query = (
            sa.select(LineRow)
            .where(
                LineRow.panel_id == panel_id,
                LineRow.id != but,
                in_state(LineRow, State.ACTIVE, now),
            )
            .order_by(LineRow.id.desc())
            .limit(limit)
        )
        found = await self.session.scalars(query)
        return tuple(self.resource_of(row) for row in found)

    async def list(self, criteria: LineFilter, page: PageRequest, now: datetime) -> Page[Line]:
        """Return lines, newest first."""
        if criteria.username is None:
            return await self.listed(criteria, page, now)
        named = LineRow.username_norm == normal_username(criteria.username)
        return await self.listed(criteria, page, now, named)

    def resource_of(self, row: LineRow) -> Line:
        """Return the line that a row holds."""
        password = self.sealer.unseal(row.password, _place(row.id)).decode()
        return Line(
            id=LineId(row.id),
            username=row.username,
            password=Secret(password),
            **subscription_rows.members_of(row),
        )

    def columns_of(self, resource: Line) -> dict[str, Any]:
        """Return all columns of a line's row."""
        return columns_of(resource, self.sealer)

    def taken(self) -> dict[str, GatewayError]:
        """Return the refusal of a username."""
        taken = UsernameTaken("This username is taken on the panel.")
        return {"uq_lines_panel_id_username_norm": taken}

    def prefixes(self, q: str) -> dict[str, str]:
        """Search usernames and external ids, whatever the case."""
        start = normal_username(q)
        return {"username_norm": start, "external_id_norm": start}


def columns_of(line: Line, sealer: Sealer) -> dict[str, Any]:
    """Return all columns of a line's row."""
    return subscription_rows.columns_of(line) | {
        "id": line.id,
        "username": line.username,
        "username_norm": normal_username(line.username),
        "password": sealer.seal(line.password.reveal().encode(), _place(line.id)),
    }


def _place(line_id: str) -> str:
    return f"lines.password:{line_id}"
