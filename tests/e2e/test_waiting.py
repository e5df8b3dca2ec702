"""The wait belongs to the request, the work does not: deadlines and clients that go away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.support import hasty, held, panel_held, problem_of, process
from tests.world import World, a_world

KEYED = {"Idempotency-Key": "order-1"}
NEW = {"period": "P1M", "username": "anna", "bouquet_ids": [1]}


@pytest.fixture
async def impatient(small_world: World) -> AsyncIterator[World]:
    """A gateway that answers 202 after a fifth of a second."""
    async with process(small_world, **hasty(small_world)) as made:
        yield made


async def finished(world: World) -> None:
    assert await world.runtime.ports.tasks.drain(10) == 0


async def test_a_change_that_is_still_being_sent_is_202_and_ends_behind_the_answer(
    impatient: World,
) -> None:
    api = impatient.a.api
    async with panel_held(impatient, "answer"):
        answer = await api.post("/v1/lines", NEW, headers=KEYED)
        assert answer.status_code == 202
        await held(impatient)
        operation = await api.ok("GET", answer.headers["Location"])
        assert operation["id"] == answer.json()["id"]
        assert (operation["state"], operation["attempts"]) == ("sending", 1)
        assert operation["problem"] is None
        pending = await api.ok("GET", f"/v1/lines/{operation['resource_id']}")
        assert (pending["state"], pending["observed"]) == ("pending", None)
        assert "password" not in pending
        waiting = await api.post("/v1/lines", NEW, headers=KEYED)
        assert (waiting.status_code, waiting.json()["state"]) == (202, "sending")
        assert waiting.headers["Idempotent-Replayed"] == "true"
        info = await api.get(f"/v1/lines/{operation['resource_id']}/info")
        problem_of(info, 409, "state_conflict")
    await finished(impatient)
    ended = await api.ok("GET", answer.headers["Location"])
    assert (ended["state"], ended["settles_at"]) == ("succeeded", None)
    final = await api.post("/v1/lines", NEW, headers=KEYED)
    assert final.status_code == 201
    assert final.json()["password"] == impatient.user("anna")["password"]
    assert len(impatient.calls("create")) == 1


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "wait=1"])
async def test_what_a_caller_prefers_to_wait_does_not_shorten_a_change_that_was_sent(
    small_world: World, prefer: str
) -> None:
    """The panel takes longer than the caller waits; its answer is waited for all the same."""
    api = small_world.a.api
    slow = {"match": {"sub": "create"}, "fault": "delay_after", "params": {"seconds": 2.0}}
    small_world.fault(slow)
    answer = await api.post("/v1/lines", NEW, headers=KEYED | {"Prefer": prefer})
    assert answer.status_code == 202
    await finished(small_world)
    ended = await api.ok("GET", answer.headers["Location"])
    assert (ended["state"], ended["attempts"]) == ("succeeded", 1)
    assert len(small_world.calls("create")) == 1


async def test_a_change_that_is_not_even_planned_is_202_prepared(
    small_world: World, impatient: World
) -> None:
    """A renewal asks the panel first what the line has."""
    line = await small_world.line(username="anna")
    async with panel_held(impatient, "check"):
        answer = await impatient.a.api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1M"})
        assert (answer.status_code, answer.json()["state"]) == (202, "prepared")
        assert (answer.json()["attempts"], answer.json()["settles_at"]) == (0, None)
        assert not impatient.calls("edit")
    await finished(impatient)
    ended = await impatient.a.api.ok("GET", answer.headers["Location"])
    assert ended["state"] == "succeeded"
    seen = await impatient.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert seen["expires_at"] > line["expires_at"]
    assert len(impatient.calls("edit")) == 1


async def test_a_change_behind_a_slow_one_waits_its_turn(
    small_world: World, impatient: World
) -> None:
    line = await small_world.line(username="anna")
    api = impatient.a.api
    async with panel_held(impatient, "write_1"):
        first = await api.post(f"/v1/lines/{line['id']}/suspend")
        await held(impatient)
        second = await api.patch(f"/v1/lines/{line['id']}", {"notes": "x"})
        assert (second.status_code, second.json()["state"]) == (202, "prepared")
        assert len(impatient.calls("edit")) == 1
    await finished(impatient)
    for answer in (first, second):
        ended = await api.ok("GET", answer.headers["Location"])
        assert ended["state"] == "succeeded", ended
    row = impatient.user("anna")
    assert (row["enabled"], row["reseller_notes"]) == (0, "x")
    seen = await api.ok("GET", f"/v1/lines/{line['id']}")
    assert (seen["state"], seen["notes"], seen["version"]) == ("suspended", "x", 3)


async def test_a_refusal_that_comes_after_the_deadline_is_in_the_operation(
    impatient: World,
) -> None:
    api = impatient.a.api
    taken = NEW | {"password": "same-pair"}
    users = impatient.simulator.panel.tables["users"]
    users.insert({"username": "anna", "password": "same-pair"}, strict=False)
    async with panel_held(impatient, "answer"):
        answer = await api.post("/v1/lines", taken, headers=KEYED)
        assert answer.status_code == 202
    await finished(impatient)
    ended = await api.ok("GET", answer.headers["Location"])
    assert (ended["state"], ended["problem"]["code"]) == ("failed", "username_taken")
    replayed = await api.post("/v1/lines", taken, headers=KEYED)
    problem = problem_of(replayed, 409, "username_taken")
    assert problem["operation_id"] == ended["id"]
    assert replayed.headers["Idempotent-Replayed"] == "true"
    problem_of(await api.get(f"/v1/lines/{ended['resource_id']}"), 404, "not_found")


async def test_a_client_that_goes_away_stops_nothing(world: World) -> None:
    async with panel_held(world, "write_1"):
        asking = asyncio.create_task(world.a.api.post("/v1/lines", NEW, headers=KEYED))
        await held(world)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    await finished(world)
    final = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (final.status_code, final.headers["Idempotent-Replayed"]) == (201, "true")
    assert final.json()["password"] == world.user("anna")["password"]
    assert len(world.users()) == 1
    entries = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"resource_id": final.json()["id"]}
    )
    assert [entry["phase"] for entry in entries["data"]] == ["succeeded", "started"]


async def test_a_reader_that_goes_away_takes_no_answer_from_the_others(
    small_world: World,
) -> None:
    world = small_world
    line = await world.line()
    await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", {"metadata": {"k": "v"}})
    path = f"/v1/lines/{line['id']}/info"
    async with panel_held(world, "check"):
        fresh = {"Cache-Control": "no-cache", "X-Request-Id": "same"}
        first, second = (
            asyncio.create_task(world.a.api.get(path, headers=fresh)) for _ in range(2)
        )
        await held(world)
        first.cancel()
        await asyncio.sleep(0)
    assert (await second).status_code == 200


async def test_a_ghost_lands_after_the_answer_and_nobody_claims_to_know(
    tmp_path: Path,
) -> None:
    """The panel acts after we hung up (P04): 202, unknown, and the name stays reserved."""
    url = f"sqlite:///{tmp_path}/g.db"
    async with a_world(url, panels={"settle_seconds": 1}) as world:
        world.fault(
            {
                "match": {"sub": "create"},
                "fault": "ghost_write",
                "params": {"seconds": 0.1},
                "times": 1,
            }
        )
        answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert (answer.status_code, answer.json()["state"]) == (202, "unknown")
        await world.simulator.panel.wait_idle()
        assert [row["username"] for row in world.users()] == ["anna"]
        again = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
        assert (again.status_code, again.json()["state"]) == (202, "unknown")
        other = await world.b.api.post("/v1/lines", NEW)
        problem_of(other, 409, "username_taken")
        assert len(world.calls("create")) == 1
