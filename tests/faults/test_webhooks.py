"""Rows K10, W03 and W04: workers that die on the way of a webhook, and clocks that differ."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import httpx2
import pytest
from _pytest.mark import ParameterSet
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.domain.deliveries import Delivery
from gateway.domain.ids import EndpointId
from gateway.domain.paging import PageRequest
from gateway.services.scope import system_scope
from tests.faults.crashing import POINTS, Crash
from tests.faults.orders import LINE_CREATE, an_order, end_truthfully
from tests.faults.processes import Process, until
from tests.faults.rig import Rig, a_rig
from tests.servers.flags import flag
from tests.servers.plugin import DATABASE_KINDS
from tests.webhooks.catching import Catcher, a_catcher
from tests.webhooks.delivering import an_endpoint_at
from tests.world import World

DYING: Final = tuple(point for point in POINTS if point.startswith("C9"))
LINES: Final = 3
#: How far a receiver's clock and ours may differ, by the specification's libraries.
TOLERATED_SECONDS: Final = 300
OVERLAP_SECONDS: Final = 24 * 3600


def _by_turns(*points: str) -> list[ParameterSet]:
    """Pair points and databases: all of both in the long mode, by turns otherwise."""
    return [
        pytest.param(kind, point, id=f"{point}-{kind}")
        for number, point in enumerate(points)
        for kind in (DATABASE_KINDS if flag("LONG") else DATABASE_KINDS[number % 2 :][:1])
    ]


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    async with a_catcher() as made:
        yield made


@pytest.fixture
async def sending(
    database_url: str, redis_url: str, tmp_path: Any, catcher: Catcher
) -> AsyncIterator[Rig]:
    """A rig that may send to the catcher."""
    places = (catcher.place,)
    async with a_rig(database_url, redis_url, tmp_path, dangerous_webhook_targets=places) as rig:
        yield rig


@pytest.mark.parametrize(("database_url", "point"), _by_turns(*DYING), indirect=["database_url"])
async def test_a_worker_is_killed_and_nothing_is_lost(
    sending: Rig, catcher: Catcher, point: str
) -> None:
    """One dies at this point; what it had sent, and not marked, comes again under the same id."""
    world = sending.world
    endpoint = await an_endpoint_at(world.a.api, catcher)
    for _ in range(LINES):
        await world.line()
    worker = sending.fleet.work(Crash(POINTS[point]))
    assert await worker.ended() == -9
    before = Counter(ids_of(catcher))
    unmarked = [each for each in await pending(world, endpoint["id"]) if before[each.event_id]]
    if point in {"C9", "C9-marking"}:
        assert unmarked
    if point in {"C9-expanding", "C9-expanded", "C9-leased"}:
        assert not before
    await end_leases(world, endpoint["id"])
    sending.fleet.work()
    await all_through(world, endpoint["id"])
    after = Counter(ids_of(catcher))
    for each in unmarked:
        assert after[each.event_id] == before[each.event_id] + 1
    assert set(after) == set(await events_of(world))
    check_caught(catcher, endpoint["secret"])


@pytest.mark.parametrize(
    ("database_url", "point"),
    _by_turns("ended.before", "ended.after"),
    indirect=["database_url"],
)
async def test_an_event_is_there_exactly_when_its_change_is(
    sending: Rig, catcher: Catcher, point: str
) -> None:
    """Who serves dies before or after the commit, and nobody has expanded an event until then."""
    world = sending.world
    endpoint = await an_endpoint_at(world.a.api, catcher)
    order = await an_order(world, LINE_CREATE, 1)
    serving = await sending.fleet.serve(Crash(point))
    with suppress(httpx2.TransportError):
        await order.ask(serving.world.a.api, wait=20)
    assert await serving.ended() == -9
    told = sorted((await events_of(world)).values())
    is_committed = point == "ended.after"
    assert told == (["line.created", "operation.succeeded"] if is_committed else [])
    assert catcher.caught == []
    sending.fleet.work()
    await end_truthfully(world, [order], sending.fleet.logs())
    await until(_is_told_of(catcher, 2))
    await all_through(world, endpoint["id"])
    events = await events_of(world)
    assert sorted(events.values()) == ["line.created", "operation.succeeded"]
    assert sorted(ids_of(catcher)) == sorted(events)


@pytest.mark.parametrize("database_url", DATABASE_KINDS[:1], indirect=True)
async def test_w04_clocks_that_differ_and_a_secret_that_was_rotated(
    sending: Rig, catcher: Catcher
) -> None:
    """The sender's machine is ahead or behind; the receiver has the former secret or the new."""
    world = sending.world
    endpoint = await an_endpoint_at(world.a.api, catcher, event_types=["line.created"])
    path = f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret"
    rotated = await world.a.api.ok("POST", path, status=200)
    secrets = (endpoint["secret"], rotated["secret"])
    assert secrets[0] != secrets[1]
    for ahead in (-TOLERATED_SECONDS + 60, TOLERATED_SECONDS - 60):
        caught = await _sent_by(sending, catcher, ahead)
        for secret in secrets:
            assert Webhook(secret).verify(caught.body, caught.headers)["type"] == "line.created"
    caught = await _sent_by(sending, catcher, 2 * TOLERATED_SECONDS)
    for secret in secrets:
        with pytest.raises(WebhookVerificationError, match="too new"):
            Webhook(secret).verify(caught.body, caught.headers)
    assert len(caught.headers["webhook-signature"].split()) == 2
    caught = await _sent_by(sending, catcher, OVERLAP_SECONDS + 60)
    assert len(caught.headers["webhook-signature"].split()) == 1


