"""What can be sold: bouquets, and what a panel says its accounts have left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ids import PanelId


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelBouquet:
    """A bouquet of a panel, as the operator named it."""

    panel_id: PanelId
    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelBalance:
    """What a panel said that a reseller's account has left, when it was last asked.

    `balance` is a decimal text; None where the panel has no such account, or could not be asked.
    """

    panel_id: PanelId
    balance: str | None
    observed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """A reseller's credits. `balance`, `held` and `low_threshold` are None without a ledger."""

    balance: str | None
    held: str | None
    panel_balances: tuple[PanelBalance, ...]
    low_threshold: str | None
