"""What a crash left behind is taken up once, cancelled, or called unknown: never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from gateway.domain.ids import OperationId
from gateway.services.reconcile import settle_operations
from gateway.services.recovery import recover_operations
from gateway.services.scope import system_scope
from gateway.services.settling import settle
from gateway.services.tasks import TaskKeeper
from gateway.workers.recovery import RecoveryWorker, SweepWorker, system_context
from tests.e2e.support import SetClock, hasty, problem_of, process, runtime_of
from tests.world import World, a_world

T = TypeVar("T")

KEYED = {"Idempotency-Key": "order-1"}
NEW = {"period": "P1M", "username": "anna"}


class Crashing(TaskKeeper):
    """Takes work and never does it: the process died after it was prepared."""

    def spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        work.close()
        return super().spawn(asyncio.sleep(3_600), name)  # type: ignore[arg-type]


class Hanging:
    """Panels whose changes get lost with the process, before or after the panel has acted."""

    def __init__(self, panels: Any, *, acts: bool) -> None:
        self.panels = panels
        self.acts = acts
        self.entered = asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.panels, name)

    async def change(self, *args: Any, **kwargs: Any) -> Any:
        if self.acts:
            await self.panels.change(*args, **kwargs)
        self.entered.set()
        await asyncio.sleep(3_600)


class Watched:
    """Panels that note which calls gave way to others."""

    def __init__(self, panels: Any) -> None:
        self.panels = panels
        self.asked: list[tuple[str, bool]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.panels, name)

    async def read(self, panel: Any, call: Any, **kwargs: Any) -> Any:
        self.asked.append((type(call).__name__, kwargs.get("is_background", False)))
        return await self.panels.read(panel, call, **kwargs)

    async def change(self, panel: Any, call: Any, token: Any, **kwargs: Any) -> Any:
        self.asked.append((type(call).__name__, kwargs.get("is_background", False)))
        return await self.panels.change(panel, call, token, **kwargs)


@asynccontextmanager
async def crashed(world: World, **ports: Any) -> AsyncIterator[World]:
    """Act in a process that dies at the block's end."""
    tasks = ports.setdefault("tasks", TaskKeeper())
    async with process(world, **hasty(world), **ports) as there:
        yield there
    await tasks.drain(0)


async def recovered(world: World, *, after_seconds: float) -> int:
    """Run one tick of the recovery in another process, so much later."""
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=after_seconds))
    ports = runtime_of(world, clock=clock).ports
    return await recover_operations(system_context(ports, "recovery"))


async def settled(world: World, *, after_seconds: float) -> int:
    """Run one tick of the reconciler in another process, so much later."""
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=after_seconds))
    ports = runtime_of(world, clock=clock).ports
    return await settle_operations(system_context(ports, "reconciler"))


async def phases(world: World, operation_id: str) -> list[str]:
    found = await world.operator.ok(
        "GET", "/v1/audit/entries", params={"operation_id": operation_id}
    )
    return [entry["phase"] for entry in reversed(found["data"])]


async def test_what_was_prepared_is_taken_up_once_however_many_try(world: World) -> None:
    async with crashed(world, tasks=Crashing()) as dying:
        answer = await dying.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert (answer.status_code, answer.json()["state"]) == (202, "prepared")
    assert await recovered(world, after_seconds=20) == 0  # It may only be slow.
    assert not world.calls("create")
    done = await asyncio.gather(*(recovered(world, after_seconds=40) for _ in range(3)))
    assert max(done) == 1
    assert len(world.calls("create")) == 1
    operation_id = answer.json()["id"]
    assert await phases(world, operation_id) == ["started", "succeeded"]
    final = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (final.status_code, final.headers["Idempotent-Replayed"]) == (201, "true")
    assert final.json()["password"] == world.user("anna")["password"]
    assert await recovered(world, after_seconds=40) == 0


async def test_what_is_taken_up_gives_way_to_callers_until_it_is_sent(small_world: World) -> None:
    world = small_world
    line = await world.line()
    path, body = f"/v1/lines/{line['id']}/renew", {"period": "P1M"}
    watched = Watched(world.runtime.ports.panels)
    async with process(world, panels=watched) as there:
        await there.a.api.ok("POST", path, body)
    steps = ["GetLineInfo", "EditLine", "GetLineInfo"]
    assert watched.asked == [(step, False) for step in steps]
    async with crashed(world, tasks=Crashing()) as dying:
        await dying.a.api.ok("POST", path, body, status=202)
    watched.asked.clear()
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=40))
    ports = runtime_of(world, clock=clock, panels=watched).ports
    assert await recover_operations(system_context(ports, "recovery")) == 1
    assert watched.asked == list(zip(steps, [True, True, False], strict=True))


