"""A reseller: a tenant who owns lines, and the policy that bounds what it may ask for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.calls import UNCHANGED, Unchanged
from gateway.domain.ids import PanelId, ResellerId


class ResellerState(StrEnum):
    """A suspended reseller reads, but changes nothing."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelAccount:
    """The reseller's account on a panel; `member_id` is the panel's number of it."""

    panel_id: PanelId
    member_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a reseller may ask for. A None limit means no limit.

    `panel_ids` None: all panels on which the reseller has an account. `bouquet_ids`: per panel,
    those that may be used; None allows all, a panel that is not named allows none.
    """

    panel_ids: tuple[PanelId, ...] | None = None
    bouquet_ids: dict[str, tuple[int, ...]] | None = None
    max_connections: int | None = 1
    max_lines: int | None = None
    max_devices: int | None = None
    trials_per_day: int | None = 0
    may_restream: bool = False
    may_never_expire: bool = False
    subscriber_may: tuple[str, ...] = ("rotate_password",)
    expiring_marks: tuple[str, ...] = ("P7D", "P1D")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reseller:
    """A tenant. `owner_path` is `/` for the operator's own, `/rsl_a/rsl_b/` for a sub-reseller."""

    id: ResellerId
    name: str
    parent_id: ResellerId | None
    owner_path: str
    state: ResellerState
    panel_accounts: tuple[PanelAccount, ...]
    policy: Policy
    metadata: dict[str, str] = field(default_factory=dict)
    version: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def panel_ids(self) -> tuple[PanelId, ...]:
        """Return the panels that this reseller may use."""
        if self.policy.panel_ids is not None:
            return self.policy.panel_ids
        return tuple(account.panel_id for account in self.panel_accounts)

    @property
    def effective_policy(self) -> Policy:
        """Return the policy with its panels named."""
        return replace(self.policy, panel_ids=self.panel_ids)

    def member_id_on(self, panel_id: PanelId) -> int | None:
        """Return this reseller's account number on a panel, or None without account."""
        return next((a.member_id for a in self.panel_accounts if a.panel_id == panel_id), None)


def owner_path(parent_path: str, reseller_id: ResellerId) -> str:
    """Return the path of a reseller below *parent_path*."""
    return f"{parent_path}{reseller_id}/"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReseller:
    """A reseller to make."""

    name: str
    parent_id: ResellerId | None = None
    panel_accounts: tuple[PanelAccount, ...] = ()
    policy: Policy
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResellerChanges:
    """A merge patch of a reseller; `policy` merges member by member, `metadata` key by key."""

    name: str | Unchanged = UNCHANGED
    panel_accounts: tuple[PanelAccount, ...] | Unchanged = UNCHANGED
    policy: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str | None] | Unchanged = UNCHANGED
