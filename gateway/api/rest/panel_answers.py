"""What is shown of panels; `api_pass` never is."""

from __future__ import annotations

from gateway.api.rest.shapes import Number, Out, Time, number
from gateway.domain.panels import Budget, CreditMode, Panel, Probe, SuspendBy


class TlsOut(Out, frozen=True, kw_only=True):
    """How the panel's certificate is checked."""

    verify: bool
    ca_pem: str | None


class FloodGuardOut(Out, frozen=True, kw_only=True):
    """At most `calls` in a row with gaps under `gap_seconds`."""

    calls: int
    gap_seconds: Number


class BudgetOut(Out, frozen=True, kw_only=True):
    """What the gateway may ask of the panel."""

    calls_per_second: Number
    burst: int
    in_flight: int
    flood_guard: FloodGuardOut | None


class BouquetOut(Out, frozen=True, kw_only=True):
    """A group of channels; `id` is the panel's."""

    id: int
    name: str


class ProbeWarningOut(Out, frozen=True, kw_only=True):
    """One thing that a probe found wrong."""

    code: str
    detail: str


class ProbeOut(Out, frozen=True, kw_only=True):
    """What a read-only probe learned. Null: not known."""

    reachable: bool
    dialect: str | None
    firewall: bool | None
    credits: bool | None
    warnings: tuple[ProbeWarningOut, ...]
    checked_at: Time


class PanelOut(Out, frozen=True, kw_only=True):
    """An upstream server. Its api_pass is never shown, only whether there is one."""

    id: str
    object: str = "panel"
    name: str
    dialect: str
    base_url: str
    has_api_pass: bool
    tls: TlsOut
    budget: BudgetOut
    settle_seconds: int
    suspend_by: SuspendBy | None
    credit_mode: CreditMode
    bouquets: tuple[BouquetOut, ...]
    extra_columns: tuple[str, ...]
    creates_devices: bool
    probe: ProbeOut | None
    version: int
    created_at: Time
    updated_at: Time


def panel_out(panel: Panel) -> PanelOut:
    """Return the public shape of *panel*."""
    return PanelOut(
        id=panel.id,
        name=panel.name,
        dialect=panel.dialect,
        base_url=panel.base_url,
        has_api_pass=panel.api_pass is not None,
        tls=TlsOut(verify=panel.tls.verify, ca_pem=panel.tls.ca_pem),
        budget=_budget_out(panel.budget),
        settle_seconds=panel.settle_seconds,
        suspend_by=panel.suspend_by,
        credit_mode=panel.credit_mode,
        bouquets=tuple(BouquetOut(id=each.id, name=each.name) for each in panel.bouquets),
        extra_columns=panel.extra_columns,
        creates_devices=panel.creates_devices,
        probe=None if panel.probe is None else probe_out(panel.probe),
        version=panel.version,
        created_at=panel.created_at,
        updated_at=panel.updated_at,
    )


def probe_out(probe: Probe) -> ProbeOut:
    """Return the public shape of what a probe learned."""
    return ProbeOut(
        reachable=probe.reachable,
        dialect=probe.dialect,
        firewall=probe.firewall,
        credits=probe.credits,
        warnings=tuple(
            ProbeWarningOut(code=warning.code, detail=warning.detail) for warning in probe.warnings
        ),
        checked_at=probe.checked_at,
    )


def _budget_out(budget: Budget) -> BudgetOut:
    guard = budget.flood_guard
    return BudgetOut(
        calls_per_second=number(budget.calls_per_second),
        burst=budget.burst,
        in_flight=budget.in_flight,
        flood_guard=None
        if guard is None
        else FloodGuardOut(calls=guard.calls, gap_seconds=number(guard.gap_seconds)),
    )
