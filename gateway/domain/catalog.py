"""What can be sold: bouquets, and what a panel says its accounts have left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.ids import PanelId, ResellerId


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
    """A reseller's credits. `balance` and `held` are None without a ledger.

    `low_threshold` None: it has set none.
    """

    balance: str | None
    held: str | None
    panel_balances: tuple[PanelBalance, ...]
    low_threshold: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Below what a reseller is told that its credits are low; None: never."""

    reseller_id: ResellerId
    low_threshold: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditAlert:
    """A threshold that is set, and the panels on which it was told and nothing has risen since."""

    reseller_id: ResellerId
    low_threshold: str
    low_on: tuple[PanelId, ...] = ()
