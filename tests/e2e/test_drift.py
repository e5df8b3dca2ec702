"""Drifts: what others change on a panel is found, written down, and decided by a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.services.drift_sweep import compare_resources
from gateway.services.reconcile import settle_operations
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, changes_sent, on_panel, problem_of, runtime_of, text_of
from tests.world import World, a_world

DAY = timedelta(days=1)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


async def sweep(world: World, days: float = 2, **limits: Any) -> int:
    """Run one tick of the worker, so many days from now."""
    clock = SetClock(datetime.now(UTC) + days * DAY)
    ports = runtime_of(world, clock=clock, **limits).ports
    return await compare_resources(system_context(ports, "drift"))


async def drifts(world: World, **filters: Any) -> list[dict[str, Any]]:
    found = await world.operator.ok("GET", "/v1/drifts", params=filters)
    data: list[dict[str, Any]] = found["data"]
    return data


async def device(world: World, mac: str = "00:1A:79:AB:CD:EF", **fields: Any) -> dict[str, Any]:
    body = {"mac": mac, "expires_at": "2030-01-01T00:00:00Z", "bouquet_ids": [1, 2]} | fields
    return await world.a.api.ok("POST", "/v1/devices", body, status=201)


async def line(world: World, **fields: Any) -> dict[str, Any]:
    return await world.line(**{"expires_at": "2030-01-01T00:00:00Z"} | fields)


def differences(drift: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {it["field"]: (it["ours"], it["theirs"]) for it in drift["differences"]}


async def test_what_nobody_else_changed_is_no_drift(life: World) -> None:
    """Whatever was done with it through the gateway."""
    world = life
    full: dict[str, Any] = {
        "notes": '100 % "x"',
        "allowed_ips": ["203.0.113.7"],
        "max_connections": None,
    }
    plain = await line(world, allowed_user_agents=["VLC"], **full)
    suspended, ended = await line(world), await line(world)
    await world.a.api.ok("POST", f"/v1/lines/{suspended['id']}/suspend")
    await world.a.api.ok("POST", f"/v1/lines/{ended['id']}/terminate")
    await world.a.api.ok("POST", f"/v1/lines/{plain['id']}/rotate-password")
    never = await line(world, expires_at=None, never_expires=True)
    await world.operator.ok("PATCH", f"/v1/lines/{never['id']}", {"admin_enabled": False})
    await device(world, **full)
    assert await sweep(world) == 5
    assert await drifts(world) == []
    assert await sweep(world) == 0  # All were compared a moment ago.


async def test_each_field_that_differs_is_told_with_both_values(world: World) -> None:
    made = await line(world, bouquet_ids=[2, 1], notes="ours")
    on_panel(
        world,
        made,
        exp_date=1_900_000_000,
        max_connections=3,
        bouquet="[1,2,7]",
        admin_enabled=0,
        reseller_notes="theirs",
        is_trial=1,
    )
    with capture_logs() as logs:
        assert await sweep(world) == 1
    (found,) = await drifts(world)
    assert {name: found[name] for name in ("object", "kind", "state", "resource_id")} == {
        "object": "drift",
        "kind": "changed",
        "state": "open",
        "resource_id": made["id"],
    }
    assert (found["panel_id"], found["reseller_id"]) == (world.panel_id, world.a.id)
    assert (found["closed_at"], found["closed_by"]) == (None, None)
    assert differences(found) == {
        "admin_enabled": (True, False),
        "expires_at": ("2030-01-01T00:00:00Z", "2030-03-17T17:46:40Z"),
        "max_connections": (1, 3),
        "bouquet_ids": ([2, 1], [1, 2, 7]),
        "is_trial": (False, True),
        "notes": ("ours", "theirs"),
    }
    assert made["password"] not in str(found)
    (told,) = [it for it in logs if it["event"] == "drift.found"]
    assert (told["resource_id"], told["kind"]) == (made["id"], "changed")
    assert "theirs" not in str(told)


async def test_a_drift_stays_one_record_and_closes_when_it_is_gone(world: World) -> None:
    made = await line(world)
    on_panel(world, made, max_connections=3)
    await sweep(world, 2)
    (first,) = await drifts(world)
    on_panel(world, made, max_connections=4)
    await sweep(world, 4)
    (second,) = await drifts(world)
    assert (second["id"], second["first_seen_at"]) == (first["id"], first["first_seen_at"])
    assert second["last_seen_at"] > first["last_seen_at"]
    assert differences(second) == {"max_connections": (1, 4)}
    on_panel(world, made, max_connections=1)
    await sweep(world, 6)
    assert await drifts(world, state="open") == []
    (closed,) = await drifts(world, state="closed")
    assert (closed["id"], closed["closed_by"]) == (first["id"], "itself")
    on_panel(world, made, max_connections=5)
    await sweep(world, 8)
    assert [it["state"] for it in await drifts(world)] == ["open", "closed"]


async def test_a_change_of_ours_keeps_what_is_written_down_in_step(world: World) -> None:
    made = await line(world)
    path = f"/v1/lines/{made['id']}"
    on_panel(world, made, max_connections=3, bouquet="[9]", enabled=0)
    await sweep(world)
    await world.a.api.ok("PATCH", path, {"max_connections": 2})
    (found,) = await drifts(world)
    assert differences(found) == {"enabled": (True, False), "bouquet_ids": ([1, 2], [9])}
    await world.a.api.ok("POST", f"{path}/resume")
    (found,) = await drifts(world)
    assert differences(found) == {"bouquet_ids": ([1, 2], [9])}
    await world.a.api.ok("PATCH", path, {"bouquet_ids": [9]})
    (found,) = await drifts(world)
    assert (found["state"], found["closed_by"]) == ("closed", "itself")


async def test_a_drift_is_not_kept_where_the_panel_was_not_seen_after_a_change(
    world: World,
) -> None:
    """What was seen before it could be adopted for what is there now."""
    made = await line(world)
    on_panel(world, made, max_connections=3)
    await sweep(world)
    params = {"code": 500, "effect": "none"}
    world.fault({"match": {"sub": "edit"}, "times": 1, "fault": "status", "params": params})
    answer = await world.a.api.post(f"/v1/lines/{made['id']}/rotate-password")
    on_panel(world, made, password="by-hand-1")
    clock = SetClock(datetime.now(UTC) + timedelta(hours=1))
    await settle_operations(system_context(runtime_of(world, clock=clock).ports, "reconciler"))
    adopted = await world.operator.post(f"/v1/lines/{made['id']}/drift/adopt")
    problem_of(adopted, 409, "state_conflict")
    decided = f"/v1/operations/{answer.json()['id']}/resolve"
    await world.operator.ok("POST", decided, {"decision": "applied"})
    assert await drifts(world, state="open") == []
    assert await sweep(world, 0) == 1  # At once, not in a day.
    (found,) = await drifts(world, state="open")
    assert found["kind"] == "missing"


async def test_an_edit_by_another_operator_is_found(world: World) -> None:
    made = await line(world)
    params = {"set": {"enabled": 0}, "when": "after"}
    world.fault({"match": {"sub": "edit"}, "fault": "edit_by_other", "params": params})
    answer = await world.a.api.patch(f"/v1/lines/{made['id']}", {"notes": "x"})
    assert answer.status_code == 200
    await sweep(world)
    (found,) = await drifts(world)
    assert differences(found) == {"enabled": (True, False)}


@pytest.mark.parametrize("how", ["password changed", "deleted"])
async def test_a_line_that_its_pair_does_not_find_is_missing(world: World, how: str) -> None:
    made = await line(world)
    users = world.simulator.panel.tables["users"]
    if how == "deleted":
        users.delete(world.user(made["username"])["id"])
    else:
        on_panel(world, made, password="another-1")
    await sweep(world)
    (found,) = await drifts(world, kind="missing")
    assert differences(found) == {"on_panel": (True, False)}
    path = f"/v1/lines/{made['id']}/drift"
    problem_of(await world.operator.post(f"{path}/adopt"), 409, "state_conflict")
    problem_of(await world.operator.post(f"{path}/enforce"), 409, "credentials_out_of_sync")
    assert (await drifts(world))[0]["state"] == "open"


async def test_another_row_of_the_same_pair_is_told_apart(world: World) -> None:
    made = await line(world)
    row = world.user(made["username"])
    users = world.simulator.panel.tables["users"]
    users.delete(int(row["id"]))
    users.insert({**row, "id": row["id"] + 100}, strict=False)
    await sweep(world)
    (found,) = await drifts(world)
    assert found["kind"] == "replaced"
    assert differences(found) == {"panel_line_id": (row["id"], row["id"] + 100)}
    path = f"/v1/lines/{made['id']}/drift"
    problem_of(await world.a.api.post(f"{path}/adopt"), 403, "field_not_allowed")
    await world.operator.ok("POST", f"{path}/enforce")
    assert [it["state"] for it in await drifts(world)] == ["open"]  # An edit cannot mend that.
    adopted = await world.operator.ok("POST", f"{path}/adopt")
    assert adopted["panel_line_id"] == row["id"] + 100
    assert await drifts(world, state="open") == []


async def test_a_terminated_line_that_plays_again_is_a_drift(world: World) -> None:
    made = await line(world)
    path = f"/v1/lines/{made['id']}"
    await world.a.api.ok("POST", f"{path}/terminate")
    on_panel(world, made, max_connections=9)
    await sweep(world, 2)
    assert await drifts(world) == []  # Nothing else of it counts any more.
    on_panel(world, made, enabled=1)
    await sweep(world, 4)
    (found,) = await drifts(world)
    assert (found["kind"], differences(found)) == ("revived", {"enabled": (False, True)})
    problem_of(await world.operator.post(f"{path}/drift/adopt"), 409, "state_conflict")
    answer = await world.a.api.ok("POST", f"{path}/drift/enforce", {"reason": "ended in March"})
    assert answer["state"] == "terminated"
    assert world.user(made["username"])["enabled"] == 0
    assert world.user(made["username"])["max_connections"] == 9
    assert (await drifts(world))[0]["closed_by"] == "enforced"


async def test_devices_are_compared_as_lines_are(world: World) -> None:
    made = await device(world)
    row = world.users()[0]
    world.simulator.panel.tables["users"].update([row["id"]], {"bouquet": "[5]"}, strict=False)
    await sweep(world)
    (found,) = await drifts(world, resource_id=made["id"])
    assert (found["kind"], differences(found)) == ("changed", {"bouquet_ids": ([1, 2], [5])})
    answer = await world.a.api.ok("POST", f"/v1/devices/{made['id']}/drift/enforce")
    assert answer["bouquet_ids"] == [1, 2]
    assert world.users()[0]["bouquet"] == "[1,2]"
    world.simulator.panel.tables["users"].update([row["id"]], {"bouquet": "[5]"}, strict=False)
    await sweep(world, 4)
    answer = await world.a.api.ok("POST", f"/v1/devices/{made['id']}/drift/adopt")
    assert (answer["bouquet_ids"], answer["version"]) == ([5], 2)
    world.simulator.panel.tables["users"].delete(row["id"])
    await sweep(world, 6)
    (half,) = await drifts(world, state="open")
    assert (half["kind"], differences(half)) == ("missing", {"line_on_panel": (True, False)})
    devices = world.simulator.panel.tables["mag_devices"]
    devices.delete(int(next(iter(devices))["mag_id"] or 0))
    await sweep(world, 8)
    (gone,) = await drifts(world, state="open")
    assert (gone["kind"], differences(gone)) == ("missing", {"on_panel": (True, False)})


async def test_adopting_takes_the_panels_values_without_a_call(world: World) -> None:
    made = await line(world, max_connections=2)
    path = f"/v1/lines/{made['id']}"
    on_panel(world, made, max_connections=1, enabled=0, exp_date=1_890_000_000, bouquet="[9]")
    await sweep(world)
    shown = await world.a.api.ok("POST", f"{path}/drift/adopt", params={"dry_run": "true"})
    assert shown["panel_calls"] == []
    calls = len(world.calls())
    keyed = {"Idempotency-Key": "adopt-1"}
    first = await world.a.api.post(f"{path}/drift/adopt", headers=keyed)
    assert first.status_code == 200, first.text
    body = first.json()
    assert (body["version"], body["state"], body["max_connections"]) == (2, "suspended", 1)
    assert (body["bouquet_ids"], body["expires_at"]) == ([9], "2029-11-22T00:00:00Z")
    assert first.headers["ETag"] == '"2"'
    again = await world.a.api.post(f"{path}/drift/adopt", headers=keyed)
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (body, "true")
    nothing = await world.a.api.ok("POST", f"{path}/drift/adopt")
    assert nothing["version"] == 2
    assert len(world.calls()) == calls
    (drift,) = await drifts(world)
    assert (drift["state"], drift["closed_by"]) == ("closed", "adopted")
    (entry,) = (await world.a.api.ok("GET", "/v1/audit/entries?action=line.adopt"))["data"]
    assert (entry["phase"], entry["operation_id"]) == ("succeeded", None)
    assert entry["before"]["max_connections"] == 2
    assert entry["after"]["max_connections"] == 1
    await sweep(world, 4)
    assert await drifts(world, state="open") == []
    # What was suspended on the panel by others is resumed as what we suspend.
    assert (await world.a.api.ok("POST", f"{path}/resume"))["state"] == "active"


@pytest.mark.parametrize(
    ("cells", "policy", "code"),
    [
        ({"exp_date": 1_900_000_000}, {}, "field_not_allowed"),
        ({"exp_date": None}, {}, "field_not_allowed"),
        ({"admin_enabled": 0}, {}, "field_not_allowed"),
        ({"max_connections": 5}, {"max_connections": 2}, "quota_exceeded"),
        ({"max_connections": 0}, {"max_connections": 2}, "quota_exceeded"),
        ({"bouquet": "[9]"}, {"bouquet_ids": {}}, "bouquet_not_allowed"),
        ({"is_restreamer": 1}, {"may_restream": False}, "field_not_allowed"),
        ({"is_trial": 1}, {}, "field_not_allowed"),
    ],
    ids=str,
)
async def test_a_reseller_adopts_only_what_it_could_have_set(
    small_world: World, cells: dict[str, Any], policy: dict[str, Any], code: str
) -> None:
    world = small_world
    tenant = await world.reseller("limited", **policy)
    made = await world.line(tenant.api, expires_at="2030-01-01T00:00:00Z", bouquet_ids=[])
    path = f"/v1/lines/{made['id']}/drift/adopt"
    on_panel(world, made, **cells)
    await sweep(world)
    problem_of(await tenant.api.post(path), 403, code)
    assert [it["state"] for it in await drifts(world)] == ["open"]
    assert (await world.operator.ok("POST", path))["version"] == 2
    assert await drifts(world, state="open") == []


async def test_enforcing_is_an_operation_like_any_other(world: World) -> None:
    made = await line(world, notes="ours")
    path = f"/v1/lines/{made['id']}/drift/enforce"
    on_panel(world, made, max_connections=7, enabled=0, bouquet="[9]", reseller_notes="theirs")
    await sweep(world)
    shown = await world.a.api.ok("POST", path, params={"dry_run": "true"})
    assert shown["effect"]["before"]["max_connections"] == 7
    assert [call["query"] for call in shown["panel_calls"]] == ["action=user&sub=edit"]
    assert changes_sent(world) == 1
    keyed = {"Idempotency-Key": "enforce-1"}
    params = {"code": 500, "effect": "none"}
    world.fault({"match": {"sub": "edit"}, "times": 1, "fault": "status", "params": params})
    lost = await world.a.api.post(path, headers=keyed)
    assert (lost.status_code, lost.json()["kind"]) == (202, "line.enforce"), lost.text
    assert await sweep(world, 4) == 0  # What is not settled is passed over.
    clock = SetClock(datetime.now(UTC) + timedelta(hours=1))
    ports = runtime_of(world, clock=clock).ports
    assert await settle_operations(system_context(ports, "reconciler")) == 1
    done = await world.a.api.post(path, headers=keyed)
    assert (done.status_code, done.headers["Idempotent-Replayed"]) == (200, "true"), done.text
    assert (done.json()["state"], done.json()["version"]) == ("active", 1)
    row = world.user(made["username"])
    assert (row["max_connections"], row["enabled"], row["bouquet"]) == (1, 1, "[1,2]")
    assert row["reseller_notes"] == "ours"
    (drift,) = await drifts(world)
    assert (drift["state"], drift["closed_by"]) == ("closed", "enforced")
    entries = await world.a.api.ok("GET", "/v1/audit/entries?action=line.enforce")
    assert [it["phase"] for it in entries["data"]] == ["succeeded", "unknown", "started"]
    assert entries["data"][-1]["before"]["max_connections"] == 7


async def test_the_longest_not_compared_go_first_and_a_tick_is_bounded(world: World) -> None:
    made = [await line(world) for _ in range(7)]
    names = [it["username"] for it in made]
    before = len(world.calls("info"))
    assert await sweep(world, 2) == 5
    asked = [subject for record in world.calls("info")[before:] for subject in record.subjects]
    assert sorted(asked) == sorted(f"user:{name}" for name in names[:5])
    assert await sweep(world, 2) == 2
    assert await sweep(world, 2) == 0


async def test_the_look_fills_the_cache(world: World) -> None:
    made = await line(world)
    on_panel(world, made, max_connections=3)
    clock = SetClock(datetime.now(UTC) + 2 * DAY)
    ports = runtime_of(world, clock=clock).ports
    await compare_resources(system_context(ports, "drift"))
    held = await world.runtime.ports.cache.look_up(made["id"])
    assert held.entry is not None
    assert held.entry.observed_at == clock.at
    assert b'"max_connections":3' in held.entry.value


async def test_a_change_during_the_look_makes_it_worth_nothing(world: World) -> None:
    made = await line(world)
    on_panel(world, made, max_connections=3)
    real = world.runtime.ports.panels

    class Changing:
        """Panels that change something just after they were asked."""

        async def read(self, *args: Any, **more: Any) -> Any:
            found = await real.read(*args, **more)
            await world.a.api.ok("PATCH", f"/v1/lines/{made['id']}", {"max_connections": 2})
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    assert await sweep(world, panels=Changing()) == 1
    assert await drifts(world) == []


async def test_a_panel_that_is_down_is_asked_again_later(world: World) -> None:
    for _ in range(3):
        await line(world)
    world.fault({"match": {"sub": "info"}, "times": 99, "fault": "status", "params": {"code": 503}})
    assert await sweep(world, 2) == 0
    world.simulator.panel.faults.clear()
    assert await sweep(world, 2) == 0  # Taken up; after ten minutes they are due again.
    assert await sweep(world, 2.1) == 3
    assert await drifts(world) == []


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/gateway.db"
    async with a_world(url, drift={"every_seconds": 0}) as world:
        await line(world)
        calls = len(world.calls())
        assert await sweep(world) == 0
        assert len(world.calls()) == calls


#: A firewall forgets a line that is not active after so long; see the simulator's guide.
PAST_THE_SWEEP = 16 * 60.0


@pytest.fixture
async def gated(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db", profile="hardened") as made:
        key = made.simulator.panel.switches.api_pass
        await made.operator.ok("PATCH", f"/v1/panels/{made.panel_id}", {"api_pass": key})
        yield made


async def test_a_firewall_that_hides_a_line_tells_of_it_only_beside_a_control(
    gated: World,
) -> None:
    world, advance = gated, gated.simulator.panel.clock.travel
    made = await line(world)
    on_panel(world, made, enabled=0)
    await advance(PAST_THE_SWEEP)
    await sweep(world, 2)
    assert await drifts(world) == []  # No other line is shown, so this one may be well.
    other = await line(world)
    await sweep(world, 4)
    (found,) = await drifts(world)
    assert (found["kind"], differences(found)) == ("hidden", {"visible": (True, False)})
    assert found["resource_id"] == made["id"] != other["id"]
    path = f"/v1/lines/{made['id']}/drift"
    problem_of(await world.operator.post(f"{path}/adopt"), 409, "state_conflict")
    problem_of(await world.operator.post(f"{path}/enforce"), 409, "panel_line_gated")
    on_panel(world, made, enabled=1)
    await advance(10)
    await sweep(world, 6)
    assert await drifts(world, state="open") == []


async def test_a_hidden_line_that_is_not_active_here_either_is_as_it_should_be(
    gated: World,
) -> None:
    world = gated
    made = await line(world)
    await line(world)
    await world.a.api.ok("POST", f"/v1/lines/{made['id']}/terminate")
    await world.simulator.panel.clock.travel(PAST_THE_SWEEP)
    await sweep(world, 2)
    assert await drifts(world) == []


async def test_a_restored_panel_is_one_finding_and_nothing_is_rewritten(world: World) -> None:
    old = [await line(world) for _ in range(4)]
    snapshot = world.simulator.panel.world.snapshot()
    new = [await line(world) for _ in range(4)]
    for it in old:
        await world.a.api.ok("PATCH", f"/v1/lines/{it['id']}", {"max_connections": 3})
    await sweep(world, 2)
    await sweep(world, 2)
    assert await drifts(world) == []
    world.simulator.panel.world.restore(snapshot)
    sent = changes_sent(world)
    with capture_logs() as logs:
        await sweep(world, 4)
        await sweep(world, 4)
    assert changes_sent(world) == sent
    assert len(world.users()) == 4
    (finding,) = await drifts(world, kind="restored")
    assert (finding["resource_id"], finding["reseller_id"]) == (world.panel_id, None)
    assert differences(finding) == {"agreeing": (8, 0)}
    assert [it["log_level"] for it in logs if it["event"] == "drift.panel_restored"] == ["error"]
    of_lines = {it["resource_id"]: it["kind"] for it in await drifts(world) if it != finding}
    assert of_lines == {it["id"]: "changed" for it in old} | {it["id"]: "missing" for it in new}
    seen = (await world.a.api.ok("GET", "/v1/drifts"))["data"]
    assert {it["resource_id"] for it in seen} == set(of_lines)  # The panel's is the operator's.
    for it in old:
        await world.a.api.ok("POST", f"/v1/lines/{it['id']}/drift/enforce")
    for it in new:
        world.simulator.panel.tables["users"].insert(_row_like(world, old[0], it), strict=False)
    await sweep(world, 6)
    await sweep(world, 6)
    assert await drifts(world, kind="restored", state="open") == []


def _row_like(world: World, other: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """Return a row by which the panel's owner would put back a lost line."""
    row = world.user(other["username"]) | {"id": made["panel_line_id"], "max_connections": 1}
    return row | {"username": made["username"], "password": made["password"]}


