"""A process that is about to end: nothing new is begun, all that was begun is told truthfully."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from gateway.services.lifecycle import Lifecycle
from gateway.services.reconcile import settle_operations
from gateway.services.scope import system_scope
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, held, panel_held, problem_of, process, runtime_of
from tests.world import World, a_world

KEYED = {"Idempotency-Key": "order-1"}
NEW = {"period": "P1M", "username": "anna", "bouquet_ids": [1]}
LONG = 600.0


def lifecycle_of(world: World) -> Lifecycle:
    return world.runtime.ports.lifecycle


def refused(answer: httpx2.Response) -> None:
    problem = problem_of(answer, 503, "service_unavailable")
    assert "operation_id" not in problem
    assert answer.headers["Retry-After"] == "2"


async def test_reads_are_served_and_new_changes_are_not(world: World) -> None:
    api = world.a.api
    made = await api.post("/v1/lines", NEW, headers=KEYED)
    line = made.json()
    ready = await world.operator.get("/readyz")
    assert (ready.status_code, "connection" in ready.headers) == (200, False)
    calls, before = len(world.calls()), await entries(world)
    lifecycle_of(world).drain(LONG)

    ready = await world.operator.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {"status": "draining", "checks": {}}
    assert (await world.operator.get("/livez")).status_code == 200
    seen = await api.get(f"/v1/lines/{line['id']}")
    assert (seen.status_code, seen.headers["connection"]) == (200, "close")

    other = {"period": "P1M", "username": "berta"}
    refused(await api.post("/v1/lines", other, headers={"Idempotency-Key": "order-2"}))
    refused(await api.patch(f"/v1/lines/{line['id']}", {"notes": "x"}))
    refused(await api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1M"}))
    refused(await world.operator.post("/v1/keys", {"name": "x", "reseller_id": world.a.id}))
    again = await api.post("/v1/lines", NEW, headers=KEYED)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert len(world.calls()) == calls
    assert await entries(world) == before

    # Another process takes what was refused, under the same key.
    async with process(world, lifecycle=Lifecycle()) as next_one:
        answer = await next_one.a.api.post(
            "/v1/lines", other, headers={"Idempotency-Key": "order-2"}
        )
        assert answer.status_code == 201
        assert "Idempotent-Replayed" not in answer.headers


async def entries(world: World) -> int:
    found = await world.operator.ok("GET", "/v1/audit/entries", params={"limit": 200})
    return len(found["data"])


async def test_a_change_that_was_begun_is_finished_and_its_caller_told(world: World) -> None:
    async with panel_held(world, "write_1"):
        asking = asyncio.create_task(world.a.api.post("/v1/lines", NEW))
        await held(world)
        lifecycle_of(world).drain(LONG)
    answer = await asking
    assert answer.status_code == 201
    assert answer.json()["password"] == world.user("anna")["password"]


async def test_a_change_that_takes_too_long_is_202_and_others_finish_it(world: World) -> None:
    """The process is cut off: its caller has the operation, and a later process settles it."""
    async with panel_held(world, "write_1"):
        asking = asyncio.create_task(world.a.api.post("/v1/lines", NEW))
        await held(world)
        lifecycle_of(world).drain(0.05)
        answer = await asking
        assert (answer.status_code, answer.json()["state"]) == (202, "sending")
        left = await world.runtime.ports.tasks.drain(lifecycle_of(world).seconds_left(LONG))
        assert left == 1
    world.simulator.panel.world.gates.release()
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=400))
    ports = runtime_of(world, clock=clock, lifecycle=Lifecycle()).ports
    assert await settle_operations(system_context(ports, "reconciler")) == 1
    ended = await world.a.api.ok("GET", answer.headers["Location"])
    assert ended["state"] == "succeeded"
    assert [row["username"] for row in world.users()] == ["anna"]
    assert len(world.calls("create")) == 1


async def test_who_waits_for_settling_is_told_when_the_process_drains(database_url: str) -> None:
    async with a_world(database_url, panels={"settle_seconds": 1}) as world:
        world.fault(
            {
                "match": {"sub": "create"},
                "fault": "status",
                "params": {"code": 500, "effect": "after"},
            }
        )
        asking = asyncio.create_task(world.a.api.post("/v1/lines", NEW))
        while not world.calls("create"):  # noqa: ASYNC110 - the panel has no event for it
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert not asking.done()
        lifecycle_of(world).drain(LONG)
        async with asyncio.timeout(1.0):
            answer = await asking
        assert (answer.status_code, answer.json()["state"]) == (202, "unknown")


async def test_what_a_worker_was_looking_at_is_handed_back(world: World) -> None:
    """Its lease ends at once, so that another worker need not wait for two minutes."""
    world.fault({"match": {"sub": "create"}, "times": 1, **LOST})
    answer = await world.a.api.post("/v1/lines", NEW)
    assert answer.status_code == 202
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=400))
    ports = runtime_of(world, clock=clock).ports
    async with panel_held(world, "check"):
        ticking = asyncio.ensure_future(settle_operations(system_context(ports, "reconciler")))
        await held(world)
        assert await operation_row(world, answer.json()["id"]) == ("probing", True)
        ticking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ticking
    assert await operation_row(world, answer.json()["id"]) == ("probing", False)
    later = SetClock(clock.now() + timedelta(seconds=1))  # How far PostgreSQL is ahead varies.
    ports = runtime_of(world, clock=later).ports
    assert await settle_operations(system_context(ports, "reconciler")) == 1
    ended = await world.a.api.ok("GET", answer.headers["Location"])
    assert (ended["state"], ended["attempts"]) == ("succeeded", 1)


async def test_an_operation_that_somebody_else_has_by_now_is_not_handed_back(world: World) -> None:
    world.fault({"match": {"sub": "create"}, "times": 1, **LOST})
    assert (await world.a.api.post("/v1/lines", NEW)).status_code == 202
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=400))
    ports = runtime_of(world, clock=clock).ports
    async with panel_held(world, "check"):
        ticking = asyncio.ensure_future(settle_operations(system_context(ports, "reconciler")))
        await held(world)
        clock.at += timedelta(seconds=200)  # The lease is over.
        async with world.runtime.database.write(system_scope()) as store:
            (taken,) = await store.operations.take_due(clock.at, clock.at + timedelta(60), 5)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
    async with world.runtime.database.read(system_scope()) as store:
        assert await store.operations.get(taken.id) == taken


LOST: dict[str, Any] = {"fault": "status", "params": {"code": 500, "effect": "after"}}


async def operation_row(world: World, operation_id: Any) -> tuple[str, bool]:
    """Return the state, and whether somebody has it for a good while yet."""
    async with world.runtime.database.read(system_scope()) as store:
        operation = await store.operations.get(operation_id)
        assert operation.lease_until is not None
        ahead = operation.lease_until - datetime.now(UTC)
    return operation.state.value, ahead > timedelta(seconds=450)


async def test_a_watcher_is_told_to_watch_elsewhere(small_world: World) -> None:
    from gateway.domain.errors import ServiceUnavailable  # noqa: PLC0415
    from gateway.services.watching import changes  # noqa: PLC0415

    world = small_world
    lifecycle = Lifecycle()
    ports = replace(world.runtime.ports, lifecycle=lifecycle)
    context = system_context(ports, "test")
    looks = iter(range(100))

    async def read(_context: object) -> int:
        return next(looks)

    async def identify() -> Any:
        return context.caller

    watching = changes(context, "line_x", read, identify=identify)
    assert await anext(watching) == 0
    lifecycle.drain(LONG)
    with pytest.raises(ServiceUnavailable):
        await anext(watching)
