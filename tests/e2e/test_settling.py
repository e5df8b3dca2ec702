"""An unknown outcome becomes a known one: the panel is looked at when nothing can land any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from gateway.services.reconcile import settle_operations
from gateway.services.strays import watch_strays
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, on_panel, problem_of, runtime_of
from tests.world import World, a_world

KEYED = {"Idempotency-Key": "order-1"}
NEW = {"username": "anna", "period": "P1M"}
LOST_BEFORE = {"fault": "status", "params": {"code": 500, "effect": "none"}}
LOST_AFTER = {"fault": "status", "params": {"code": 500, "effect": "after"}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with a_world(database_url, panels={"settle_seconds": 60}) as made:
        yield made


def lose(world: World, sub: str, how: dict[str, Any], *, times: int = 1) -> None:
    world.fault({"match": {"sub": sub}, "times": times} | how)


async def later(world: World, seconds: float = 200) -> int:
    """Run one tick of the reconciler, so much later."""
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=seconds))
    ports = runtime_of(world, clock=clock).ports
    return await settle_operations(system_context(ports, "reconciler"))


async def phases(world: World, operation_id: str) -> list[str]:
    found = await world.operator.ok(
        "GET", "/v1/audit/entries", params={"operation_id": operation_id}
    )
    return [entry["phase"] for entry in reversed(found["data"])]


async def state_of(world: World, operation_id: str) -> str:
    found = await world.operator.ok("GET", f"/v1/operations/{operation_id}")
    state: str = found["state"]
    return state


async def test_a_creation_that_landed_is_found_and_confirmed(world: World) -> None:
    lose(world, "create", LOST_AFTER)
    answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (answer.status_code, answer.json()["state"]) == (202, "unknown")
    assert await later(world, 50) == 0  # It may still land.
    assert await later(world) == 1
    assert await state_of(world, answer.json()["id"]) == "succeeded"
    assert len(world.calls("create")) == 1
    final = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert (final.status_code, final.headers["Idempotent-Replayed"]) == (201, "true")
    assert final.json()["password"] == world.user("anna")["password"]
    assert final.json()["state"] == "active"
    assert await phases(world, answer.json()["id"]) == ["started", "unknown", "succeeded"]


async def test_a_creation_that_did_not_land_is_sent_again_with_the_same_names(
    world: World,
) -> None:
    lose(world, "create", LOST_BEFORE)
    answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    assert answer.status_code == 202
    assert world.users() == []
    assert await later(world) == 1
    operation = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['id']}")
    assert (operation["state"], operation["attempts"]) == ("succeeded", 2)
    first, second = world.calls("create")
    assert first.body == second.body
    assert len(world.users()) == 1


async def test_what_never_lands_fails_after_three_calls_and_frees_the_name(world: World) -> None:
    lose(world, "create", LOST_BEFORE, times=9)
    answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    for round_ in range(1, 4):
        assert await later(world, 200 * round_) == 1
    assert len(world.calls("create")) == 3
    assert await state_of(world, answer.json()["id"]) == "failed"
    again = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    problem_of(again, 503, "panel_unavailable")
    assert again.headers["Idempotent-Replayed"] == "true"
    world.simulator.panel.faults.clear()
    other = await world.a.api.post("/v1/lines", NEW, headers={"Idempotency-Key": "order-2"})
    assert other.status_code == 201


async def test_a_line_of_somebody_else_is_never_adopted(world: World) -> None:
    lose(world, "create", LOST_BEFORE)
    wanted = NEW | {"password": "chosen-1"}
    answer = await world.a.api.post("/v1/lines", wanted)
    assert answer.status_code == 202
    columns: dict[str, Any] = {"username": "anna", "password": "chosen-1", "enabled": 1}
    world.simulator.panel.tables["users"].insert(
        columns | {"admin_enabled": 1, "bouquet": "[1]", "max_connections": 1}, strict=False
    )
    assert await later(world) == 1
    operation = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['id']}")
    assert (operation["state"], operation["problem"]["code"]) == ("failed", "username_taken")
    assert len(world.users()) == 1
    assert len(world.calls("create")) == 1


async def test_an_edit_is_confirmed_or_sent_again(world: World) -> None:
    line = await world.line(username="anna")
    path = f"/v1/lines/{line['id']}"
    for how, attempts in ((LOST_AFTER, 1), (LOST_BEFORE, 2)):
        lose(world, "edit", how)
        answer = await world.a.api.post(f"{path}/renew", {"period": "P1M"})
        assert answer.status_code == 202, answer.text
        until = world.user("anna")["exp_date"]
        assert await later(world) == 1
        operation = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['id']}")
        assert (operation["state"], operation["attempts"]) == ("succeeded", attempts)
        if how is LOST_AFTER:
            assert world.user("anna")["exp_date"] == until
    shown = await world.a.api.ok("GET", path)
    months = datetime.fromisoformat(shown["expires_at"]) - datetime.fromisoformat(
        line["expires_at"]
    )
    assert timedelta(days=58) <= months <= timedelta(days=63)


@pytest.mark.parametrize(("how", "calls"), [(LOST_AFTER, 1), (LOST_BEFORE, 2)])
async def test_a_rotation_survives_a_lost_answer(
    world: World, how: dict[str, Any], calls: int
) -> None:
    line = await world.line(username="anna")
    lose(world, "edit", how)
    path = f"/v1/lines/{line['id']}/rotate-password"
    answer = await world.a.api.post(path, headers=KEYED)
    assert answer.status_code == 202
    assert await later(world) == 1
    final = await world.a.api.post(path, headers=KEYED)
    assert final.status_code == 200
    assert final.json()["password"] == world.user("anna")["password"] != line["password"]
    assert len(world.calls("edit")) == calls


@pytest.mark.parametrize("how", [LOST_AFTER, LOST_BEFORE])
async def test_a_rotation_to_the_present_password_is_not_for_a_person(
    world: World, how: dict[str, Any]
) -> None:
    line = await world.line(username="anna")
    lose(world, "edit", how)
    body = {"password": line["password"]}
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/rotate-password", body)
    assert answer.status_code == 202
    assert await later(world) == 1
    assert await state_of(world, answer.json()["id"]) == "succeeded"


async def test_a_termination_that_the_firewall_hides_is_not_called_undone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with a_world(url, profile="hardened", panels={"settle_seconds": 60}) as world:
        key = world.simulator.panel.switches.api_pass
        await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"api_pass": key})
        line = await world.line(username="anna")
        await world.line(username="control")
        lose(world, "edit", LOST_AFTER)
        answer = await world.a.api.post(f"/v1/lines/{line['id']}/terminate")
        assert answer.status_code == 202
        assert world.user("anna")["enabled"] == 0
        await world.simulator.panel.clock.travel(16 * 60)
        assert await later(world) == 1
        operation = await world.operator.ok("GET", f"/v1/operations/{answer.json()['id']}")
        assert (operation["state"], operation["problem"]["code"]) == ("manual", "panel_line_gated")


async def test_a_password_that_neither_opens_is_for_a_person(world: World) -> None:
    line = await world.line(username="anna")
    lose(world, "edit", LOST_BEFORE)
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/rotate-password")
    on_panel(world, line, password="changed-by-hand")
    assert await later(world) == 1
    operation_id = answer.json()["id"]
    assert await state_of(world, operation_id) == "manual"
    path = f"/v1/operations/{operation_id}/resolve"
    denied = await world.a.api.post(path, {"decision": "applied"})
    problem_of(denied, 403, "permission_denied")
    tried = await world.operator.ok(
        "POST", path, {"decision": "not_applied"}, params={"dry_run": "true"}
    )
    assert tried["dry_run"]
    assert await state_of(world, operation_id) == "manual"
    done = await world.operator.ok("POST", path, {"decision": "not_applied", "note": "seen"})
    assert done["state"] == "failed"
    late = await world.operator.post(path, {"decision": "applied"})
    problem_of(late, 409, "state_conflict")
    kept = await world.a.api.ok("GET", f"/v1/lines/{line['id']}/credentials")
    assert kept["password"] == line["password"]
    told = ["failed", "started", "succeeded", "unknown", "unknown"]  # The last by the operator.
    assert sorted(await phases(world, operation_id)) == told


async def test_a_person_can_say_that_it_was_applied(world: World) -> None:
    line = await world.line(username="anna")
    lose(world, "edit", LOST_BEFORE)
    body = {"password": "by-hand-1"}
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/rotate-password", body, headers=KEYED)
    on_panel(world, line, password="something-else")
    await later(world)
    on_panel(world, line, password="by-hand-1")
    await world.operator.ok(
        "POST", f"/v1/operations/{answer.json()['id']}/resolve", {"decision": "applied"}
    )
    shown = await world.a.api.ok("GET", f"/v1/lines/{line['id']}/credentials")
    assert shown["password"] == "by-hand-1"
    seen = await world.a.api.ok("GET", f"/v1/lines/{line['id']}/info")
    assert seen["username"] == "anna"
    assert len(world.calls("edit")) == 1


async def test_a_panel_that_cannot_be_asked_is_asked_again_and_then_a_person(
    world: World,
) -> None:
    lose(world, "create", LOST_AFTER)
    answer = await world.a.api.post("/v1/lines", NEW, headers=KEYED)
    operation_id = answer.json()["id"]
    world.fault({"match": {"sub": "info"}, "fault": "db_down", "params": {}})
    when = 200.0
    for _ in range(8):
        assert await state_of(world, operation_id) == "unknown"
        assert await later(world, when) == 1
        when += 100
    assert await state_of(world, operation_id) == "manual"
    assert await later(world, when + 10) == 0
    world.simulator.panel.faults.clear()
    assert await later(world, when + 400) == 1
    assert await state_of(world, operation_id) == "succeeded"
    assert len(world.calls("create")) == 1


async def test_that_somebody_looks_is_nobodys_business(world: World) -> None:
    problem_of(await world.operator.get("/v1/operations?state=probing"), 422, "invalid_request")


async def test_many_workers_settle_each_operation_once(world: World) -> None:
    for number in range(6):
        lose(world, "create", LOST_BEFORE)
        await world.a.api.post("/v1/lines", {"username": f"anna-{number}", "period": "P1M"})
    taken = await asyncio.gather(*(later(world) for _ in range(4)))
    assert sum(taken) == 6
    assert len(world.calls("create")) == 12
    assert len(world.users()) == 6


async def test_a_ghost_after_the_waiting_time_is_found_and_disabled(world: World) -> None:
    lose(world, "create", LOST_BEFORE, times=9)
    answer = await world.a.api.post("/v1/lines", NEW)
    for round_ in range(1, 4):
        await later(world, 200 * round_)
    failed = answer.json()["id"]
    assert await state_of(world, failed) == "failed"
    world.simulator.panel.faults.clear()
    assert await watch(world, 700) == 0
    lands(world, failed)
    assert await watch(world, 1300) == 1
    assert world.user("anna")["enabled"] == 0
    assert await state_of(world, failed) == "failed"
    found = await world.operator.ok("GET", "/v1/operations", params={"kind": "line.disable_stray"})
    assert [each["state"] for each in found["data"]] == ["succeeded"]
    assert await watch(world, 1300) == 0
    assert await watch(world, 1300 + 3_700) == 1  # It is looked for twice more.
    assert await watch(world, 1300 + 3_700 + 90_000) == 1
    assert await watch(world, 500_000) == 0
    assert len(world.calls("edit")) == 3


async def test_a_ghost_that_the_panel_does_not_let_us_disable_is_for_a_person(
    world: World,
) -> None:
    lose(world, "create", LOST_BEFORE, times=3)
    answer = await world.a.api.post("/v1/lines", NEW)
    for round_ in range(1, 4):
        await later(world, 200 * round_)
    lands(world, answer.json()["id"])
    lose(world, "edit", {"fault": "refuse", "params": {"kind": "404"}}, times=9)
    assert await watch(world, 1300) == 1
    found = await world.operator.ok("GET", "/v1/operations", params={"kind": "line.disable_stray"})
    assert [each["state"] for each in found["data"]] == ["manual"]
    assert await watch(world, 1300 + 3_700) == 1  # It is looked for all the same, but not sent.
    assert len(world.calls("edit")) == 1


async def test_a_second_ghost_behind_a_disabled_one_is_disabled_too(world: World) -> None:
    """The panel shows the first of two with one name and password, and edits both."""
    lose(world, "create", LOST_BEFORE, times=9)
    answer = await world.a.api.post("/v1/lines", NEW)
    for round_ in range(1, 4):
        await later(world, 200 * round_)
    world.simulator.panel.faults.clear()
    for when in (1300, 1300 + 3_700):
        lands(world, answer.json()["id"])
        assert await watch(world, when) == 1
        assert [row["enabled"] for row in world.users()] == [0] * len(world.users())
    assert len(world.users()) == 2


async def test_what_a_person_says_was_not_done_is_looked_for_as_well(world: World) -> None:
    lose(world, "create", LOST_BEFORE)
    answer = await world.a.api.post("/v1/lines", NEW)
    operation_id = answer.json()["id"]
    lands(world, operation_id)
    row = world.user("anna")
    world.simulator.panel.tables["users"].update([row["id"]], {"max_connections": 7}, strict=False)
    assert await later(world) == 1
    assert await state_of(world, operation_id) == "manual"
    path = f"/v1/operations/{operation_id}/resolve"
    await world.operator.ok("POST", path, {"decision": "not_applied"})
    assert await watch(world, 900) == 1
    assert world.user("anna")["enabled"] == 0


async def test_a_look_for_a_ghost_that_told_nothing_is_taken_again(world: World) -> None:
    lose(world, "create", LOST_BEFORE, times=3)
    answer = await world.a.api.post("/v1/lines", NEW)
    for round_ in range(1, 4):
        await later(world, 200 * round_)
    lands(world, answer.json()["id"])
    world.fault({"match": {"sub": "info"}, "fault": "db_down", "params": {}})
    when = 1300.0
    for _ in range(4):
        assert await watch(world, when) == 1
        when += 310
    assert world.user("anna")["enabled"] == 1
    world.simulator.panel.faults.clear()
    assert await watch(world, when) == 1
    assert world.user("anna")["enabled"] == 0
    assert await watch(world, when + 310) == 0


async def test_a_ghost_under_a_name_in_use_is_for_a_person(world: World) -> None:
    lose(world, "create", LOST_BEFORE, times=3)
    wanted = NEW | {"password": "chosen-1"}
    answer = await world.a.api.post("/v1/lines", wanted)
    for round_ in range(1, 4):
        await later(world, 200 * round_)
    made = await world.a.api.ok("POST", "/v1/lines", wanted, status=201)
    lands(world, answer.json()["id"], password="chosen-1")
    world.simulator.panel.tables["users"].delete(world.users()[0]["id"])
    assert await watch(world, 1300) == 1
    found = await world.operator.ok("GET", "/v1/operations", params={"kind": "line.disable_stray"})
    assert [each["state"] for each in found["data"]] == ["manual"]
    assert world.calls("edit") == []
    assert (await world.a.api.ok("GET", f"/v1/lines/{made['id']}"))["state"] == "active"


def lands(world: World, operation_id: str, *, password: str | None = None) -> None:
    """Let the creation take effect on the panel now, as a ghost would."""
    form = dict(parse_qsl(world.calls("create")[0].body, keep_blank_values=True))
    world.simulator.panel.tables["users"].insert(
        {
            "username": form["user_data[username]"],
            "password": password or form["user_data[password]"],
            "exp_date": int(form["user_data[exp_date]"]),
            "admin_notes": form["user_data[admin_notes]"],
            "bouquet": form["user_data[bouquet]"],
            "enabled": 1,
            "admin_enabled": 1,
            "max_connections": 1,
        },
        strict=False,
    )
    assert form["user_data[admin_notes]"].startswith(operation_id)


async def test_a_device_that_is_not_made_is_never_sent_twice(tmp_path: Path) -> None:
    async with a_world(
        f"sqlite:///{tmp_path}/g.db", profile="v2-strict", panels={"settle_seconds": 60}
    ) as world:
        answer = await world.a.api.post(
            "/v1/devices", {"mac": "00:1A:79:AB:CD:EF", "period": "P1M"}
        )
        assert answer.status_code == 202
        assert await later(world) == 1
        operation = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['id']}")
        assert (operation["state"], operation["problem"]["code"]) == (
            "failed",
            "panel_unsupported",
        )
        assert len(world.calls("create")) == 1
        await _is_asked_for_no_more(world)


async def _is_asked_for_no_more(world: World) -> None:
    """Hold that the panel is remembered as one without devices, until an operator says else."""
    path, wish = f"/v1/panels/{world.panel_id}", {"mac": "00:1A:79:AB:CD:E0", "period": "P1M"}
    assert (await world.operator.ok("GET", path))["creates_devices"] is False
    entry = (await world.operator.ok("GET", "/v1/audit/entries?action=panel.update"))["data"][0]
    assert (entry["caller"]["kind"], entry["after"]) == ("system", {"creates_devices": False})
    refused = await world.a.api.post("/v1/devices", wish)
    assert (refused.status_code, refused.json()["code"]) == (501, "panel_unsupported")
    assert len(world.calls("create")) == 1
    await world.operator.ok("PATCH", path, {"creates_devices": True})
    assert (await world.a.api.post("/v1/devices", wish)).status_code == 202
    assert len(world.calls("create")) == 2


async def watch(world: World, seconds: float) -> int:
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=seconds))
    return await watch_strays(system_context(runtime_of(world, clock=clock).ports, "strays"))
