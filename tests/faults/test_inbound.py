"""What was delivered to us is done once, wherever a process dies on the way."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2
import pytest

from gateway.domain.ids import SourceId
from gateway.domain.inbound_rules import ResourceKind
from gateway.domain.inbound_subjects import subject_id
from gateway.services.scope import system_scope
from tests.faults.crashing import POINTS, Crash
from tests.faults.rig import Rig, a_rig
from tests.inbound.deliveries import (
    Source,
    a_source,
    invoice,
    now,
    stripe_event,
    stripe_headers,
    subscription,
    written,
)
from tests.servers.flags import flag
from tests.servers.plugin import DATABASE_KINDS
from tests.world import World

ON_THE_WAY: Final = ("reading", "read", "due", "asked", "done", "driving", "driven")
PAID_DAYS: Final = 60
SETTLE_SECONDS_MAX: Final = 60.0


@dataclass(frozen=True, slots=True)
class Shop:
    """A source, a line that is paid for, and one whose subscription is over."""

    source: Source
    paid: dict[str, Any]
    over: dict[str, Any]
    until: datetime


@pytest.fixture
async def rig(database_url: str, redis_url: str, tmp_path: Any) -> Any:
    async with a_rig(database_url, redis_url, tmp_path) as made:
        yield made


async def a_shop(world: World) -> Shop:
    """Deliver a payment and the end of a subscription, each twice; nobody works yet."""
    paid = await world.line(external_id="paid")
    over = await world.line(external_id="over")
    shop = Shop(await a_source(world), paid, over, now() + timedelta(days=PAID_DAYS))
    payment = stripe_event("invoice.paid", invoice("paid", shop.until), at=now())
    end = stripe_event("customer.subscription.updated", subscription("over", "unpaid"), at=now())
    await shop.source.stripe(payment, end, payment, end)
    return shop


@pytest.mark.parametrize(
    ("database_url", "point"),
    [
        pytest.param(kind, point, id=f"{point}-{kind}")
        for number, point in enumerate(ON_THE_WAY)
        for kind in (DATABASE_KINDS if flag("LONG") else DATABASE_KINDS[number % 2 :][:1])
    ],
    indirect=["database_url"],
)
async def test_a_worker_is_killed_and_each_event_is_done_once(rig: Rig, point: str) -> None:
    world = rig.world
    shop = await a_shop(world)
    worker = rig.fleet.work(Crash(POINTS[point]))
    assert await worker.ended() == -9
    rig.fleet.work()
    await all_done(world, shop.source)
    assert world.user(shop.paid["username"])["exp_date"] == int(shop.until.timestamp())
    assert world.user(shop.over["username"])["enabled"] == 0
    assert await verbs(world, shop.paid["id"]) == ["created", "renewed"]
    assert await verbs(world, shop.over["id"]) == ["created", "suspended"]
    # That a rule of ours suspended it is known to whoever drives it next: a payment resumes it.
    paid = stripe_event(
        "invoice.paid", invoice("over", shop.until), at=now() + timedelta(seconds=1)
    )
    await shop.source.stripe(paid)
    await all_done(world, shop.source)
    assert world.user(shop.over["username"])["enabled"] == 1


async def test_who_took_a_delivery_in_and_died_before_the_answer_knows_it_again(rig: Rig) -> None:
    """The sender has no answer, and sends it again to another process."""
    world = rig.world
    line = await world.line(external_id="paid")
    source = await a_source(world)
    end = now() + timedelta(days=PAID_DAYS)
    body = written(stripe_event("invoice.paid", invoice("paid", end), at=now()))
    path, headers = f"/v1/inbound/{source.id}", stripe_headers(body)
    dying = await rig.fleet.serve(Crash(POINTS["received"]))
    with suppress(httpx2.TransportError):
        await dying.world.client.post(path, content=body, headers=headers)
    assert await dying.ended() == -9
    living = await rig.fleet.serve()
    again = await living.world.client.post(path, content=body, headers=headers)
    assert again.status_code == 202
    rig.fleet.work()
    await all_done(world, source)
    assert len(await source.events()) == 1
    assert world.user(line["username"])["exp_date"] == int(end.timestamp())
    assert await verbs(world, line["id"]) == ["created", "renewed"]


async def all_done(world: World, source: Source) -> None:
    """Wait until every event is done; leases and pauses are made to end at once."""
    async with asyncio.timeout(SETTLE_SECONDS_MAX):
        while set(states := await source.states()) != {"done"}:
            assert set(states) <= {"received", "waiting", "done"}, await source.events()
            await hurry(world, source)
            await asyncio.sleep(0.5)


async def hurry(world: World, source: Source) -> None:
    """Let the lease of a worker that is gone, and every pause, end now.

    What a living worker has in hand is taken up by it a second time, which must do no harm.
    """
    for external_id in ("paid", "over"):
        name = subject_id(SourceId(source.id), ResourceKind.LINE, external_id)
        async with world.runtime.database.write(system_scope()) as store:
            subject = await store.inbound_subjects.find(name)
            if subject is not None and subject.next_at is not None:
                due = replace(subject, lease_until=None, next_at=datetime.now(UTC))
                await store.inbound_subjects.save(due)


async def verbs(world: World, line_id: str) -> list[str]:
    """Return what was told of a line, oldest first."""
    params = {"resource_id": line_id, "order": "oldest"}
    found = await world.a.api.ok("GET", "/v1/events", params=params)
    return [event["type"].partition(".")[2] for event in found["data"]]
