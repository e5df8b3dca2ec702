"""What expires is told before, at its reseller's marks, and when it does; each once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.services.expiry import tell_expiries
from gateway.workers.recovery import system_context
from tests.e2e.events import events
from tests.e2e.support import SetClock, process, runtime_of, text_of
from tests.world import World

DAY = timedelta(days=1)
START = datetime.now(UTC).replace(microsecond=0)


async def look(world: World, days: float, *, times: int = 2) -> None:
    """Let so many processes look at once, so many days from the start, until nothing is left."""
    clock = SetClock(START + days * DAY)

    async def one() -> None:
        context = system_context(runtime_of(world, clock=clock).ports, "expiry")
        while await tell_expiries(context):
            pass

    await asyncio.gather(*(one() for _ in range(times)))


async def told(world: World, resource_id: str) -> list[tuple[str, Any]]:
    """Return what was told of an end, oldest first: verb and mark."""
    found = await events(world, resource_id=resource_id)
    return [
        (event["type"].partition(".")[2], event["data"].get("mark"))
        for event in found
        if event["type"].endswith(("expiring", "expired"))
    ]


def ends_in(days: float) -> str:
    return text_of(START + days * DAY)


@pytest.mark.parametrize("noun", ["lines", "devices"])
async def test_each_mark_is_told_once_and_so_is_the_end(world: World, noun: str) -> None:
    body = {"expires_at": ends_in(30)}
    if noun == "devices":
        body["mac"] = "00:1A:79:AB:CD:EF"
    made = await world.a.api.ok("POST", f"/v1/{noun}", body, status=201)
    expected: list[tuple[str, Any]] = []
    steps = ((1, None), (22.9, None), (23, ("expiring", "P7D")), (28, None))
    ends = ((29.5, ("expiring", "P1D")), (29.6, None), (30, ("expired", None)), (40, None))
    for days, more in (*steps, *ends):
        await look(world, days)
        expected += [more] if more else []
        assert await told(world, made["id"]) == expected, days
    (*_, last) = await events(world, resource_id=made["id"])
    assert last["data"]["state"] == "expired"


async def test_a_mark_that_had_passed_when_it_was_made_is_not_told(world: World) -> None:
    made = await world.line(expires_at=ends_in(3))
    await look(world, 1)
    assert await told(world, made["id"]) == []
    await look(world, 2.5)
    assert await told(world, made["id"]) == [("expiring", "P1D")]


async def test_what_was_missed_while_nobody_looked_is_told_later(world: World) -> None:
    made = await world.line(expires_at=ends_in(30))
    gone = await world.line(expires_at=ends_in(29))
    await look(world, 29.5)
    assert await told(world, made["id"]) == [("expiring", "P7D"), ("expiring", "P1D")]
    assert await told(world, gone["id"]) == [("expired", None)]


async def test_a_renewal_makes_new_marks(world: World) -> None:
    made = await world.line(expires_at=ends_in(30))
    await look(world, 25)
    assert await told(world, made["id"]) == [("expiring", "P7D")]
    renew = f"/v1/lines/{made['id']}/renew"
    await world.a.api.ok("POST", renew, {"expires_at": ends_in(60)})
    await look(world, 31)
    assert await told(world, made["id"]) == [("expiring", "P7D")]
    await look(world, 54)
    await look(world, 61)
    assert await told(world, made["id"]) == [
        *(("expiring", "P7D"), ("expiring", "P7D"), ("expired", None)),
    ]


async def test_other_changes_tell_nothing_again(world: World) -> None:
    made = await world.line(expires_at=ends_in(30))
    await look(world, 25)
    path = f"/v1/lines/{made['id']}"
    await world.a.api.ok("PATCH", path, {"metadata": {"a": "b"}})
    await world.a.api.ok("POST", f"{path}/suspend")
    await look(world, 26)
    assert await told(world, made["id"]) == [("expiring", "P7D")]
    await world.a.api.ok("POST", f"{path}/terminate")
    await look(world, 40)
    assert await told(world, made["id"]) == [("expiring", "P7D")]


async def test_what_never_expires_tells_nothing(world: World) -> None:
    made = await world.line(never_expires=True)
    await look(world, 5_000)
    assert await told(world, made["id"]) == []


async def test_marks_are_the_resellers_own_and_may_change(world: World) -> None:
    mine = await world.line(expires_at=ends_in(30))
    theirs = await world.line(world.b.api, expires_at=ends_in(30))
    operators = await world.line(world.operator, panel_id=world.panel_id, expires_at=ends_in(30))
    await look(world, 24)
    policy = {"policy": {"expiring_marks": ["P7D", "P3D"]}}
    async with process(world, clock=SetClock(START + 24 * DAY)) as later:
        await later.operator.ok("PATCH", f"/v1/resellers/{world.a.id}", policy)
    await look(world, 27)
    await look(world, 29.5)
    assert await told(world, mine["id"]) == [("expiring", "P7D"), ("expiring", "P3D")]
    both = [("expiring", "P7D"), ("expiring", "P1D")]
    assert await told(world, theirs["id"]) == both
    assert await told(world, operators["id"]) == both
