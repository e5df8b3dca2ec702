"""Writing drifts down: opened when a difference is seen, kept in step, closed when it is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.drifts import Difference, Drift, DriftEnd, DriftKind
from gateway.domain.ids import DriftId, IdKind, PanelId, ResellerId, new_id
from gateway.domain.subscriptions import Subscription
from gateway.services.context import Ports
from gateway.services.noun import AnyNoun
from gateway.services.ports.store import Store
from gateway.services.telling import drift_data, tell_resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Of what a drift is, and whose. `resource`: the line or device; None: it is a panel."""

    resource_id: str
    panel_id: PanelId
    reseller_id: ResellerId | None
    owner_path: str
    resource: Subscription | None = None


def subject_of(noun: AnyNoun, resource: Subscription) -> Subject:
    """Return a line or a device as the subject of a drift."""
    return Subject(
        resource_id=noun.id_of(resource),
        panel_id=resource.panel_id,
        reseller_id=resource.reseller_id,
        owner_path=resource.owner_path,
        resource=resource,
    )


async def write_down(
    store: Store,
    ports: Ports,
    subject: Subject,
    kind: DriftKind,
    differences: tuple[Difference, ...],
    *,
    end: DriftEnd = DriftEnd.ITSELF,
) -> bool:
    """Make the record say what was seen just now; no differences close it, for the reason *end*.

    Returns True where nothing was known of it before; that of a line or a device is told then.
    """
    now = ports.clock.now()
    known = await store.drifts.find_open(subject.resource_id)
    if not differences:
        if known is not None:
            await store.drifts.save(closed(known, now, end))
        return False
    if known is not None:
        seen = replace(known, kind=kind, differences=differences, last_seen_at=now)
        await store.drifts.save(seen)
        return False
    drift = Drift(
        id=DriftId(new_id(IdKind.DRIFT, now, ports.random.bytes)),
        kind=kind,
        resource_id=subject.resource_id,
        panel_id=subject.panel_id,
        reseller_id=subject.reseller_id,
        owner_path=subject.owner_path,
        differences=differences,
        first_seen_at=now,
        last_seen_at=now,
    )
    await store.drifts.add(drift)
    if subject.resource is not None:
        await tell_resource(store, ports, "drifted", subject.resource, drift=drift_data(drift))
    return True


def closed(drift: Drift, now: datetime, end: DriftEnd) -> Drift:
    """Return *drift* as it is when it is over."""
    return replace(drift, closed_at=now, closed_by=end)
