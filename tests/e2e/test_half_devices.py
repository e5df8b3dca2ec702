"""A device that a panel makes, or keeps, by half: never a success, never a second create."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.e2e.support import eager, held, panel_held, problem_of, process
from tests.world import World, a_world

MAC = "00:1A:79:AB:CD:EF"
NEW = {"mac": MAC, "period": "P1M", "bouquet_ids": [1]}
KEYED = {"Idempotency-Key": "order-1"}
FRESH = {"Cache-Control": "no-cache"}


def lose_lines(world: World) -> None:
    """Delete every line on the panel; devices stay."""
    users = world.simulator.panel.tables["users"]
    for key in list(users.rows):
        users.delete(key)


async def is_unknown_for_good(world: World, answer: httpx2.Response, words: str) -> None:
    """Expect an operation of unknown outcome that says why, and is never sent again."""
    operation = answer.json()
    assert (answer.status_code, operation["state"]) == (202, "unknown"), answer.text
    assert operation["problem"]["code"] == "outcome_unknown"
    assert words in operation["problem"]["detail"]
    device = await world.a.api.ok("GET", f"/v1/devices/{operation['resource_id']}")
    assert (device["state"], device["observed"]) == ("unknown", None)
    again = await world.a.api.post("/v1/devices", NEW, headers=KEYED)
    assert (again.status_code, again.json()["state"]) == (202, "unknown")
    problem_of(await world.a.api.post("/v1/devices", NEW), 409, "mac_taken")
    assert len(world.calls("create")) == 1


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "may have made the line behind it only"),
        ({"missing": "outputs"}, "may have made the line behind it only"),
        ({"answer": "500"}, "not usable"),
        ({"answer": "reset"}, "no answer came"),
    ],
)
async def test_a_line_made_without_its_device_is_an_unknown_outcome(
    small_world: World, params: dict[str, Any], words: str
) -> None:
    world = small_world
    world.fault({"match": {}, "fault": "half_mag", "params": params})
    answer = await world.a.api.post("/v1/devices", NEW, headers=KEYED)
    await is_unknown_for_good(world, answer, words)
    assert (len(world.users()), len(world.simulator.panel.tables["mag_devices"])) == (1, 0)


async def test_a_strict_database_that_makes_the_line_only_is_an_unknown_outcome(
    database_url: str,
) -> None:
    async with a_world(database_url, profile="v2-strict") as world:
        answer = await world.a.api.post("/v1/devices", NEW, headers=KEYED)
        await is_unknown_for_good(world, answer, "may have made the line behind it only")


async def test_a_device_made_without_its_line_is_an_unknown_outcome(small_world: World) -> None:
    world = small_world
    async with panel_held(world, "log"), process(world, **eager(world)) as there:
        asked = there.runtime.ports.tasks.spawn(
            there.a.api.post("/v1/devices", NEW, headers=KEYED), name="asked"
        )
        await held(world)
        lose_lines(world)
        world.simulator.panel.world.gates.release()
        answer = await asked
    await is_unknown_for_good(world, answer, "the line behind the device is missing")


async def test_a_device_that_lost_its_line_is_neither_shown_from_before_nor_absent(
    world: World,
) -> None:
    made = await world.a.api.ok("POST", "/v1/devices", NEW, status=201)
    path = f"/v1/devices/{made['id']}"
    lose_lines(world)
    sent = len(world.calls())
    for answer in (
        await world.a.api.get(path, headers=FRESH),
        await world.a.api.get(f"{path}/info", headers=FRESH),
        await world.a.api.post("/v1/devices/lookup", {"mac": MAC}, headers=FRESH),
    ):
        problem = problem_of(answer, 409, "state_conflict")
        assert "not the line behind it" in problem["detail"]
    assert len(world.calls()) == sent + 3  # Asking again would not mend it.


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("/renew", {"period": "P1M"}),
        ("/renew", {"expires_at": "2031-01-01T00:00:00Z"}),
        ("/suspend", None),
        ("/terminate", None),
    ],
)
async def test_a_device_that_lost_its_line_refuses_changes_for_sure(
    small_world: World, verb: str, body: Any
) -> None:
    world = small_world
    made = await world.a.api.ok("POST", "/v1/devices", NEW, status=201)
    lose_lines(world)
    problem = problem_of(
        await world.a.api.post(f"/v1/devices/{made['id']}{verb}", body), 409, "state_conflict"
    )
    assert "not the line behind it" in problem["detail"]
    operation = await world.a.api.ok("GET", f"/v1/operations/{problem['operation_id']}")
    assert operation["state"] == "failed"


async def test_half_a_device_is_not_adopted(small_world: World) -> None:
    world = small_world
    world.simulator.panel.tables["mag_devices"].insert(
        {"user_id": 99, "mac": "MDA6MUE6Nzk6QUI6Q0Q6RUY="}, strict=False
    )
    wanted = {"panel_id": world.panel_id, "reseller_id": world.a.id, "mac": MAC}
    answer = await world.operator.post("/v1/devices/import", wanted)
    assert "not the line behind it" in problem_of(answer, 409, "state_conflict")["detail"]
