"""Taking deliveries in: verified, stored, and nothing more; and forgetting the old ones."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

from gateway.domain.caller import Permission
from gateway.domain.ids import IdKind, InboundEventId, SourceId, new_id
from gateway.domain.inbound import EVENTS_KEPT, InboundEvent
from gateway.domain.inbound_signatures import is_ping, read, verify
from gateway.services.action import Action, action

SWEEP_BATCH: Final = 500


class Reception(Enum):
    """What came of a delivery."""

    STORED = auto()
    KNOWN = auto()
    PING = auto()


@action("inbound_event.receive", needs=None)
async def receive_event(
    act: Action, source_id: SourceId, headers: Mapping[str, str], body: bytes
) -> Reception:
    """Store an event for the worker. What was sent before is not stored again.

    Args:
        headers: by lower-case name, those that were sent exactly once.

    Raises:
        NotFound: there is no such source.
        Unauthenticated: the signature does not fit, or is too old.
        MalformedBody: it is signed, but no event.
    """
    now = act.ports.clock.now()
    async with act.read() as store:
        source = await store.inbound_sources.get(source_id)
    if is_ping(source.kind, headers, body):
        return Reception.PING
    verify(source.kind, source.good_secrets(now), headers, body, now)
    received = read(source.kind, headers, body, now)
    event = InboundEvent(
        id=InboundEventId(new_id(IdKind.INBOUND_EVENT, now, act.ports.random.bytes)),
        source_id=source.id,
        owner_path=source.owner_path,
        event_id=received.event_id,
        type=received.type,
        occurred_at=received.occurred_at,
        received_at=now,
        payload=body,
    )
    async with act.write() as store:
        is_new = await store.inbound_events.add(event)
    return Reception.STORED if is_new else Reception.KNOWN


@action("inbound_event.sweep", needs=Permission.INBOUND_WRITE)
async def sweep_events(act: Action) -> int:
    """Forget what became of events of more than 30 days ago; return how many."""
    before = act.ports.clock.now() - EVENTS_KEPT
    async with act.write() as store:
        return await store.inbound_events.delete_older(before, SWEEP_BATCH)
