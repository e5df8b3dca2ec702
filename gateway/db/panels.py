"""Panels: queries, and their mapping. They have no owner: services decide who may see them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository
from gateway.db.rows import PanelRow
from gateway.domain.ids import PanelId
from gateway.domain.paging import page_of
from gateway.domain.panels import (
    Bouquet,
    Budget,
    CreditMode,
    FloodGuard,
    Panel,
    Probe,
    ProbeWarning,
    SuspendBy,
    Tls,
)
from gateway.domain.secrets import Secret

if TYPE_CHECKING:
    from gateway.domain.paging import Page, PageRequest
    from gateway.services.ports.sealer import Sealer

_FIXED: Final = frozenset({"id", "created_at"})


class SqlPanels(Repository):
    """The port PanelRows."""

    __slots__ = ()

    async def get(self, panel_id: PanelId) -> Panel:
        """Return a panel. Raises NotFound."""
        row = await self.one(sa.select(PanelRow).where(PanelRow.id == panel_id))
        return _panel_of(row, self.sealer)

    async def list(self, page: PageRequest) -> Page[Panel]:
        """Return panels, newest first."""
        rows = await self.page(sa.select(PanelRow), PanelRow.id.expression, page)
        return page_of([_panel_of(row, self.sealer) for row in rows], page)

    async def add(self, panel: Panel) -> None:
        """Insert."""
        await self.insert(PanelRow(**_columns_of(panel, self.sealer)))

    async def save(self, panel: Panel, *, expected_version: int | None = None) -> None:
        """Write the whole row. Raises NotFound, VersionMismatch."""
        columns = _columns_of(panel, self.sealer)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(PanelRow, panel.id, values, expected_version=expected_version)


def _place(panel_id: str) -> str:
    return f"panels.api_pass:{panel_id}"


def _panel_of(row: PanelRow, sealer: Sealer) -> Panel:
    sealed = row.api_pass
    return Panel(
        id=PanelId(row.id),
        name=row.name,
        dialect=row.dialect,
        base_url=row.base_url,
        api_pass=(
            None if sealed is None else Secret(sealer.unseal(sealed, _place(row.id)).decode())
        ),
        tls=Tls(verify=row.tls_verify, ca_pem=row.tls_ca_pem),
        budget=_budget_of(row.budget),
        settle_seconds=row.settle_seconds,
        suspend_by=None if row.suspend_by is None else SuspendBy(row.suspend_by),
        credit_mode=CreditMode(row.credit_mode),
        bouquets=tuple(Bouquet(id=it["id"], name=it["name"]) for it in row.bouquets),
        extra_columns=tuple(row.extra_columns),
        creates_devices=row.creates_devices,
        probe=None if row.probe is None else _probe_of(row.probe),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _columns_of(panel: Panel, sealer: Sealer) -> dict[str, Any]:
    secret = panel.api_pass
    return {
        "id": panel.id,
        "name": panel.name,
        "dialect": panel.dialect,
        "base_url": panel.base_url,
        "api_pass": (
            None if secret is None else sealer.seal(secret.reveal().encode(), _place(panel.id))
        ),
        "tls_verify": panel.tls.verify,
        "tls_ca_pem": panel.tls.ca_pem,
        "budget": _budget_json(panel.budget),
        "settle_seconds": panel.settle_seconds,
        "suspend_by": None if panel.suspend_by is None else panel.suspend_by.value,
        "credit_mode": panel.credit_mode.value,
        "bouquets": [{"id": it.id, "name": it.name} for it in panel.bouquets],
        "extra_columns": list(panel.extra_columns),
        "creates_devices": panel.creates_devices,
        "probe": None if panel.probe is None else _probe_json(panel.probe),
        "version": panel.version,
        "created_at": panel.created_at,
        "updated_at": panel.updated_at,
    }


def _budget_of(data: dict[str, Any]) -> Budget:
    guard = data["flood_guard"]
    return Budget(
        calls_per_second=data["calls_per_second"],
        burst=data["burst"],
        in_flight=data["in_flight"],
        flood_guard=(
            None
            if guard is None
            else FloodGuard(calls=guard["calls"], gap_seconds=guard["gap_seconds"])
        ),
    )


def _budget_json(budget: Budget) -> dict[str, Any]:
    guard = budget.flood_guard
    return {
        "calls_per_second": budget.calls_per_second,
        "burst": budget.burst,
        "in_flight": budget.in_flight,
        "flood_guard": (
            None if guard is None else {"calls": guard.calls, "gap_seconds": guard.gap_seconds}
        ),
    }


def _probe_of(data: dict[str, Any]) -> Probe:
    return Probe(
        reachable=data["reachable"],
        dialect=data["dialect"],
        firewall=data["firewall"],
        credits=data["credits"],
        warnings=tuple(
            ProbeWarning(code=it["code"], detail=it["detail"]) for it in data["warnings"]
        ),
        checked_at=datetime.fromisoformat(data["checked_at"]),
    )


def _probe_json(probe: Probe) -> dict[str, Any]:
    return {
        "reachable": probe.reachable,
        "dialect": probe.dialect,
        "firewall": probe.firewall,
        "credits": probe.credits,
        "warnings": [{"code": it.code, "detail": it.detail} for it in probe.warnings],
        "checked_at": probe.checked_at.isoformat(),
    }
