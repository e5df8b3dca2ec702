"""PATCH of a line: what is named changes, here and on the panel, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.simulator.switches import changed
from tests.e2e.support import (
    OPERATOR_FIELDS,
    changes_sent,
    on_panel,
    pointers,
    problem_of,
    unix,
)
from tests.world import World, a_world

CELLS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"max_connections": 3}, {"max_connections": 3}),
    ({"max_connections": None}, {"max_connections": 0}),
    ({"bouquet_ids": []}, {"bouquet": "[]"}),
    ({"is_restreamer": True}, {"is_restreamer": 1}),
    ({"allowed_ips": ["203.0.113.7"]}, {"allowed_ips": '["203.0.113.7"]'}),
    ({"allowed_user_agents": ["VLC/3"]}, {"allowed_ua": '["VLC/3"]'}),
    ({"notes": "line one\nline two"}, {"reseller_notes": "line one\nline two"}),
    ({"notes": ""}, {"reseller_notes": ""}),
    ({"notes": "50% off"}, {"reseller_notes": "50% off"}),
    ({"max_connections": 7, "notes": "two"}, {"max_connections": 7, "reseller_notes": "two"}),
]


async def test_a_field_of_resellers_changes_its_cell_and_no_other(world: World) -> None:
    line = await world.line(notes="old", metadata={"a": "1"})
    del line["password"]
    for change, cells in CELLS:
        before = world.user(line["username"])
        found = await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", change)
        assert world.user(line["username"]) == before | cells
        line |= change | {"version": line["version"] + 1}
        line |= {name: found[name] for name in ("updated_at", "observed")}
        assert found == line
    seen = await world.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert seen | {"observed": None} == line | {"observed": None}


async def test_values_that_the_panel_refuses_change_nothing(tmp_path: Path) -> None:
    """The documented panel takes printable characters only, and says PARAMETER ERROR."""
    async with a_world(f"sqlite:///{tmp_path}/g.db", profile="documented") as world:
        line = await world.line(notes="old")
        row = world.user(line["username"])
        path = f"/v1/lines/{line['id']}"
        answer = await world.a.api.patch(path, {"notes": "line one\nline two"})
        problem = problem_of(answer, 422, "panel_refused_values")
        assert world.user(line["username"]) == row
        seen = await world.a.api.ok("GET", path)
        assert (seen["notes"], seen["version"]) == ("old", 1)
        operation = await world.a.api.ok("GET", f"/v1/operations/{problem['operation_id']}")
        assert (operation["state"], operation["problem"]["code"]) == (
            "failed",
            "panel_refused_values",
        )
        made = await world.a.api.post("/v1/lines", {"period": "P1M", "notes": "a\nb"})
        problem_of(made, 422, "panel_refused_values")
        assert len(world.users()) == 1
        assert (await world.a.api.ok("GET", "/v1/lines"))["data"] == [
            seen | {"observed": None, "active_connections": None}
        ]


async def test_operators_change_what_resellers_may_not(world: World) -> None:
    line = await world.line()
    path = f"/v1/lines/{line['id']}"
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"extra_columns": ["pair_id"]})
    before = world.user(line["username"])
    change = {
        "expires_at": "2030-05-06T07:08:09Z",
        "member_id": 77,
        "force_server_id": 1,
        "isp_lock": True,
        "enabled": False,
        "admin_enabled": False,
        "admin_notes": "two\nlines",
    }
    changed = await world.operator.ok("PATCH", path, change)
    row = world.user(line["username"])
    operation_id, _, notes = row["admin_notes"].partition("\n")
    assert operation_id.startswith("op_")
    assert notes == "two\nlines"
    assert row == before | {
        "exp_date": unix("2030-05-06T07:08:09Z"),
        "member_id": 77,
        "force_server_id": 1,
        "is_isplock": 1,
        "enabled": 0,
        "admin_enabled": 0,
        "admin_notes": row["admin_notes"],
    }
    assert changed["state"] == "banned"
    assert changed["expires_at"] == "2030-05-06T07:08:09Z"
    unbanned = await world.operator.ok("PATCH", path, {"admin_enabled": True})
    assert unbanned["state"] == "suspended"
    resumed = await world.a.api.ok("POST", f"{path}/resume")
    assert resumed["state"] == "active"


async def test_a_reseller_is_told_all_the_fields_it_may_not_change(small_world: World) -> None:
    world = small_world
    line = await world.line()
    sent = changes_sent(world)
    change = OPERATOR_FIELDS | {"expires_at": None, "notes": "x"}
    answer = await world.a.api.patch(f"/v1/lines/{line['id']}", change)
    problem = problem_of(answer, 403, "field_not_allowed")
    assert set(pointers(problem)) == {f"/{name}" for name in (*OPERATOR_FIELDS, "expires_at")}
    assert changes_sent(world) == sent
    assert (await world.a.api.ok("GET", f"/v1/lines/{line['id']}"))["version"] == 1


async def test_an_operator_may_set_an_expiry_in_the_past_but_not_beyond_the_sentinel(
    life: World,
) -> None:
    line = await life.line()
    path = f"/v1/lines/{line['id']}"
    changed = await life.operator.ok("PATCH", path, {"expires_at": "2020-02-29T12:00:00.999Z"})
    assert (changed["expires_at"], changed["state"]) == ("2020-02-29T12:00:00Z", "expired")
    assert life.user(line["username"])["exp_date"] == unix("2020-02-29T12:00:00Z")
    sent = changes_sent(life)
    answer = await life.operator.patch(path, {"expires_at": "2038-01-01T00:00:00Z"})
    assert pointers(problem_of(answer, 422, "invalid_request")) == ["/expires_at"]
    assert changes_sent(life) == sent
    never = await life.operator.ok("PATCH", path, {"expires_at": None})
    assert (never["expires_at"], never["state"]) == (None, "active")


async def test_a_patch_that_changes_nothing_of_ours_is_no_change(small_world: World) -> None:
    world = small_world
    line = await world.line(external_id="shop-1", metadata={"a": "1"})
    calls = len(world.calls())
    unchanged: list[dict[str, Any]] = [
        {},
        {"metadata": {}},
        {"metadata": {"b": None}},
        {"external_id": "shop-1"},
        {"metadata": {"a": "1"}, "external_id": "shop-1"},
    ]
    for change in unchanged:
        answer = await world.a.api.patch(f"/v1/lines/{line['id']}", change)
        assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
        assert answer.json()["updated_at"] == line["updated_at"]
    assert len(world.calls()) == calls


async def test_what_only_we_hold_changes_without_the_panel(world: World) -> None:
    line = await world.line(metadata={"a": "1"})
    calls = len(world.calls())
    await world.operator.ok(
        "PATCH", f"/v1/panels/{world.panel_id}", {"base_url": "http://127.0.0.1:9"}
    )
    answer = await world.a.api.patch(
        f"/v1/lines/{line['id']}", {"external_id": "shop-1", "metadata": {"b": "2"}}
    )
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"'), answer.text
    assert answer.json()["external_id"] == "shop-1"
    assert answer.json()["metadata"] == {"a": "1", "b": "2"}
    assert len(world.calls()) == calls
    entries = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"action": "line.update", "resource_id": line["id"]}
    )
    (entry,) = entries["data"]
    assert (entry["phase"], entry["before"], entry["after"]) == (
        "succeeded",
        {"external_id": None, "metadata": {"a": "1"}},
        {"external_id": "shop-1", "metadata": {"a": "1", "b": "2"}},
    )


async def test_an_external_id_is_taken_given_back_and_taken_again(world: World) -> None:
    first = await world.line(external_id="shop-1")
    second = await world.line()
    await world.line(world.b.api, external_id="shop-2")
    sent = changes_sent(world)
    for change in ({"external_id": "shop-1"}, {"external_id": "shop-1", "notes": "x"}):
        answer = await world.a.api.patch(f"/v1/lines/{second['id']}", change)
        problem_of(answer, 409, "external_id_taken")
    assert changes_sent(world) == sent
    await world.a.api.ok("PATCH", f"/v1/lines/{first['id']}", {"external_id": None})
    taken = await world.a.api.ok("PATCH", f"/v1/lines/{second['id']}", {"external_id": "shop-1"})
    assert taken["external_id"] == "shop-1"
    other = await world.a.api.ok(
        "PATCH", f"/v1/lines/{first['id']}", {"external_id": "shop-2", "notes": "y"}
    )
    assert other["external_id"] == "shop-2"


async def test_what_cannot_be_patched_is_an_unknown_field(small_world: World) -> None:
    world = small_world
    line = await world.line()
    calls = len(world.calls())
    fields = ("username", "mac", "password", "panel_id", "reseller_id", "plan_id", "id", "state")
    for api in (world.a.api, world.operator):
        answer = await api.patch(f"/v1/lines/{line['id']}", dict.fromkeys((*fields, "period"), "x"))
        problem = problem_of(answer, 422, "invalid_request")
        assert set(pointers(problem)) == {f"/{name}" for name in (*fields, "period")}
    assert len(world.calls()) == calls


async def test_a_patch_is_a_merge_patch(small_world: World) -> None:
    world = small_world
    line = await world.line()
    for media_type, status in (
        ("application/json", 200),
        ("application/merge-patch+json", 200),
        ("application/merge-patch+json; charset=utf-8", 200),
        ("application/json-patch+json", 415),
        ("text/plain", 415),
    ):
        answer = await world.a.api.patch(
            f"/v1/lines/{line['id']}",
            content=b'{"metadata":{"k":"v"}}',
            headers={"Content-Type": media_type},
        )
        assert answer.status_code == status, answer.text


async def test_the_policy_is_held_against_what_changes_only(world: World) -> None:
    """A line from before the policy became narrow may stay as it is."""
    tenant = await world.reseller("shrinking")
    line = await world.line(
        tenant.api, max_connections=5, bouquet_ids=[1, 2], is_restreamer=True, never_expires=True
    )
    narrow = {
        "max_connections": 1,
        "bouquet_ids": {world.panel_id: [1]},
        "may_restream": False,
        "may_never_expire": False,
        "max_lines": 0,
    }
    await world.operator.ok("PATCH", f"/v1/resellers/{tenant.id}", {"policy": narrow})
    path = f"/v1/lines/{line['id']}"
    kept = await tenant.api.ok("PATCH", path, {"notes": "still mine", "is_restreamer": True})
    assert kept["max_connections"] == 5
    sent = changes_sent(world)
    for change, code in (
        ({"max_connections": 2}, "quota_exceeded"),
        ({"max_connections": None}, "quota_exceeded"),
        ({"bouquet_ids": [1, 2]}, "bouquet_not_allowed"),
        ({"is_trial": True}, "field_not_allowed"),
    ):
        problem_of(await tenant.api.patch(path, change), 403, code)
    await tenant.api.ok("PATCH", path, {"is_restreamer": False, "bouquet_ids": [1]})
    assert changes_sent(world) == sent + 1
    problem_of(await tenant.api.patch(path, {"is_restreamer": True}), 403, "field_not_allowed")
    # Operators are bound by no policy.
    wide = await world.operator.ok("PATCH", path, {"max_connections": 9, "bouquet_ids": [1, 2]})
    assert (wide["max_connections"], wide["bouquet_ids"]) == (9, [1, 2])


async def test_only_named_fields_change_where_the_panel_was_changed_by_hand(world: World) -> None:
    line = await world.line(max_connections=1)
    on_panel(world, line, max_connections=4, is_restreamer=1)
    changed = await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"notes": "x"})
    assert (changed["max_connections"], changed["is_restreamer"]) == (4, True)
    assert world.user(line["username"])["max_connections"] == 4


async def test_extra_columns_are_those_of_the_panel(small_world: World) -> None:
    world = small_world
    columns = {"extra_columns": [{"name": "package", "type": "text"}]}
    world.simulator.panel.switches = changed(world.simulator.panel.switches, columns)
    path = f"/v1/panels/{world.panel_id}"
    body = {"period": "P1M", "reseller_id": world.a.id, "extra": {"package": "gold"}}
    refused = await world.operator.post("/v1/lines", body)
    assert pointers(problem_of(refused, 422, "invalid_request")) == ["/extra/package"]
    await world.operator.ok("PATCH", path, {"extra_columns": ["package"]})
    line = await world.operator.ok("POST", "/v1/lines", body, status=201)
    assert world.user(line["username"])["package"] == "gold"
    await world.operator.ok("PATCH", f"/v1/lines/{line['id']}", {"extra": {"package": "silver"}})
    assert world.user(line["username"])["package"] == "silver"
    reserved = await world.operator.patch(path, {"extra_columns": ["password"]})
    problem_of(reserved, 422, "invalid_request")
