"""Workers of webhooks, run by hand."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.bootstrap import Runtime
from gateway.db.rows_events import EventRow
from gateway.db.rows_webhooks import DispatchRow
from gateway.db.store import SqlDatabase
from gateway.domain.deliveries import DeliveryState
from gateway.domain.ids import EndpointId
from gateway.services.scope import system_scope
from gateway.services.webhook_delivery import deliver_due, expand_events
from gateway.services.webhook_lanes import Lanes
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, runtime_of
from tests.factories import a_delivery
from tests.webhooks.catching import Catcher
from tests.world import Api, World


async def expand(world: World) -> None:
    """Make all deliveries that there are to make.

    On PostgreSQL an event is seen once no older transaction is open in the whole cluster, which
    tests beside this one share.
    """
    context = system_context(world.runtime.ports, "dispatcher")
    async with asyncio.timeout(60):
        while await expand_events(context) or await _is_behind(world):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)


async def _is_behind(world: World) -> bool:
    newest = sa.select(EventRow.id).order_by(EventRow.xact.desc(), EventRow.number.desc())
    database = world.runtime.database
    assert isinstance(database, SqlDatabase)
    async with database.session(system_scope(), writable=False) as session:
        last = await session.scalar(newest.limit(1))
        return bool(last != await session.scalar(sa.select(DispatchRow.event_id)))


def at(world: World, moment: datetime) -> Runtime:
    """Return the same process at another time, which stands still."""
    return runtime_of(world, clock=SetClock(moment))


async def deliver(runtime: Runtime) -> None:
    """Send all that is due, and wait for it."""
    lanes = Lanes()
    while await deliver_due(system_context(runtime.ports, "sender"), lanes):
        await asyncio.gather(*lanes.tasks)


async def work(world: World) -> None:
    """Make deliveries and send them, until there is nothing to do at this moment."""
    await expand(world)
    await deliver(world.runtime)


async def an_endpoint_at(
    api: Api, catcher: Catcher, path: str = "/hook", **more: Any
) -> dict[str, Any]:
    """Create an endpoint for a path of the catcher's."""
    new = {"url": catcher.url(path)} | more
    return await api.ok("POST", "/v1/webhook-endpoints", new, status=201)


async def a_kept_delivery(world: World, endpoint_id: str) -> str:
    """Write a delivery that was given up, and return its id."""
    async with world.runtime.database.write(system_scope()) as store:
        endpoint = await store.endpoints.get(EndpointId(endpoint_id))
        made = a_delivery(endpoint, state=DeliveryState.FAILED, next_at=None)
        await store.deliveries.add_missing([made])
    return made.id
