"""Deliveries: everything once for each endpoint that wants it, in order, whatever others do."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

from standardwebhooks import Webhook

from gateway.domain.deliveries import PAUSES, DeliveryState
from gateway.domain.paging import PageRequest
from gateway.services.scope import system_scope
from gateway.services.webhook_delivery import deliver_due, expand_events
from gateway.services.webhook_lanes import Lanes
from gateway.workers.recovery import system_context
from gateway.workers.runner import run_workers
from tests.webhooks.catching import Catcher
from tests.webhooks.delivering import an_endpoint_at, at, deliver, expand, work
from tests.world import World


async def test_each_endpoint_gets_the_events_of_its_own_subtree(
    each_world: World, catcher: Catcher
) -> None:
    world = each_world
    secrets = {}
    for path, api in (("/a", world.a.api), ("/b", world.b.api), ("/all", world.operator)):
        secrets[path] = (await an_endpoint_at(api, catcher, path))["secret"]
    await an_endpoint_at(world.a.api, catcher, "/devices", event_types=["device.created"])
    line = await world.line()
    await work(world)
    await work(world)
    for path, secret in secrets.items():
        payloads = [Webhook(secret).verify(it.body, it.headers) for it in catcher.at(path)]
        types = [each["type"] for each in payloads]
        expected = [] if path == "/b" else ["line.created", "operation.succeeded"]
        assert sorted(types) == expected
    (created,) = [it for it in catcher.at("/a") if json.loads(it.body)["type"] == "line.created"]
    body = json.loads(created.body)
    assert set(body) == {"type", "timestamp", "data"}
    assert (body["data"]["id"], body["data"]["sequence"]) == (line["id"], 1)
    assert line["password"] not in str(catcher.caught)
    assert created.headers["webhook-id"].startswith("evt_")
    assert catcher.at("/devices") == []


async def test_what_happened_before_an_endpoint_was_made_is_not_sent(
    world: World, catcher: Catcher
) -> None:
    await world.line()
    await an_endpoint_at(world.a.api, catcher)
    await work(world)
    assert catcher.caught == []


async def test_many_workers_make_and_send_each_once(each_world: World, catcher: Catcher) -> None:
    world = each_world
    await an_endpoint_at(world.a.api, catcher, "/one", event_types=["line.created"])
    await an_endpoint_at(world.a.api, catcher, "/two", event_types=["line.created"])
    for _ in range(6):
        await world.line()
    contexts = [system_context(world.runtime.ports, f"worker-{n}") for n in range(4)]
    await asyncio.gather(*(expand_events(each) for each in contexts))
    await expand(world)
    lanes = [Lanes() for _ in contexts]
    for _ in range(3):
        pairs = zip(contexts, lanes, strict=True)
        await asyncio.gather(*(deliver_due(*pair) for pair in pairs))
        await asyncio.gather(*(task for each in lanes for task in each.tasks))
    for path in ("/one", "/two"):
        ids = [each.headers["webhook-id"] for each in catcher.at(path)]
        assert len(ids) == len(set(ids)) == 6


async def test_a_hanging_and_a_failing_endpoint_keep_nobody_waiting(
    world: World, catcher: Catcher
) -> None:
    only = {"event_types": ["line.created"]}
    await an_endpoint_at(world.a.api, catcher, "/hang", **only)
    await an_endpoint_at(world.a.api, catcher, "/500", **only)
    await an_endpoint_at(world.a.api, catcher, "/well", **only)
    for _ in range(8):
        await world.line()
    await expand(world)
    lanes = Lanes()
    context = system_context(world.runtime.ports, "sender")
    while len(catcher.at("/well")) < 8:
        await deliver_due(context, lanes)
        await asyncio.sleep(0.01)
    assert len(catcher.at("/hang")) <= 4
    assert len(lanes.busy) >= 1
    for task in lanes.tasks:
        task.cancel()
    await asyncio.gather(*lanes.tasks, return_exceptions=True)


async def test_killed_between_send_and_mark_it_is_sent_again_under_the_same_id(
    each_world: World, catcher: Catcher
) -> None:
    world = each_world
    await an_endpoint_at(world.a.api, catcher, "/hang-once", event_types=["line.created"])
    await world.line()
    await expand(world)
    lanes = Lanes()
    await deliver_due(system_context(world.runtime.ports, "sender"), lanes)
    while not catcher.caught:  # noqa: ASYNC110 - the receiver has no event for it
        await asyncio.sleep(0.01)
    for task in lanes.tasks:
        task.cancel()
    await asyncio.gather(*lanes.tasks, return_exceptions=True)
    await deliver(world.runtime)
    assert len(catcher.caught) == 1
    catcher.hanging = False
    later = world.runtime.ports.clock.now() + timedelta(seconds=61)
    await deliver(at(world, later))
    first, second = catcher.caught
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_retries_come_after_the_promised_pauses_and_then_it_is_given_up(
    world: World, catcher: Catcher
) -> None:
    await an_endpoint_at(world.a.api, catcher, "/500", event_types=["line.created"])
    await world.line()
    await expand(world)
    moment = world.runtime.ports.clock.now() + timedelta(seconds=1)
    await deliver(at(world, moment))
    for number, pause in enumerate(PAUSES[1:], start=2):
        await deliver(at(world, moment + pause * 0.89))
        assert len(catcher.caught) == number - 1
        moment += pause * 1.11
        await deliver(at(world, moment))
        assert len(catcher.caught) == number
    await deliver(at(world, moment + timedelta(days=2)))
    assert len(catcher.caught) == len(PAUSES) == 10
    assert len({each.headers["webhook-id"] for each in catcher.caught}) == 1


async def test_a_later_event_waits_for_an_earlier_one_for_its_first_four_attempts(
    world: World, catcher: Catcher
) -> None:
    only = ["line.created", "line.updated"]
    await an_endpoint_at(world.a.api, catcher, "/hook", event_types=only)
    catcher.answers["/hook"] = [500, 500, 500, 500, 200, 200]
    line = await world.line()
    await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"max_connections": 2})
    await expand(world)
    moment = world.runtime.ports.clock.now() + timedelta(seconds=1)
    for pause in PAUSES[:4]:
        moment += pause * 1.2
        await deliver(at(world, moment))
    types = [json.loads(each.body)["type"] for each in catcher.caught]
    assert types == ["line.created"] * 4 + ["line.updated"]
    await deliver(at(world, moment + PAUSES[4] * 1.2))
    assert json.loads(catcher.caught[-1].body)["type"] == "line.created"
    assert len(catcher.caught) == 6


async def test_a_redirect_is_a_failure_and_is_not_followed(world: World, catcher: Catcher) -> None:
    await an_endpoint_at(world.a.api, catcher, "/302", event_types=["line.created"])
    await world.line()
    await work(world)
    assert len(catcher.caught) == 1
    async with world.runtime.database.read(system_scope()) as store:
        (endpoint,) = (await store.endpoints.list(PageRequest(), None)).items
        (delivery,) = (await store.deliveries.list(endpoint.id, PageRequest())).items
        attempts = await store.deliveries.list_attempts([delivery.id])
    assert delivery.state is DeliveryState.PENDING
    (attempt,) = attempts[delivery.id]
    assert (attempt.tried.status, attempt.tried.is_success) == (302, False)
    assert set(attempt.headers) == {"content-type", "webhook-id", "webhook-timestamp"}


async def test_410_disables_and_tells(world: World, catcher: Catcher) -> None:
    made = await an_endpoint_at(world.a.api, catcher, "/410")
    await an_endpoint_at(world.a.api, catcher, "/else", event_types=["webhook_endpoint.disabled"])
    await world.line()
    await work(world)
    await work(world)
    shown = await world.a.api.ok("GET", f"/v1/webhook-endpoints/{made['id']}")
    assert (shown["state"], shown["disabled_reason"]) == ("disabled", "gone")
    (told,) = catcher.at("/else")
    assert json.loads(told.body)["data"]["disabled_reason"] == "gone"
    log = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"action": "webhook_endpoint.disable"}
    )
    assert len(log["data"]) == 1
    sent = len(catcher.at("/410"))
    await world.line()
    await work(world)
    assert len(catcher.at("/410")) == sent


async def test_five_days_without_a_success_disable_and_a_success_starts_anew(
    world: World, catcher: Catcher
) -> None:
    made = await an_endpoint_at(world.a.api, catcher, "/hook", event_types=["line.created"])
    start = world.runtime.ports.clock.now()
    states = []
    for days, status in ((0, 500), (4, 200), (8, 500), (12.9, 500), (13.1, 500)):
        catcher.answers["/hook"] = [status] * 9
        later = replace(world, runtime=at(world, start + timedelta(days=days, seconds=1)))
        await world.line()
        await expand(later)
        await deliver(later.runtime)
        shown = await world.a.api.ok("GET", f"/v1/webhook-endpoints/{made['id']}")
        states.append((shown["state"], shown["disabled_reason"]))
    assert states == [("active", None)] * 4 + [("disabled", "failing")]


async def test_the_workers_of_a_process_deliver_by_themselves(
    each_world: World, catcher: Catcher
) -> None:
    made = await an_endpoint_at(each_world.a.api, catcher, event_types=["line.created"])
    await each_world.line()
    stop = asyncio.Event()
    running = asyncio.create_task(run_workers(each_world.runtime.workers(), stop))
    while not catcher.caught:  # noqa: ASYNC110 - the receiver has no event for it
        await asyncio.sleep(0.01)
    stop.set()
    await running
    await each_world.runtime.ports.tasks.drain(10)
    log = await each_world.a.api.ok("GET", f"/v1/webhook-endpoints/{made['id']}/deliveries")
    assert [each["state"] for each in log["data"]] == ["delivered"]
