"""What a line and a device have in common: a subscriber's access on one panel, and its term."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, Self, TypeVar

from gateway.domain.calls import UNCHANGED, LineInfo, Unchanged
from gateway.domain.errors import StateConflict
from gateway.domain.ids import PanelId, ResellerId
from gateway.domain.panels import SuspendBy
from gateway.domain.periods import Period

#: From here on an expiry reads as never on a v2 panel, whose edit cannot write NULL.
SENTINEL: Final = datetime(2038, 1, 1, tzinfo=UTC)


class Status(StrEnum):
    """What we know of its existence; `state` is made from it, the switches and the clock."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    LIVE = "live"
    TERMINATED = "terminated"


class State(StrEnum):
    """What a caller sees; the first that fits, in this order."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    TERMINATED = "terminated"
    BANNED = "banned"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Access to one panel. `expires_at` None: never. `max_connections` None: no limit.

    `version` counts changes of this record (it is the ETag); `epoch` counts everything that may
    make a cached info answer old. `panel_line_id` is the panel's number of the line, which a device
    has behind it as well.
    """

    panel_id: PanelId
    reseller_id: ResellerId | None
    owner_path: str
    external_id: str | None
    plan_id: str | None
    status: Status
    suspended_by: SuspendBy | None
    is_banned: bool
    expires_at: datetime | None
    max_connections: int | None
    bouquet_ids: tuple[int, ...]
    is_trial: bool
    is_restreamer: bool
    allowed_ips: tuple[str, ...]
    allowed_user_agents: tuple[str, ...]
    notes: str
    admin_notes: str
    metadata: dict[str, str]
    member_id: int | None
    force_server_id: int | None
    isp_lock: bool
    extra: dict[str, str]
    panel_line_id: int | None
    version: int
    epoch: int
    created_at: datetime
    updated_at: datetime

    def state_at(self, now: datetime) -> State:
        """Return what a caller sees at *now*."""
        if self.status is not Status.LIVE:
            return State(self.status)
        if self.is_banned:
            return State.BANNED
        if self.suspended_by is not None:
            return State.SUSPENDED
        if self.expires_at is not None and self.expires_at <= now:
            return State.EXPIRED
        return State.ACTIVE

    def state_as_live(self, now: datetime) -> State:
        """Return what a caller would see at *now* if it were on its panel."""
        return replace(self, status=Status.LIVE).state_at(now)

    def must_be_changeable(self) -> None:
        """Refuse changes of what is not there yet, or no more.

        Raises:
            StateConflict: pending, unknown or terminated.
        """
        if self.status is Status.TERMINATED:
            raise StateConflict("It is terminated; that is final.")
        if self.status is not Status.LIVE:
            raise StateConflict("Its creation is not settled yet.")

    def changed(self, now: datetime) -> Self:
        """Return the same one version and one epoch later."""
        return replace(self, version=self.version + 1, epoch=self.epoch + 1, updated_at=now)


SubscriptionT = TypeVar("SubscriptionT", bound=Subscription)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedInfo:
    """An info answer with its age. `stale`: the panel could not be asked again."""

    info: LineInfo
    at: datetime
    age_seconds: int
    stale: bool
    from_cache: bool


class RenewFrom(StrEnum):
    """Where a period starts: at the present expiry, now, or the later of both."""

    EXPIRY = "expiry"
    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Until when: exactly one of a moment, a period, or for ever."""

    expires_at: datetime | None = None
    period: Period | None = None
    counted_from: RenewFrom = RenewFrom.LATER
    never_expires: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubscription:
    """What a caller asks for. None in the operators' part means: not given."""

    panel_id: PanelId | None = None
    external_id: str | None = None
    term: Term
    max_connections: int | None = 1
    bouquet_ids: tuple[int, ...] = ()
    is_trial: bool = False
    is_restreamer: bool = False
    allowed_ips: tuple[str, ...] = ()
    notes: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    # For operators only.
    reseller_id: ResellerId | None = None
    member_id: int | None = None
    force_server_id: int | None = None
    isp_lock: bool | None = None
    enabled: bool | None = None
    admin_enabled: bool | None = None
    admin_notes: str | None = None
    extra: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A merge patch of a line or a device: only what is not UNCHANGED changes.

    `metadata` merges key by key; a None value removes the key.
    """

    external_id: str | Unchanged | None = UNCHANGED
    expires_at: datetime | Unchanged | None = UNCHANGED
    max_connections: int | Unchanged | None = UNCHANGED
    bouquet_ids: tuple[int, ...] | Unchanged = UNCHANGED
    is_trial: bool | Unchanged = UNCHANGED
    is_restreamer: bool | Unchanged = UNCHANGED
    allowed_ips: tuple[str, ...] | Unchanged = UNCHANGED
    allowed_user_agents: tuple[str, ...] | Unchanged = UNCHANGED
    notes: str | Unchanged = UNCHANGED
    metadata: dict[str, str | None] | Unchanged = UNCHANGED
    # For operators only; expires_at above too.
    member_id: int | Unchanged = UNCHANGED
    force_server_id: int | Unchanged | None = UNCHANGED
    isp_lock: bool | Unchanged = UNCHANGED
    enabled: bool | Unchanged = UNCHANGED
    admin_enabled: bool | Unchanged = UNCHANGED
    admin_notes: str | Unchanged = UNCHANGED
    extra: dict[str, str] | Unchanged = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which lines or devices to list; None does not narrow. `q`: a case-folded prefix."""

    state: State | None = None
    external_id: str | None = None
    plan_id: str | None = None
    expires_before: datetime | None = None
    expires_after: datetime | None = None
    updated_since: datetime | None = None
    reseller_id: ResellerId | None = None
    q: str | None = None