async def test_the_entry_of_a_recovered_change_names_who_asked_for_it(small_world: World) -> None:
    world = small_world
    async with crashed(world, tasks=Crashing()) as dying:
        answer = await dying.a.api.post("/v1/lines", NEW, headers={"X-Request-Id": "billing-1"})
    await recovered(world, after_seconds=40)
    found = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"operation_id": answer.json()["id"]}
    )
    callers = [(entry["caller"]["id"], entry["request_id"]) for entry in found["data"]]
    assert callers == [(world.a.id, "billing-1")] * 2


async def test_what_is_too_old_is_cancelled_and_its_names_and_key_are_free(world: World) -> None:
    line = await world.line(username="bob")
    renewal = {"period": "P1M", "reference": "INV-7"}
    async with crashed(world, tasks=Crashing()) as dying:
        create = await dying.a.api.post("/v1/lines", NEW, headers=KEYED)
        renew = await dying.a.api.post(f"/v1/lines/{line['id']}/renew", renewal)
        assert create.status_code == renew.status_code == 202
    calls = len(world.calls())
    assert await recovered(world, after_seconds=901) == 2
    assert len(world.calls()) == calls
    for answer in (create, renew):
        ended = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['id']}")
        assert (ended["state"], ended["problem"]["code"]) == ("failed", "service_unavailable")
        assert await phases(world, ended["id"]) == ["started", "failed"]
    gone = await world.a.api.get(f"/v1/lines/{create.json()['resource_id']}")
    problem_of(gone, 404, "not_found")
    again = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert again.status_code == 201, again.text
    assert "Idempotent-Replayed" not in again.headers
    renewed = await world.a.api.post(f"/v1/lines/{line['id']}/renew", renewal)
    assert renewed.status_code == 200, renewed.text
    assert renewed.json()["expires_at"] > line["expires_at"]


@pytest.mark.parametrize("acts", [False, True], ids=["panel did not act", "panel acted"])
async def test_what_may_have_been_sent_is_looked_for_before_it_is_sent_again(
    world: World, acts: bool
) -> None:
    hanging = Hanging(world.runtime.ports.panels, acts=acts)
    async with crashed(world, panels=hanging) as dying:
        answer = await dying.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert answer.status_code == 202
        await hanging.entered.wait()
    operation_id = answer.json()["id"]
    assert await settled(world, after_seconds=340) == 0  # The lost call may still take effect.
    assert len(world.calls("create")) == (1 if acts else 0)
    taken = await asyncio.gather(*(settled(world, after_seconds=350) for _ in range(3)))
    assert sum(taken) == 1
    operation = await world.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert (operation["state"], operation["attempts"]) == ("succeeded", 1 if acts else 2)
    assert await phases(world, operation_id) == ["started", "succeeded"]
    assert len(world.calls("create")) == len(world.users()) == 1
    again = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["password"] == world.user("anna")["password"]


async def test_a_change_that_was_taken_away_from_a_slow_process_ends_once(
    small_world: World,
) -> None:
    """The process lives after all, and its panel answers: what the reconciler wrote stays."""
    world = small_world
    gate = asyncio.Event()

    class Slow(Hanging):
        async def change(self, *args: Any, **kwargs: Any) -> Any:
            answer = await self.panels.change(*args, **kwargs)
            self.entered.set()
            await gate.wait()
            return answer

    panels = Slow(world.runtime.ports.panels, acts=True)
    async with process(world, panels=panels, **hasty(world)) as slow:
        answer = await slow.a.api.post("/v1/lines", NEW, headers=KEYED)
        await panels.entered.wait()
        assert await settled(world, after_seconds=350) == 1
        gate.set()
        with capture_logs() as logs:
            assert await slow.runtime.ports.tasks.drain(5) == 0
        assert not [entry for entry in logs if entry["event"] == "task.failed"]
    operation = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['id']}")
    assert operation["state"] == "succeeded"
    assert await phases(world, operation["id"]) == ["started", "succeeded"]
    line = await world.a.api.ok("GET", f"/v1/lines/{operation['resource_id']}")
    assert (line["state"], line["version"]) == ("active", 1)
    assert len(world.calls("create")) == 1


async def test_a_change_that_failed_elsewhere_meanwhile_stays_failed(small_world: World) -> None:
    """A slow process has a success in hand, of a line that is reserved no more."""
    world = small_world
    gate = asyncio.Event()

    class Slow(Hanging):
        async def change(self, *args: Any, **kwargs: Any) -> Any:
            answer = await self.panels.change(*args, **kwargs)
            self.entered.set()
            await gate.wait()
            return answer

    panels = Slow(world.runtime.ports.panels, acts=True)
    async with process(world, panels=panels, **hasty(world)) as slow:
        answer = await slow.a.api.post("/v1/lines", NEW, headers=KEYED)
        await panels.entered.wait()
        operation_id = answer.json()["id"]
        world.simulator.panel.tables["users"].update([1], {"admin_notes": "other"}, strict=False)
        world.simulator.panel.tables["users"].update([1], {"password": "other"}, strict=False)
        world.fault({"match": {"sub": "create"}, "fault": "status", "params": {"code": 500}})
        for after in (350, 1_000, 2_000):
            await settled(world, after_seconds=after)
        world.simulator.panel.tables["users"].update(
            [1],
            {"password": world.calls("create")[0].body.split("password%5D=")[1][:16]},
            strict=False,
        )
        gate.set()
        with capture_logs() as logs:
            await slow.runtime.ports.tasks.drain(5)
        assert not [entry for entry in logs if entry["event"] == "task.failed"]
    operation = await world.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert operation["state"] == "failed"


