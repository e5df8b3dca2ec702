"""Making deliveries of events, and sending them.

Each event is expanded once, under the lock of the dispatch. A delivery is leased, sent outside of
any transaction, and then marked: who is killed in between leaves a lease that ends, and the event
is sent again under the same `webhook-id`.

A process sends in lanes, a few for each endpoint, apart from the tick that opened them: an endpoint
that hangs fills its own lanes and keeps nobody else's waiting.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.caller import Permission
from gateway.domain.deliveries import Attempt, Delivery, DeliveryState
from gateway.domain.errors import NotFound
from gateway.domain.events import KEPT_FOR, Event, payload_of
from gateway.domain.ids import AttemptId, DeliveryId, EndpointId, IdKind, new_id
from gateway.domain.webhooks import Endpoint, EndpointState, Tried
from gateway.services.action import Action, action
from gateway.services.webhook_health import note_answer
from gateway.services.webhook_signing import signed_headers
from gateway.services.webhooks import sender_of, tried_of

if TYPE_CHECKING:
    import asyncio

    from gateway.services.context import Ports

EXPAND_BATCH: Final = 100
SWEEP_BATCH: Final = 500
#: Lanes of one process: for one endpoint, and in all.
LANES_EACH: Final = 4
LANES_MAX: Final = 200
#: Deliveries of one lane; after that its endpoint queues with the others.
LANE_LENGTH: Final = 20
#: Longer than sending and marking can take.
LEASE: Final = timedelta(seconds=60)
_SIGNATURE: Final = "webhook-signature"


class Lanes:
    """What one process is sending."""

    def __init__(self) -> None:
        self.busy: Counter[EndpointId] = Counter()
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """Return how many more may be opened."""
        return LANES_MAX - len(self.tasks)

    def open(self, endpoint_id: EndpointId, task: asyncio.Task[None]) -> None:
        """Count a lane until its task is done."""
        self.busy[endpoint_id] += 1
        self.tasks.add(task)

        def close(done: asyncio.Task[None]) -> None:
            self.tasks.discard(done)
            self.busy[endpoint_id] -= 1
            if not self.busy[endpoint_id]:
                del self.busy[endpoint_id]

        task.add_done_callback(close)


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
            now, now + LEASE, busy=lanes.busy, each=LANES_EACH, limit=lanes.free
        )
    for delivery in taken:
        task = act.ports.tasks.spawn(_lane(act, delivery), name=f"webhook:{delivery.id}")
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


async def _lane(act: Action, first: Delivery) -> None:
    delivery: Delivery | None = first
    for _ in range(LANE_LENGTH):
        if delivery is None:
            return
        await _deliver(act, delivery)
        delivery = None if act.ports.lifecycle.is_draining else await _next(act, first.endpoint_id)
    if delivery is not None:
        await _deliver(act, delivery)


async def _next(act: Action, endpoint_id: EndpointId) -> Delivery | None:
    now = act.ports.clock.now()
    async with act.write() as store:
        return await store.deliveries.take_next(endpoint_id, now, now + LEASE)


async def _deliver(act: Action, delivery: Delivery) -> None:
    """Send once, and write what came of it."""
    try:
        async with act.read() as store:
            endpoint = await store.endpoints.get(delivery.endpoint_id)
            event = await store.events.find(delivery.event_id)
    except NotFound:  # It was removed meanwhile, and the delivery with it.
        return
    if event is None or endpoint.state is not EndpointState.ACTIVE:
        await _end(act, delivery)
        return
    body = msgspec.json.encode(payload_of(event))
    at = act.ports.clock.now()
    headers = signed_headers(endpoint, event.id, body, at)
    tried = tried_of(await sender_of(act.ports).send(endpoint.url, headers, body))
    del headers[_SIGNATURE]
    attempt = Attempt(
        id=AttemptId(new_id(IdKind.ATTEMPT, at, act.ports.random.bytes)),
        delivery_id=delivery.id,
        owner_path=delivery.owner_path,
        at=at,
        headers=headers,
        tried=tried,
    )
    await _mark(act, delivery, attempt, tried)


async def _mark(act: Action, delivery: Delivery, attempt: Attempt, tried: Tried) -> None:
    """Write an attempt. The endpoint is locked first, so that two who mark never wait crosswise."""
    now = act.ports.clock.now()
    async with act.write() as store:
        endpoint = await store.endpoints.find(delivery.endpoint_id)
        present = await store.deliveries.find(delivery.id)
        if endpoint is None or present is None:
            return
        await store.deliveries.add_attempt(attempt)
        if _may_mark(present, delivery, tried):
            after = present.after(tried, now, act.ports.random.uniform())
            await store.deliveries.save(after)
        await note_answer(act, store, endpoint, tried, now)


def _may_mark(present: Delivery, taken: Delivery, tried: Tried) -> bool:
    """Tell whether it is still this one's to mark; that it is through, anybody may say."""
    if present.state is not DeliveryState.PENDING:
        return False
    return tried.is_success or present.fence == taken.fence


async def _end(act: Action, delivery: Delivery) -> None:
    """Give up what cannot be sent any more."""
    now = act.ports.clock.now()
    async with act.write() as store:
        present = await store.deliveries.find(delivery.id)
        if present is not None and present.fence == delivery.fence:
            await store.deliveries.save(present.given_up(now))
