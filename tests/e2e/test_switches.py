"""Suspend, resume, terminate: really done on the panel, each time, whoever was there before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.support import changes_sent, on_panel, problem_of
from tests.world import World


async def switched(world: World, line: dict[str, Any], verb: str, **body: Any) -> dict[str, Any]:
    return await world.a.api.ok("POST", f"/v1/lines/{line['id']}/{verb}", body or None)


async def test_a_line_switched_by_hand_is_switched_back_by_a_repeat(life: World) -> None:
    """The registry has it as asked already; the panel has not, and that is what counts."""
    line = await life.line()
    await switched(life, line, "suspend")
    on_panel(life, line, enabled=1)
    again = await switched(life, line, "suspend")
    assert again["state"] == "suspended"
    assert life.user(line["username"])["enabled"] == 0
    await switched(life, line, "resume")
    on_panel(life, line, enabled=0)
    again = await switched(life, line, "resume")
    assert again["state"] == "active"
    assert life.user(line["username"])["enabled"] == 1


async def test_a_repeat_changes_no_version(world: World) -> None:
    line = await world.line()
    versions = [
        (await switched(world, line, verb))["version"]
        for verb in ("resume", "suspend", "suspend", "resume", "resume", "terminate", "terminate")
    ]
    assert versions == [1, 2, 2, 3, 3, 4, 4]


async def test_suspended_by_bouquets_a_line_stays_enabled_and_gets_its_list_back(
    life: World,
) -> None:
    await life.operator.ok("PATCH", f"/v1/panels/{life.panel_id}", {"suspend_by": "bouquets"})
    line = await life.line(bouquet_ids=[1, 3])
    for _ in range(2):
        suspended = await switched(life, line, "suspend", reason="unpaid")
        assert suspended["state"] == "suspended"
        assert suspended["bouquet_ids"] == [1, 3]
        assert suspended["expires_at"] == line["expires_at"]
        row = life.user(line["username"])
        assert (row["enabled"], row["bouquet"]) == (1, "[]")
    seen = await life.a.api.ok(
        "GET", f"/v1/lines/{line['id']}", headers={"Cache-Control": "no-cache"}
    )
    assert (seen["state"], seen["bouquet_ids"]) == ("suspended", [1, 3])
    resumed = await switched(life, line, "resume")
    assert (resumed["state"], resumed["bouquet_ids"]) == ("active", [1, 3])
    assert life.user(line["username"])["bouquet"] == "[1,3]"


async def test_bouquets_changed_while_suspended_by_bouquets_come_with_the_resume(
    world: World,
) -> None:
    path = f"/v1/panels/{world.panel_id}"
    await world.operator.ok("PATCH", path, {"suspend_by": "bouquets"})
    line = await world.line(bouquet_ids=[1])
    await switched(world, line, "suspend")
    changed = await world.a.api.ok(
        "PATCH", f"/v1/lines/{line['id']}", {"bouquet_ids": [2, 3], "notes": "x"}
    )
    assert (changed["state"], changed["bouquet_ids"]) == ("suspended", [2, 3])
    row = world.user(line["username"])
    assert (row["bouquet"], row["reseller_notes"]) == ("[]", "x")
    only = await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"bouquet_ids": [3]})
    assert (only["state"], only["bouquet_ids"]) == ("suspended", [3])
    assert world.user(line["username"])["bouquet"] == "[]"
    # The setting of the panel may change meanwhile: a line resumes the way it was stopped.
    await world.operator.ok("PATCH", path, {"suspend_by": "enabled"})
    resumed = await switched(world, line, "resume")
    assert (resumed["state"], resumed["bouquet_ids"]) == ("active", [3])
    assert world.user(line["username"])["bouquet"] == "[3]"


async def test_a_line_suspended_by_bouquets_can_be_enabled_by_an_operators_patch(
    world: World,
) -> None:
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"suspend_by": "bouquets"})
    line = await world.line(bouquet_ids=[1, 2])
    await switched(world, line, "suspend")
    enabled = await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", {"enabled": True})
    assert (enabled["state"], enabled["bouquet_ids"]) == ("active", [1, 2])
    row = world.user(line["username"])
    assert (row["enabled"], row["bouquet"]) == (1, "[1,2]")


async def test_a_line_suspended_by_bouquets_and_then_disabled_gets_them_back_too(
    world: World,
) -> None:
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"suspend_by": "bouquets"})
    line = await world.line(bouquet_ids=[1, 2])
    await switched(world, line, "suspend")
    disabled = await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", {"enabled": False})
    assert (disabled["state"], disabled["bouquet_ids"]) == ("suspended", [1, 2])
    resumed = await switched(world, line, "resume")
    assert (resumed["state"], resumed["bouquet_ids"]) == ("active", [1, 2])
    row = world.user(line["username"])
    assert (row["enabled"], row["bouquet"]) == (1, "[1,2]")


async def test_where_the_probe_finds_a_firewall_lines_are_suspended_by_bouquets(
    small_world: World,
) -> None:
    world = small_world
    line = await world.line()
    await _find_a_firewall(world)
    await switched(world, line, "suspend")
    row = world.user(line["username"])
    assert (row["enabled"], row["bouquet"]) == (1, "[]")
    other = await world.line()
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"suspend_by": "enabled"})
    await switched(world, other, "suspend")
    row = world.user(other["username"])
    assert (row["enabled"], row["bouquet"]) == (0, "[1,2]")


async def _find_a_firewall(world: World) -> None:
    match = {"action": "user", "sub": "info"}
    world.fault({"match": match, "fault": "refuse", "params": {"text": "404"}})
    probe = await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
    world.simulator.panel.faults.clear()
    assert probe["firewall"] is True


async def test_termination_is_final_frees_the_external_id_and_counts_no_more(
    world: World,
) -> None:
    tenant = await world.reseller("one", max_lines=1)
    body = {"period": "P1M", "external_id": "shop-1", "username": "gone"}
    line = await tenant.api.ok("POST", "/v1/lines", body, status=201)
    problem_of(await tenant.api.post("/v1/lines", {"period": "P1M"}), 403, "quota_exceeded")
    path = f"/v1/lines/{line['id']}"
    ended = await tenant.api.ok("POST", f"{path}/terminate", {"reason": "chargeback"})
    assert (ended["state"], ended["version"]) == ("terminated", 2)
    assert world.user("gone")["enabled"] == 0
    sent = changes_sent(world)
    again = await tenant.api.post(f"{path}/terminate")
    assert (again.status_code, again.json()["version"]) == (200, 2)
    for method, target, change in (
        ("PATCH", path, {"notes": "x"}),
        ("PATCH", path, {"metadata": {"k": "v"}}),
        ("POST", f"{path}/renew", {"period": "P1M"}),
        ("POST", f"{path}/suspend", None),
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/rotate-password", None),
    ):
        answer = await tenant.api.send(method, target, change)
        problem_of(answer, 409, "state_conflict")
    assert changes_sent(world) == sent
    problem_of(await tenant.api.post("/v1/lines", body), 409, "username_taken")
    other = await tenant.api.ok("POST", "/v1/lines", body | {"username": "another"}, status=201)
    assert other["external_id"] == "shop-1"
    seen = await tenant.api.ok("GET", path)
    assert (seen["state"], seen["external_id"], seen["observed"]) == (
        "terminated",
        "shop-1",
        None,
    )
    entries = await tenant.api.ok("GET", "/v1/audit/entries", params={"resource_id": line["id"]})
    reasons = [
        entry["after"]["reason"] for entry in entries["data"] if "reason" in (entry["after"] or {})
    ]
    assert reasons == ["chargeback"]


@pytest.mark.parametrize("verb", ["suspend", "terminate", "resume"])
async def test_a_line_that_the_panel_no_longer_knows_is_out_of_sync(
    small_world: World, verb: str
) -> None:
    world = small_world
    line = await world.line()
    on_panel(world, line, password="changed-by-hand")
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/{verb}")
    problem = problem_of(answer, 409, "credentials_out_of_sync")
    assert "changed-by-hand" not in answer.text
    seen = await world.a.api.ok("GET", f"/v1/operations/{problem['operation_id']}")
    assert seen["state"] == "failed"
    assert (await world.a.api.ok("GET", "/v1/lines"))["data"][0]["version"] == 1
    for path in ("", "/info"):
        read = await world.a.api.get(
            f"/v1/lines/{line['id']}{path}", headers={"Cache-Control": "no-cache"}
        )
        problem_of(read, 409, "credentials_out_of_sync")
    # The way out that the problem names: set the known ones again on the panel.
    on_panel(world, line, password=line["password"])
    await switched(world, line, verb)


async def test_a_line_that_the_firewall_hides_can_only_be_switched_to_what_it_is(
    small_world: World,
) -> None:
    """A repeat is no change and succeeds; what cannot be looked up is refused, and nothing done."""
    world = small_world
    line = await world.line()
    suspended = await switched(world, line, "suspend")
    row = world.user(line["username"])
    for sub in ("edit", "info"):
        match = {"action": "user", "sub": sub}
        world.fault({"match": match, "fault": "refuse", "params": {"text": "404"}})
    again = await switched(world, line, "suspend")
    assert (again["state"], again["version"]) == ("suspended", suspended["version"])
    path = f"/v1/lines/{line['id']}"
    for method, target, body in (
        ("POST", f"{path}/resume", None),
        ("POST", f"{path}/terminate", None),
        ("POST", f"{path}/renew", {"period": "P1M"}),
        ("POST", f"{path}/renew", {"expires_at": "2031-01-01T00:00:00Z"}),
        ("POST", f"{path}/rotate-password", None),
        ("PATCH", path, {"notes": "x"}),
        ("GET", f"{path}/info", None),
    ):
        answer = await world.a.api.send(method, target, body, headers={"Cache-Control": "no-cache"})
        problem_of(answer, 409, "panel_line_gated")
    world.simulator.panel.faults.clear()
    assert world.user(line["username"]) == row
    assert (await world.a.api.ok("GET", path))["version"] == suspended["version"]
    await switched(world, line, "resume")
