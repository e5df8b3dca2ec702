"""A change in one process is seen by those who watch in another, on both databases."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from gateway.bootstrap import Runtime, build
from gateway.domain.caller import Caller
from gateway.domain.errors import NotFound, Unauthenticated
from gateway.domain.ids import LineId, OperationId
from gateway.domain.lines import Line
from gateway.domain.operations import Operation, OperationState
from gateway.domain.subscriptions import State
from gateway.services.context import Context
from gateway.services.watching import changes, watch_line, watch_operation
from tests.world import World, a_world

#: Long enough for a busy machine.
PATIENT_SECONDS = 20.0


@pytest.fixture
async def world(database_url: str, redis_url: str) -> AsyncIterator[World]:
    async with a_world(database_url, redis_url=redis_url) as made:
        yield made


@pytest.fixture
async def there(world: World) -> AsyncIterator[Runtime]:
    """Another process on the same database, Redis and panel."""
    async with build(world.settings) as runtime:
        yield runtime


async def context_of(runtime: Runtime, key: str | None) -> tuple[Context, Any]:
    """Return a request of the one who holds *key*, and how to look it up again."""

    async def identify() -> Caller:
        return await runtime.ports.identity.identify(key or "", None)

    caller = await identify()
    return Context(ports=runtime.ports, caller=caller, request_id="watching"), identify


async def line_stream(runtime: Runtime, key: str | None, line_id: str) -> AsyncGenerator[Line]:
    context, identify = await context_of(runtime, key)
    return changes(
        context, line_id, lambda now: watch_line(now, LineId(line_id)), identify=identify
    )


async def test_a_suspension_here_wakes_a_listener_there(world: World, there: Runtime) -> None:
    """By a notice, not by looking now and then: nobody looks here."""
    line = await world.line()
    async with there.ports.notices.listen(line["id"]) as listener:
        assert await listener.wait(PATIENT_SECONDS)  # Redis has begun to tell.
        await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend", {})
        assert await listener.wait(PATIENT_SECONDS)


async def test_a_watcher_there_sees_what_is_done_here(world: World, there: Runtime) -> None:
    line = await world.line()
    async with aclosing(await line_stream(there, world.a.api.key, line["id"])) as stream:
        seen = await anext(stream)
        assert seen.state_at(there.ports.clock.now()) is State.ACTIVE
        await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend", {})
        while seen.state_at(there.ports.clock.now()) is not State.SUSPENDED:
            seen = await anext(stream)


async def test_a_watcher_there_sees_how_an_operation_here_ends(
    world: World, there: Runtime
) -> None:
    line = await world.line()
    asked = await world.a.api.ok(
        "POST",
        f"/v1/lines/{line['id']}/suspend",
        {},
        status=202,
        headers={"Prefer": "respond-async"},
    )
    operation_id = OperationId(asked["id"])
    context, identify = await context_of(there, world.a.api.key)
    stream = changes(
        context, operation_id, lambda now: watch_operation(now, operation_id), identify=identify
    )
    async with aclosing(stream):
        seen: list[Operation] = [state async for state in stream]
    assert seen[-1].state is OperationState.SUCCEEDED


async def test_a_revoked_key_sees_nothing_more(world: World, there: Runtime) -> None:
    line = await world.line()
    issued = await world.operator.ok(
        "POST", "/v1/keys", {"name": "watcher", "reseller_id": world.a.id}, status=201
    )
    async with aclosing(await line_stream(there, issued["key"], line["id"])) as stream:
        await anext(stream)
        answer = await world.operator.delete(f"/v1/keys/{issued['id']}")
        assert answer.status_code == 204
        await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"notes": "secret"})
        with pytest.raises(Unauthenticated):
            await anext(stream)


async def test_a_foreign_line_cannot_be_watched(world: World, there: Runtime) -> None:
    line = await world.line()
    async with aclosing(await line_stream(there, world.b.api.key, line["id"])) as stream:
        with pytest.raises(NotFound):
            await anext(stream)


async def test_without_redis_a_watcher_sees_the_changes_of_its_own_process(
    database_url: str,
) -> None:
    async with a_world(database_url) as world:
        line = await world.line()
        async with world.runtime.ports.notices.listen(line["id"]) as listener:
            await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend", {})
            assert await listener.wait(0)
