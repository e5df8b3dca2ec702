"""What was last told of panels: queries."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_events import PanelStateRow
from gateway.domain.errors import StateConflict
from gateway.domain.ids import PanelId
from gateway.domain.panel_states import PanelState, ToldState

_THERE: Final = ("pk_panel_states", "uq_panel_states_panel_id")


class SqlPanelStates(Repository):
    """The port PanelStates."""

    __slots__ = ()

    async def change_to(self, told: ToldState) -> bool:
        """Write it if it is another state, in one statement; the first one is inserted."""
        rows, state = PanelStateRow, told.state.value
        moving = sa.update(rows).where(rows.panel_id == told.panel_id, rows.state != state)
        if await self.change(moving.values(state=state, at=told.at)):
            return True
        known = await self.session.scalar(
            sa.select(rows.state).where(rows.panel_id == told.panel_id)
        )
        if known is not None or told.state is PanelState.UP:
            return False
        row = PanelStateRow(panel_id=told.panel_id, state=state, at=told.at)
        there = StateConflict("Another process has told of it first.")
        try:
            await self.insert(row, dict.fromkeys(_THERE, there))
        except StateConflict:
            return False
        return True

    async def list_unwell(self, limit: int) -> tuple[ToldState, ...]:
        """Return those that are not up, the longest first."""
        rows = PanelStateRow
        query = sa.select(rows).where(rows.state != PanelState.UP.value)
        found = await self.session.scalars(query.order_by(rows.at).limit(limit))
        return tuple(
            ToldState(panel_id=PanelId(row.panel_id), state=PanelState(row.state), at=row.at)
            for row in found
        )