async def test_the_list_has_filters_and_pages(world: World) -> None:
    one, two = await line(world), await world.line(world.b.api, expires_at=text_of(LATER))
    for it in (one, two):
        on_panel(world, it, max_connections=3)
    await sweep(world)
    both = [it["resource_id"] for it in await drifts(world)]
    assert sorted(both) == sorted([one["id"], two["id"]])
    for filters, expected in (
        ({"resource_id": one["id"]}, [one["id"]]),
        ({"reseller_id": world.b.id}, [two["id"]]),
        ({"panel_id": world.panel_id}, both),
        ({"kind": "changed", "state": "open"}, both),
        ({"kind": "missing"}, []),
        ({"state": "closed"}, []),
    ):
        assert [it["resource_id"] for it in await drifts(world, **filters)] == expected
    page = await world.operator.ok("GET", "/v1/drifts", params={"limit": 1})
    rest = await world.operator.ok("GET", "/v1/drifts", params={"cursor": page["next_cursor"]})
    assert [it["resource_id"] for it in page["data"] + rest["data"]] == both
    assert rest["next_cursor"] is None
    mine = (await world.a.api.ok("GET", "/v1/drifts"))["data"]
    assert [it["resource_id"] for it in mine] == [one["id"]]
    problem_of(await world.a.api.get("/v1/drifts?kind=nonsense"), 422, "invalid_request")
