"""The log of deliveries, and having them made again."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from gateway.domain.audit import Phase
from gateway.domain.caller import Permission
from gateway.domain.deliveries import (
    Attempt,
    Delivery,
    DeliveryState,
    LoggedDelivery,
    Recovery,
)
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.events import EventFilter, EventOrder
from gateway.domain.ids import DeliveryId, EndpointId
from gateway.domain.paging import Page, PageRequest
from gateway.domain.webhooks import Endpoint, EndpointState
from gateway.services.action import Action, action
from gateway.services.audit_log import Owner
from gateway.services.context import Outcome
from gateway.services.idempotency import write_once
from gateway.services.ports.store import Store
from gateway.services.telling import moment
from gateway.services.webhook_delivery import new_delivery

#: How many events one recovery looks at; it says where to go on.
RECOVER_MAX: Final = 5_000
_PAGE: Final = 200


@action("delivery.list", needs=Permission.WEBHOOKS_READ)
async def list_deliveries(
    act: Action, endpoint_id: EndpointId, page: PageRequest, state: DeliveryState | None = None
) -> Page[LoggedDelivery]:
    """Return an endpoint's deliveries of the last 30 days with their attempts, newest first.

    Those in *state* only where it is given.

    Raises:
        NotFound
    """
    async with act.read() as store:
        await store.endpoints.get(endpoint_id)
        found = await store.deliveries.list(endpoint_id, page, state)
        attempts = await store.deliveries.list_attempts([each.id for each in found.items])
    logged = tuple(_logged(each, attempts[each.id]) for each in found.items)
    return Page(items=logged, next_cursor=found.next_cursor)


@action("delivery.redeliver", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def redeliver_one(act: Action, delivery_id: DeliveryId) -> Outcome[LoggedDelivery]:
    """Have a delivery made again, from its first attempt on, also one that the receiver took.

    Raises:
        NotFound
        StateConflict: its endpoint is disabled, or its event is not kept any more.
    """

    async def change(store: Store) -> LoggedDelivery:
        delivery = await store.deliveries.get(delivery_id)
        endpoint = await store.endpoints.get(delivery.endpoint_id)
        _refuse_disabled(endpoint)
        if await store.events.find(delivery.event_id) is None:
            raise StateConflict("Its event is older than 30 days.")
        locked = await store.deliveries.find(delivery_id)
        if locked is None:
            raise NotFound("There is no such thing.")
        after = locked.begun_again(act.ports.clock.now())
        await store.deliveries.save(after)
        entry = act.entry(Phase.SUCCEEDED, resource_id=delivery_id, owner=_owner(endpoint))
        await store.audit.append(entry)
        return _logged(after, (await store.deliveries.list_attempts([delivery_id]))[delivery_id])

    return await write_once(act, LoggedDelivery, change)


@action("webhook_endpoint.recover", needs=Permission.WEBHOOKS_WRITE, is_audited=True)
async def redeliver_since(
    act: Action, endpoint_id: EndpointId, since: datetime
) -> Outcome[Recovery]:
    """Have everything delivered that happened since then and did not get through.

    That is what was given up, and what was never tried because the endpoint was disabled. Looks at
    5,000 events, the oldest first; `go_on_since` says from where on to do it again.

    Raises:
        NotFound
        StateConflict: the endpoint is disabled.
    """

    async def change(store: Store) -> Recovery:
        # No new deliveries are made meanwhile, so that none is made twice.
        await store.dispatch.lock(wait=True)
        # Locked before its deliveries, as whoever marks one does.
        endpoint = await store.endpoints.find(endpoint_id)
        if endpoint is None:
            raise NotFound("There is no such thing.")
        _refuse_disabled(endpoint)
        count, go_on_since = await _recover(act, store, endpoint, since)
        recovery = Recovery(
            endpoint_id=endpoint_id, since=since, deliveries=count, go_on_since=go_on_since
        )
        after = {"since": moment(since), "deliveries": count}
        entry = act.entry(
            Phase.SUCCEEDED, resource_id=endpoint_id, owner=_owner(endpoint), after=after
        )
        await store.audit.append(entry)
        return recovery

    return await write_once(act, Recovery, change)


async def _recover(
    act: Action, store: Store, endpoint: Endpoint, since: datetime
) -> tuple[int, datetime | None]:
    """Return how many deliveries were begun, and from where to go on."""
    criteria = EventFilter(since=since, order=EventOrder.OLDEST)
    count, after, last = 0, None, since
    for _ in range(RECOVER_MAX // _PAGE):
        page = await store.events.list(criteria, PageRequest(limit=_PAGE, after=after))
        wanted = [event for event in page.items if endpoint.wants(event)]
        ids = [event.id for event in wanted]
        count += await store.deliveries.begin_failed(endpoint.id, ids, act.ports.clock.now())
        count += await store.deliveries.add_missing(
            [new_delivery(act.ports, endpoint, event) for event in wanted]
        )
        if page.next_cursor is None:
            return count, None
        after, last = page.items[-1].id, page.items[-1].at
    return count, last


def _logged(delivery: Delivery, attempts: tuple[Attempt, ...]) -> LoggedDelivery:
    return LoggedDelivery(delivery=delivery, attempts=attempts)


def _owner(endpoint: Endpoint) -> Owner:
    return Owner(endpoint.reseller_id, endpoint.owner_path)


def _refuse_disabled(endpoint: Endpoint) -> None:
    if endpoint.state is EndpointState.DISABLED:
        raise StateConflict("This endpoint is disabled; make it active first.")