async def _sent_by(rig: Rig, catcher: Catcher, ahead_seconds: float) -> Any:
    """Return what a worker sends whose machine's clock is wrong by so much."""
    count = len(catcher.caught)
    await rig.world.line()
    worker: Process = rig.fleet.work(wall_ahead_seconds=ahead_seconds)
    await until(_is_told_of(catcher, count + 1), worker)
    assert await worker.stop() == 0
    assert len(catcher.caught) == count + 1
    return catcher.caught[-1]


def _is_told_of(catcher: Catcher, count: int) -> Callable[[], Any]:
    async def is_so() -> bool:
        return len(catcher.caught) >= count

    return is_so


def ids_of(catcher: Catcher) -> list[str]:
    return [each.headers["webhook-id"] for each in catcher.caught]


async def events_of(world: World) -> dict[str, str]:
    """Return the ids and types of all that reseller A is told."""
    found = await world.a.api.ok("GET", "/v1/events", params={"limit": 200})
    return {each["id"]: each["type"] for each in found["data"]}


async def deliveries_of(world: World, endpoint_id: str) -> tuple[Delivery, ...]:
    async with world.runtime.database.read(system_scope()) as store:
        page = await store.deliveries.list(EndpointId(endpoint_id), PageRequest(limit=200))
        return tuple(page.items)


async def pending(world: World, endpoint_id: str) -> list[Delivery]:
    found = await deliveries_of(world, endpoint_id)
    return [each for each in found if each.next_at is not None]


async def end_leases(world: World, endpoint_id: str) -> None:
    """Let the leases of a worker that is gone end now."""
    now = world.runtime.ports.clock.now()
    for each in await pending(world, endpoint_id):
        async with world.runtime.database.write(system_scope()) as store:
            await store.deliveries.save(replace(each, next_at=now))


async def all_through(world: World, endpoint_id: str) -> None:
    """Wait until every event has a delivery, and none is pending."""

    async def is_so() -> bool:
        found = await deliveries_of(world, endpoint_id)
        is_whole = {each.event_id for each in found} == set(await events_of(world))
        return is_whole and all(each.next_at is None for each in found)

    await until(is_so)
    assert {each.state.value for each in await deliveries_of(world, endpoint_id)} == {"delivered"}


def check_caught(catcher: Catcher, secret: str) -> None:
    """Expect good signatures, one body for each id, and each resource in its order."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    firsts: dict[str, list[int]] = defaultdict(list)
    for each in catcher.caught:
        data = Webhook(secret).verify(each.body, each.headers)["data"]
        if each.headers["webhook-id"] not in bodies:
            firsts[data["id"]].append(data["sequence"])
        bodies[each.headers["webhook-id"]].add(each.body)
    assert {len(each) for each in bodies.values()} == {1}
    assert all(numbers == sorted(numbers) for numbers in firsts.values())
