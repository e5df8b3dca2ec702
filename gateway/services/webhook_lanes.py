"""Lanes: how one process sends to one endpoint, a batch after the other.

A batch is taken, sent one after the other, and marked in the transaction that takes the next one:
what a database can do in a second is the measure of how much is sent in it. A batch ends early at
its first failure, and after a second, so that little is sent again after a kill, and what was not
begun is soon another lane's to take.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from gateway.domain.deliveries import Attempt, Delivery, DeliveryState
from gateway.domain.events import Event, payload_of
from gateway.domain.ids import AttemptId, EndpointId, EventId, IdKind, new_id
from gateway.domain.webhooks import Endpoint, EndpointState, Tried
from gateway.services.webhook_health import note_answer
from gateway.services.webhook_signing import signed_headers
from gateway.services.webhooks import sender_of, tried_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from gateway.services.action import Action
    from gateway.services.ports.store import Store

#: Lanes of one process: for one endpoint, for one that fails, and in all.
LANES_EACH: Final = 4
LANES_FAILING: Final = 1
LANES_MAX: Final = 200
#: Batches of one lane; after that its endpoint queues with the others.
LANE_LENGTH: Final = 5
#: Deliveries of one batch, how many times as many as were sent of the one before, and the seconds
#: after which no more of it is begun.
BATCH: Final = 25
MORE: Final = 2
BATCH_SECONDS: Final = 1.0
#: Longer than a batch, its last sending and its marking can take.
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


@dataclass(frozen=True, slots=True)
class _Batch:
    """What was taken, with all that sending it needs. `endpoint` None: it was removed."""

    endpoint: Endpoint | None
    deliveries: tuple[Delivery, ...]
    events: Mapping[EventId, Event]


@dataclass(slots=True)
class _Outcome:
    """What came of a batch; `useless`: what cannot be sent any more."""

    sent: list[tuple[Delivery, Attempt]] = field(default_factory=list)
    useless: list[Delivery] = field(default_factory=list)
    not_begun: list[Delivery] = field(default_factory=list)


async def send_lane(act: Action, first: Delivery) -> None:
    """Send a delivery that was taken, and then more of its endpoint."""
    async with act.read() as store:
        endpoint = await store.endpoints.look(first.endpoint_id)
        batch = await _loaded(store, endpoint, (first,))
    for turn in range(LANE_LENGTH + 1):
        if not batch.deliveries:
            return
        outcome = await _sent(act, batch)
        is_last = turn == LANE_LENGTH or act.ports.lifecycle.is_draining
        take = 0 if is_last else min(BATCH, MORE * max(1, len(outcome.sent)))
        batch = await _marked(act, first.endpoint_id, outcome, take=take)


async def _loaded(
    store: Store, endpoint: Endpoint | None, deliveries: tuple[Delivery, ...]
) -> _Batch:
    if not deliveries:
        return _Batch(endpoint, (), {})
    events = await store.events.list_ids([each.event_id for each in deliveries])
    return _Batch(endpoint, deliveries, {each.id: each for each in events})


async def _sent(act: Action, batch: _Batch) -> _Outcome:
    """Send a batch until something fails, or a second has passed."""
    outcome = _Outcome()
    end = act.ports.clock.monotonic() + BATCH_SECONDS
    is_over = False
    for delivery in batch.deliveries:
        event = batch.events.get(delivery.event_id)
        endpoint = batch.endpoint
        if endpoint is None or event is None or endpoint.state is not EndpointState.ACTIVE:
            outcome.useless.append(delivery)
        elif is_over:
            outcome.not_begun.append(delivery)
        else:
            attempt = await _attempt(act, endpoint, event, delivery)
            outcome.sent.append((delivery, attempt))
            is_late = act.ports.clock.monotonic() >= end
            is_over = is_late or not attempt.tried.is_success or act.ports.lifecycle.is_draining
    return outcome


async def _attempt(act: Action, endpoint: Endpoint, event: Event, delivery: Delivery) -> Attempt:
    body = msgspec.json.encode(payload_of(event))
    at = act.ports.clock.now()
    headers = signed_headers(endpoint, event.id, body, at)
    tried = tried_of(await sender_of(act.ports).send(endpoint.url, headers, body))
    del headers[_SIGNATURE]
    return Attempt(
        id=AttemptId(new_id(IdKind.ATTEMPT, at, act.ports.random.bytes)),
        delivery_id=delivery.id,
        owner_path=delivery.owner_path,
        at=at,
        headers=headers,
        tried=tried,
    )


async def _marked(act: Action, endpoint_id: EndpointId, outcome: _Outcome, *, take: int) -> _Batch:
    """Write what came of a batch, and take the next.

    The endpoint is locked first, so that two who mark never wait crosswise.
    """
    now = act.ports.clock.now()
    async with act.write() as store:
        endpoint = await store.endpoints.find(endpoint_id)
        if endpoint is None:  # It was removed meanwhile, and its deliveries with it.
            return _Batch(None, (), {})
        await store.deliveries.add_attempts([attempt for _, attempt in outcome.sent])
        through = [each.id for each, attempt in outcome.sent if attempt.tried.is_success]
        await store.deliveries.end_delivered(through, now)
        await store.deliveries.release(outcome.not_begun, now)
        for delivery, attempt in outcome.sent:
            if not attempt.tried.is_success:
                await _save_failure(act, store, delivery, attempt.tried)
        for delivery in outcome.useless:
            await _give_up(act, store, delivery)
        for tried in _telling([attempt.tried for _, attempt in outcome.sent]):
            endpoint = await note_answer(act, store, endpoint, tried, now)
        # Who fails is tried once a tick, until something gets through: its failures are written by
        # the database that the others need.
        room = 0 if endpoint.failing_since is not None else take
        taken = await store.deliveries.take_next(endpoint_id, now, now + LEASE, limit=room)
        return await _loaded(store, endpoint, taken)


def _telling(tried: Sequence[Tried]) -> list[Tried]:
    """Return those that say how the endpoint is: a success, and a failure after it."""
    return [
        each for before, each in zip([None, *tried], tried, strict=False) if _is_news(before, each)
    ]


def _is_news(before: Tried | None, after: Tried) -> bool:
    return before is None or before.is_success != after.is_success


async def _save_failure(act: Action, store: Store, taken: Delivery, tried: Tried) -> None:
    """Note when to try again, if nobody else has taken it up meanwhile."""
    present = await store.deliveries.find(taken.id)
    if present is None or present.state is not DeliveryState.PENDING:
        return
    if present.fence == taken.fence:
        after = present.after(tried, act.ports.clock.now(), act.ports.random.uniform())
        await store.deliveries.save(after)


async def _give_up(act: Action, store: Store, taken: Delivery) -> None:
    present = await store.deliveries.find(taken.id)
    if present is not None and present.fence == taken.fence:
        await store.deliveries.save(present.given_up(act.ports.clock.now()))
