"""A line or a device as its panel last said: the panel's word on what it decides."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.calls import LineInfo
from gateway.domain.panels import SuspendBy
from gateway.domain.subscriptions import ObservedInfo, Status, Subscription, SubscriptionT


def overlaid(resource: SubscriptionT, observed: ObservedInfo) -> SubscriptionT:
    """Return *resource* as its panel holds it.

    The registry keeps what was asked; the panel may have been changed by others since. Both only
    differ then: every change of ours is read back before it counts as done.
    """
    if resource.status is not Status.LIVE:
        return resource
    info = observed.info
    return replace(
        resource,
        expires_at=info.expires_at,
        max_connections=info.max_connections,
        is_banned=not info.admin_enabled,
        suspended_by=_suspended_by(resource, info),
        is_trial=info.is_trial,
        is_restreamer=info.is_restreamer,
        bouquet_ids=_bouquets(resource, info),
    )


def _suspended_by(resource: Subscription, info: LineInfo) -> SuspendBy | None:
    if not info.enabled:
        return SuspendBy.ENABLED
    return SuspendBy.BOUQUETS if resource.suspended_by is SuspendBy.BOUQUETS else None


def _bouquets(resource: Subscription, info: LineInfo) -> tuple[int, ...]:
    """Return the panel's list, except where we took it away to suspend."""
    if info.bouquet_ids is None or resource.suspended_by is SuspendBy.BOUQUETS:
        return resource.bouquet_ids
    return info.bouquet_ids
