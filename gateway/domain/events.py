"""Events: what happened, for other systems to learn without asking.

An event is written in the transaction of the change that it tells of. Those of one resource are
numbered 1, 2, 3, … without a gap, in the order in which they were committed. No event holds a
password, a key or anything else that is sealed at rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from gateway.domain.ids import EventId, PanelId, ResellerId

#: For how long events can be asked for.
KEPT_FOR: Final = timedelta(days=30)


class EventType(StrEnum):
    """What happened; `MEANINGS` says what each means. The part before the dot is the noun."""

    LINE_CREATED = "line.created"
    LINE_UPDATED = "line.updated"
    LINE_RENEWED = "line.renewed"
    LINE_EXPIRING = "line.expiring"
    LINE_EXPIRED = "line.expired"
    LINE_SUSPENDED = "line.suspended"
    LINE_RESUMED = "line.resumed"
    LINE_TERMINATED = "line.terminated"
    LINE_DRIFTED = "line.drifted"
    DEVICE_CREATED = "device.created"
    DEVICE_UPDATED = "device.updated"
    DEVICE_RENEWED = "device.renewed"
    DEVICE_EXPIRING = "device.expiring"
    DEVICE_EXPIRED = "device.expired"
    DEVICE_SUSPENDED = "device.suspended"
    DEVICE_RESUMED = "device.resumed"
    DEVICE_TERMINATED = "device.terminated"
    DEVICE_DRIFTED = "device.drifted"
    CREDITS_LOW = "credits.low"
    CREDITS_CHANGED = "credits.changed"
    OPERATION_SUCCEEDED = "operation.succeeded"
    OPERATION_FAILED = "operation.failed"
    OPERATION_NEEDS_ATTENTION = "operation.needs_attention"
    RESELLER_SUSPENDED = "reseller.suspended"
    RESELLER_RESUMED = "reseller.resumed"
    PANEL_DOWN = "panel.down"
    PANEL_UP = "panel.up"
    PANEL_BANNED_US = "panel.banned_us"
    WEBHOOK_ENDPOINT_DISABLED = "webhook_endpoint.disabled"
    AUDIT_CHECKPOINT = "audit.checkpoint"


#: What each type says.
MEANINGS: Final = MappingProxyType(
    {
        EventType.LINE_CREATED: "A line came to be: created or imported.",
        EventType.LINE_UPDATED: "Anything else of it changed, such as its password.",
        EventType.LINE_RENEWED: "It has a new expiry.",
        EventType.LINE_EXPIRING: "A mark of its reseller's policy before its expiry was reached.",
        EventType.LINE_EXPIRED: "Its expiry has passed.",
        EventType.LINE_SUSPENDED: "It was stopped for a while.",
        EventType.LINE_RESUMED: "It goes on.",
        EventType.LINE_TERMINATED: "It was ended for good.",
        EventType.LINE_DRIFTED: "Its panel holds something else of it than we do.",
        EventType.DEVICE_CREATED: "A device came to be: created or imported.",
        EventType.DEVICE_UPDATED: "Anything else of it changed.",
        EventType.DEVICE_RENEWED: "It has a new expiry.",
        EventType.DEVICE_EXPIRING: "A mark of its reseller's policy before its expiry was reached.",
        EventType.DEVICE_EXPIRED: "Its expiry has passed.",
        EventType.DEVICE_SUSPENDED: "It was stopped for a while.",
        EventType.DEVICE_RESUMED: "It goes on.",
        EventType.DEVICE_TERMINATED: "It was ended for good.",
        EventType.DEVICE_DRIFTED: "Its panel holds something else of it than we do.",
        EventType.CREDITS_LOW: "What a reseller has left on a panel fell to its threshold.",
        EventType.CREDITS_CHANGED: "The balance that the gateway keeps of a reseller changed.",
        EventType.OPERATION_SUCCEEDED: "A change was made, and seen on the panel.",
        EventType.OPERATION_FAILED: "A change surely was not made.",
        EventType.OPERATION_NEEDS_ATTENTION: "Nobody but a person can tell what came of a change.",
        EventType.RESELLER_SUSPENDED: "A reseller, and all below it, may change nothing any more.",
        EventType.RESELLER_RESUMED: "A reseller may go on.",
        EventType.PANEL_DOWN: "A panel does not answer, and is left alone for a while.",
        EventType.PANEL_UP: "A panel answers again.",
        EventType.PANEL_BANNED_US: "A panel's firewall refuses the gateway.",
        EventType.WEBHOOK_ENDPOINT_DISABLED: "A webhook endpoint gets no more events.",
        EventType.AUDIT_CHECKPOINT: "The audit log was signed.",
    }
)


class EventOrder(StrEnum):
    """In which order events are listed."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to one resource.

    `resource_id`: the line, device, operation, reseller, panel or endpoint that it happened to.
    `sequence`: 1 for the first event of the resource; the store gives it, and 0 is none yet.
    `data`: what the resource was just after, as JSON; what is sent has `sequence` in it, too.
    `owner_path`: who may see it.
    """

    id: EventId
    type: EventType
    resource_id: str
    panel_id: PanelId | None
    reseller_id: ResellerId | None
    owner_path: str
    at: datetime
    data: dict[str, Any]
    sequence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events to list; None does not narrow.

    `after_id`: those that came after this one. If it is not kept any more, or never was, all that
    are kept came after it.
    """

    type: EventType | None = None
    resource_id: str | None = None
    reseller_id: ResellerId | None = None
    since: datetime | None = None
    after_id: str | None = None
    order: EventOrder = EventOrder.NEWEST


def payload_of(event: Event) -> dict[str, Any]:
    """Return what is sent of an event: the body of Standard Webhooks."""
    return {
        "type": event.type.value,
        "timestamp": event.at.isoformat().replace("+00:00", "Z"),
        "data": data_of(event),
    }


def data_of(event: Event) -> dict[str, Any]:
    """Return the resource just after the event, with its sequence."""
    return event.data | {"sequence": event.sequence}
