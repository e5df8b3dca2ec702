"""A drift: what we hold of a line or a device, and what its panel holds, are not the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.ids import DriftId, PanelId, ResellerId


class DriftKind(StrEnum):
    """What sort of difference it is."""

    #: It is there, with other values.
    CHANGED = "changed"
    #: The panel does not know it by what we hold, or has a device by half.
    MISSING = "missing"
    #: Another row of the panel answers to its name.
    REPLACED = "replaced"
    #: The panel's firewall hides it, though it should be active.
    HIDDEN = "hidden"
    #: It was terminated here, and is enabled on the panel.
    REVIVED = "revived"
    #: Of a panel: many of its lines and devices differ at once, as after a backup was restored.
    RESTORED = "restored"


class DriftEnd(StrEnum):
    """How a drift ended."""

    #: The panel holds again what we hold, by nobody's doing here.
    ITSELF = "itself"
    #: Our record took the panel's values.
    ADOPTED = "adopted"
    #: The panel was edited back to our record.
    ENFORCED = "enforced"


class DriftState(StrEnum):
    """Whether it is still so, as far as we know."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field, as we hold it and as the panel does. JSON values, times as text; no secrets."""

    field: str
    ours: Any
    theirs: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A difference that was seen. There is at most one open of a resource.

    `first_seen_at` stays while it changes; `closed_at` None: it is open.
    """

    id: DriftId
    kind: DriftKind
    resource_id: str
    panel_id: PanelId
    reseller_id: ResellerId | None
    owner_path: str
    differences: tuple[Difference, ...]
    first_seen_at: datetime
    last_seen_at: datetime
    closed_at: datetime | None = None
    closed_by: DriftEnd | None = None

    @property
    def state(self) -> DriftState:
        """Return whether it is still so."""
        return DriftState.OPEN if self.closed_at is None else DriftState.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFilter:
    """Which drifts to list; None does not narrow."""

    state: DriftState | None = None
    kind: DriftKind | None = None
    resource_id: str | None = None
    panel_id: PanelId | None = None
    reseller_id: ResellerId | None = None
