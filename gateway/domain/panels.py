"""A panel: an upstream Xtream-style server, and what we know of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.calls import UNCHANGED, Unchanged
from gateway.domain.ids import PanelId
from gateway.domain.secrets import Secret


class SuspendBy(StrEnum):
    """How a line is suspended: by its switch, or by taking its bouquets away."""

    ENABLED = "enabled"
    BOUQUETS = "bouquets"


class CreditMode(StrEnum):
    """Who keeps the resellers' balance."""

    LEDGER = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How the panel's certificate is checked. `ca_pem`: own authority, not the public ones."""

    verify: bool = True
    ca_pem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodGuard:
    """At most `calls` in a row with gaps under `gap_seconds`; then a longer pause."""

    calls: int = 30
    gap_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What we may ask of a panel. The defaults stay under its shipped limits."""

    calls_per_second: float = 5.0
    burst: int = 5
    in_flight: int = 4
    flood_guard: FloodGuard | None = field(default_factory=FloodGuard)

    def merged(self, changes: dict[str, Any]) -> Budget:
        """Return this budget with the members in *changes*; see PanelChanges."""
        guard = changes.get("flood_guard")
        if guard is not None:
            present = self.flood_guard or FloodGuard()
            changes = changes | {"flood_guard": replace(present, **guard)}
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bouquet:
    """A group of channels as the operator names it; `id` is the panel's."""

    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeWarning:
    """One thing that a probe found wrong."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a read-only probe learned. None: not known."""

    reachable: bool
    dialect: str | None
    firewall: bool | None
    credits: bool | None
    warnings: tuple[ProbeWarning, ...]
    checked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """An upstream server with `api.php`. `base_url` has no trailing slash.

    `creates_devices` False: it said that it made a device, and had made the line behind it only.
    """

    id: PanelId
    name: str
    dialect: str
    base_url: str
    api_pass: Secret | None
    tls: Tls
    budget: Budget
    settle_seconds: int
    suspend_by: SuspendBy | None
    credit_mode: CreditMode
    bouquets: tuple[Bouquet, ...]
    extra_columns: tuple[str, ...]
    creates_devices: bool
    probe: Probe | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def suspends_lines_by(self) -> SuspendBy:
        """Return how lines are suspended: as set, else by what the probe found.

        Behind the panel's request firewall a disabled line could not be resumed (it answers 404).
        """
        if self.suspend_by is not None:
            return self.suspend_by
        gated = self.probe is not None and self.probe.firewall
        return SuspendBy.BOUQUETS if gated else SuspendBy.ENABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPanel:
    """A panel to add. `settle_seconds` None: the setting's default."""

    name: str
    dialect: str
    base_url: str
    api_pass: Secret | None = None
    tls: Tls = field(default_factory=Tls)
    budget: Budget = field(default_factory=Budget)
    settle_seconds: int | None = None
    suspend_by: SuspendBy | None = None
    credit_mode: CreditMode = CreditMode.LEDGER
    bouquets: tuple[Bouquet, ...] = ()
    extra_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelChanges:
    """A merge patch of a panel; `tls` and `budget` hold the members that change.

    `budget["flood_guard"]` is None or, again, the members that change.
    """

    name: str | Unchanged = UNCHANGED
    base_url: str | Unchanged = UNCHANGED
    api_pass: Secret | Unchanged | None = UNCHANGED
    tls: dict[str, Any] = field(default_factory=dict)
    budget: dict[str, Any] = field(default_factory=dict)
    settle_seconds: int | Unchanged = UNCHANGED
    suspend_by: SuspendBy | Unchanged | None = UNCHANGED
    bouquets: tuple[Bouquet, ...] | Unchanged = UNCHANGED
    extra_columns: tuple[str, ...] | Unchanged = UNCHANGED
    creates_devices: bool | Unchanged = UNCHANGED
