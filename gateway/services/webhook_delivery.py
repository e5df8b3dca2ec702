"""Making deliveries of events, and sending them.

Each event is expanded once, under the lock of the dispatch. A delivery is leased, sent outside of
any transaction, and then marked: who is killed in between leaves a lease that ends, and the event
is sent again under the same `webhook-id`.

A process sends in lanes (`webhook_lanes.py`), a few for each endpoint, apart from the tick that
opened them: an endpoint that hangs fills its own lanes and keeps nobody else's waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.domain.caller import Permission
from gateway.domain.deliveries import Delivery, DeliveryState
from gateway.domain.events import KEPT_FOR, Event
from gateway.domain.ids import DeliveryId, IdKind, new_id
from gateway.services.action import Action, action
from gateway.services.webhook_lanes import LANES_EACH, LANES_FAILING, LEASE, Lanes, send_lane

if TYPE_CHECKING:
    from gateway.domain.webhooks import Endpoint
    from gateway.services.context import Ports

EXPAND_BATCH: Final = 100
SWEEP_BATCH: Final = 500


@action("webhook.expand", needs=Permission.WEBHOOKS_WRITE)
async def expand_events(act: Action) -> int:
    """Make the deliveries of a batch of events; return how many events there were."""
    async with act.write() as store:
        place = await store.dispatch.lock()
        if place is None:
            return 0
        events = await store.events.list_after(place[0], EXPAND_BATCH)
        if not events:
            return 0
        endpoints = await store.endpoints.list_active()
        wanted = [
            new_delivery(act.ports, endpoint, event)
            for event in events
            for endpoint in endpoints
            if endpoint.wants(event)
        ]
        await store.deliveries.add_missing(wanted)
        await store.dispatch.move(events[-1].id)
        return len(events)


@action("webhook.deliver", needs=Permission.WEBHOOKS_WRITE)
async def deliver_due(act: Action, lanes: Lanes) -> int:
    """Open lanes for what is due; return how many. Does not wait for them."""
    if lanes.free <= 0 or act.ports.lifecycle.is_draining:
        return 0
    now = act.ports.clock.now()
    async with act.write() as store:
        taken = await store.deliveries.take_due(
            now,
            now + LEASE,
            busy=lanes.busy,
            each=LANES_EACH,
            failing=LANES_FAILING,
            limit=lanes.free,
        )
    for delivery in taken:
        task = act.ports.tasks.spawn(send_lane(act, delivery), name=f"webhook:{delivery.id}")
        lanes.open(delivery.endpoint_id, task)
    return len(taken)


@action("webhook.sweep", needs=Permission.WEBHOOKS_WRITE)
async def sweep_deliveries(act: Action) -> int:
    """Forget a batch of deliveries that are as old as the events that are kept."""
    async with act.write() as store:
        before = act.ports.clock.now() - KEPT_FOR
        return await store.deliveries.delete_older(before, SWEEP_BATCH)


def new_delivery(ports: Ports, endpoint: Endpoint, event: Event) -> Delivery:
    """Return a delivery that is to be made at once."""
    now = ports.clock.now()
    return Delivery(
        id=DeliveryId(new_id(IdKind.DELIVERY, now, ports.random.bytes)),
        endpoint_id=endpoint.id,
        event_id=event.id,
        event_type=event.type,
        resource_id=event.resource_id,
        sequence=event.sequence,
        owner_path=endpoint.owner_path,
        state=DeliveryState.PENDING,
        attempts=0,
        next_at=now,
        fence=0,
        created_at=now,
        ended_at=None,
    )
