"""Resellers: queries, and their mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from gateway.db.repository import Repository, not_found
from gateway.db.rows import ResellerRow
from gateway.db.scope_guard import WITH_ANCESTORS, ancestors_of
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.paging import page_of
from gateway.domain.resellers import PanelAccount, Policy, Reseller, ResellerState

if TYPE_CHECKING:
    from gateway.domain.paging import Page, PageRequest

_FIXED: Final = frozenset({"id", "owner_path", "parent_id", "created_at"})


class SqlResellers(Repository):
    """The port Resellers."""

    __slots__ = ()

    async def get(self, reseller_id: ResellerId) -> Reseller:
        """Return a reseller. Raises NotFound."""
        return _reseller_of(
            await self.one(sa.select(ResellerRow).where(ResellerRow.id == reseller_id))
        )

    async def is_suspended(self, owner_path: str) -> bool:
        """Tell of *owner_path* and those above it, who may lie above the scope as well."""
        query = sa.select(ResellerRow.id).where(
            ResellerRow.owner_path.in_([*ancestors_of(owner_path), owner_path]),
            ResellerRow.state == ResellerState.SUSPENDED.value,
        )
        found = await self.session.scalar(query.limit(1), execution_options={WITH_ANCESTORS: True})
        return found is not None

    async def list(self, page: PageRequest) -> Page[Reseller]:
        """Return resellers, newest first."""
        rows = await self.page(sa.select(ResellerRow), ResellerRow.id.expression, page)
        return page_of([_reseller_of(row) for row in rows], page)

    async def add(self, reseller: Reseller) -> None:
        """Insert."""
        await self.insert(ResellerRow(**_columns_of(reseller)))

    async def save(self, reseller: Reseller, *, expected_version: int | None = None) -> None:
        """Write the whole row but its place in the tree. Raises NotFound, VersionMismatch."""
        columns = _columns_of(reseller)
        values = {name: value for name, value in columns.items() if name not in _FIXED}
        await self.save_version(ResellerRow, reseller.id, values, expected_version=expected_version)

    async def lock(self, reseller_id: ResellerId) -> None:
        """Lock the row on PostgreSQL; on SQLite a write transaction is alone anyway.

        Not the key: others may still insert rows that refer to it. Raises NotFound.
        """
        query = sa.select(ResellerRow.id).where(ResellerRow.id == reseller_id)
        if await self.session.scalar(query.with_for_update(key_share=True)) is None:
            raise not_found()


def _reseller_of(row: ResellerRow) -> Reseller:
    return Reseller(
        id=ResellerId(row.id),
        name=row.name,
        parent_id=None if row.parent_id is None else ResellerId(row.parent_id),
        owner_path=row.owner_path,
        state=ResellerState(row.state),
        panel_accounts=tuple(
            PanelAccount(panel_id=PanelId(it["panel_id"]), member_id=it["member_id"])
            for it in row.panel_accounts
        ),
        policy=_policy_of(row.policy),
        metadata=row.labels,
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _columns_of(reseller: Reseller) -> dict[str, Any]:
    return {
        "id": reseller.id,
        "name": reseller.name,
        "parent_id": reseller.parent_id,
        "owner_path": reseller.owner_path,
        "state": reseller.state.value,
        "panel_accounts": [
            {"panel_id": it.panel_id, "member_id": it.member_id} for it in reseller.panel_accounts
        ],
        "policy": _json_of(reseller.policy),
        "labels": reseller.metadata,
        "version": reseller.version,
        "created_at": reseller.created_at,
        "updated_at": reseller.updated_at,
    }


def _policy_of(data: dict[str, Any]) -> Policy:
    bouquets, panels = data["bouquet_ids"], data["panel_ids"]
    return Policy(
        panel_ids=None if panels is None else tuple(PanelId(it) for it in panels),
        bouquet_ids=(
            None if bouquets is None else {panel: tuple(ids) for panel, ids in bouquets.items()}
        ),
        max_connections=data["max_connections"],
        max_lines=data["max_lines"],
        max_devices=data["max_devices"],
        trials_per_day=data["trials_per_day"],
        may_restream=data["may_restream"],
        may_never_expire=data["may_never_expire"],
        subscriber_may=tuple(data["subscriber_may"]),
        expiring_marks=tuple(data["expiring_marks"]),
    )


def _json_of(policy: Policy) -> dict[str, Any]:
    bouquets = policy.bouquet_ids
    return {
        "panel_ids": None if policy.panel_ids is None else list(policy.panel_ids),
        "bouquet_ids": (
            None if bouquets is None else {panel: list(ids) for panel, ids in bouquets.items()}
        ),
        "max_connections": policy.max_connections,
        "max_lines": policy.max_lines,
        "max_devices": policy.max_devices,
        "trials_per_day": policy.trials_per_day,
        "may_restream": policy.may_restream,
        "may_never_expire": policy.may_never_expire,
        "subscriber_may": list(policy.subscriber_may),
        "expiring_marks": list(policy.expiring_marks),
    }
