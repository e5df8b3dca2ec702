"""Credit alerts: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows_credits import CreditAlertRow
from gateway.domain.catalog import CreditAlert
from gateway.domain.errors import StateConflict
from gateway.domain.ids import PanelId, ResellerId

if TYPE_CHECKING:
    from gateway.domain.resellers import Reseller


class SqlCreditAlerts(Repository):
    """The port CreditAlerts."""

    __slots__ = ()

    async def find(self, reseller_id: ResellerId) -> CreditAlert | None:
        """Return one; in a write transaction others who look wait until this one ends."""
        query = sa.select(CreditAlertRow).where(CreditAlertRow.reseller_id == reseller_id)
        if self.writable:
            query = query.with_for_update()
        row = await self.one_or_none(query)
        return None if row is None else _alert_of(row)

    async def list_after(
        self, reseller_id: ResellerId | None, limit: int
    ) -> tuple[CreditAlert, ...]:
        """Return alerts by ascending reseller."""
        query = sa.select(CreditAlertRow).order_by(CreditAlertRow.reseller_id).limit(limit)
        if reseller_id is not None:
            query = query.where(CreditAlertRow.reseller_id > reseller_id)
        return tuple(_alert_of(row) for row in await self.session.scalars(query))

    async def put(self, reseller: Reseller, alert: CreditAlert) -> None:
        """Write it, whether or not there is one. Raises StateConflict in a race of the first."""
        rows, low_on = CreditAlertRow, list(alert.low_on)
        changing = sa.update(rows).where(rows.reseller_id == reseller.id)
        if await self.change(changing.values(low_threshold=alert.low_threshold, low_on=low_on)):
            return
        row = CreditAlertRow(
            reseller_id=reseller.id,
            owner_path=reseller.owner_path,
            low_threshold=alert.low_threshold,
            low_on=low_on,
        )
        there = StateConflict("Another request has just set it.")
        names = ("pk_credit_alerts", "uq_credit_alerts_reseller_id")
        await self.insert(row, dict.fromkeys(names, there))

    async def delete(self, reseller_id: ResellerId) -> None:
        """Remove it, if there is one."""
        await self.change(
            sa.delete(CreditAlertRow).where(CreditAlertRow.reseller_id == reseller_id)
        )


def _alert_of(row: CreditAlertRow) -> CreditAlert:
    return CreditAlert(
        reseller_id=ResellerId(row.reseller_id),
        low_threshold=row.low_threshold,
        low_on=tuple(PanelId(each) for each in row.low_on),
    )
