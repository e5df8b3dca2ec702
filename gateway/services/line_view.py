"""A line together with what its panel last said: the panel's word on what it decides."""

from __future__ import annotations

from dataclasses import replace

from gateway.domain.calls import LineInfo
from gateway.domain.lines import Line, LineStatus, ObservedInfo, ObservedLine
from gateway.domain.panels import SuspendBy


def overlaid(line: Line, observed: ObservedInfo) -> ObservedLine:
    """Return *line* as its panel holds it.

    The registry keeps what was asked; the panel may have been changed by others since. Both only
    differ then: every change of ours is read back before it counts as done.
    """
    if line.status is not LineStatus.LIVE:
        return ObservedLine(line=line, info=observed)
    info = observed.info
    shown = replace(
        line,
        expires_at=info.expires_at,
        max_connections=info.max_connections,
        is_banned=not info.admin_enabled,
        suspended_by=_suspended_by(line, info),
        is_trial=info.is_trial,
        is_restreamer=info.is_restreamer,
        bouquet_ids=_bouquets(line, info),
    )
    return ObservedLine(line=shown, info=observed)


def _suspended_by(line: Line, info: LineInfo) -> SuspendBy | None:
    if not info.enabled:
        return SuspendBy.ENABLED
    return SuspendBy.BOUQUETS if line.suspended_by is SuspendBy.BOUQUETS else None


def _bouquets(line: Line, info: LineInfo) -> tuple[int, ...]:
    """Return the panel's list, except where we took it away to suspend the line."""
    if info.bouquet_ids is None or line.suspended_by is SuspendBy.BOUQUETS:
        return line.bouquet_ids
    return info.bouquet_ids