async def test_a_worker_that_was_too_slow_leaves_what_another_took_up(small_world: World) -> None:
    world = small_world
    world.fault({"match": {"sub": "create"}, "fault": "status", "params": {"code": 500}})
    answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    operation_id = OperationId(answer.json()["id"])
    async with world.runtime.database.write(system_scope()) as store:
        now = datetime.now(UTC) + timedelta(seconds=400)
        (taken,) = await store.operations.take_due(now, now + timedelta(seconds=120), 5)
    for after in (600, 1_000, 2_000):
        await settled(world, after_seconds=after)
    calls = len(world.calls())
    await settle(world.runtime.ports, taken)
    assert len(world.calls()) == calls
    operation = await world.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert operation["state"] == "failed"


async def test_a_process_that_stood_still_sends_nothing_late(database_url: str) -> None:
    """By the time it goes on, others may have taken the operation up, or changed the line since."""

    class Still:
        """A cache that takes longer than a call and its answer may take."""

        def __init__(self, cache: Any) -> None:
            self.cache = cache

        def __getattr__(self, name: str) -> Any:
            return getattr(self.cache, name)

        async def raise_epoch(self, *args: Any, **kwargs: Any) -> None:
            await asyncio.sleep(1.1)
            await self.cache.raise_epoch(*args, **kwargs)

    async with a_world(database_url, panels={"settle_seconds": 1}) as world:
        cache = Still(world.runtime.ports.cache)
        async with process(world, cache=cache) as there:
            answer = await there.a.api.post("/v1/lines", NEW, headers=KEYED)
        problem_of(answer, 503, "panel_unavailable")
        assert world.calls("create") == []
        again = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert again.status_code == 201, again.text
        assert len(world.calls("create")) == 1


async def test_an_operation_that_cannot_be_recovered_keeps_no_other_waiting(
    small_world: World,
) -> None:
    world = small_world
    async with crashed(world, tasks=Crashing()) as dying:
        odd = await dying.a.api.post("/v1/lines", {"period": "P1M", "username": "odd"})
        even = await dying.a.api.post("/v1/lines", NEW)
    async with world.runtime.database.write(system_scope()) as store:
        operation = await store.operations.get(OperationId(odd.json()["id"]))
        newer = replace(operation, kind="line.of_the_future")
        assert await store.operations.save(newer, was=operation.state)
    with capture_logs() as logs:
        await recovered(world, after_seconds=40)
    assert [
        entry["operation_id"] for entry in logs if entry["event"] == "operation.not_recovered"
    ] == [odd.json()["id"]]
    ended = await world.a.api.ok("GET", f"/v1/operations/{even.json()['id']}")
    assert ended["state"] == "succeeded"
    assert [row["username"] for row in world.users()] == ["anna"]


async def test_the_workers_do_what_the_services_do(small_world: World) -> None:
    """A tick of each; answers are kept for at least 72 hours and forgotten some time later."""
    world = small_world
    first = await world.a.api.post("/v1/keys", {"name": "shop"}, headers=KEYED)
    for hours, forgotten in ((73, 0), (24 * 30, 1), (24 * 30, 0)):
        clock = SetClock(datetime.now(UTC) + timedelta(hours=hours))
        worker = SweepWorker(runtime_of(world, clock=clock).ports)
        assert await worker.tick() == forgotten
        if not forgotten and hours == 73:
            again = await world.a.api.post("/v1/keys", {"name": "shop"}, headers=KEYED)
            assert again.json() == first.json()
    other = await world.a.api.post("/v1/keys", {"name": "other"}, headers=KEYED)
    assert (other.status_code, "Idempotent-Replayed" in other.headers) == (201, False)
    assert await RecoveryWorker(world.runtime.ports).tick() == 0
    assert [worker.name for worker in world.runtime.workers()] == [
        "recovery",
        "reconciler",
        "strays",
        "drift",
        "sweep",
        *("signing-keys", "token-sweep"),
        *("expiry", "event-sweep", "panel-news", "credits"),
        *("webhook-dispatcher", "webhook-sender", "webhook-mail", "webhook-sweep"),
        *("inbound-reader", "inbound-driver", "inbound-sweep"),
    ]
