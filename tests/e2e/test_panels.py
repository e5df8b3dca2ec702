"""Panels: added and bounded by operators, their key never seen again, found out by reads only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.simulator.switches import changed
from tests.e2e.support import pointers, problem_of
from tests.panels.servers import answering, free_port, page, serving
from tests.world import FREE_BUDGET, World, a_world

API_PASS = "p4nel-S3cret"
DEFAULTS = {
    "object": "panel",
    "dialect": "xtream_v2",
    "has_api_pass": False,
    "tls": {"verify": True, "ca_pem": None},
    "budget": {
        "calls_per_second": 5,
        "burst": 5,
        "in_flight": 4,
        "flood_guard": {"calls": 30, "gap_seconds": 2},
    },
    "settle_seconds": 300,
    "suspend_by": None,
    "creates_devices": True,
    "credit_mode": "ledger",
    "bouquets": [],
    "extra_columns": [],
    "probe": None,
    "version": 1,
}


async def test_a_panel_is_added_with_the_contracts_defaults_and_asked_nothing(
    world: World,
) -> None:
    body = {"name": "Two", "base_url": world.simulator.base_url + "/"}
    answer = await world.operator.post("/v1/panels", body)
    made = answer.json()
    assert answer.status_code == 201, made
    assert answer.headers["Location"] == f"/v1/panels/{made['id']}"
    assert made == DEFAULTS | {
        "id": made["id"],
        "name": "Two",
        "base_url": world.simulator.base_url,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    assert await world.operator.ok("GET", f"/v1/panels/{made['id']}") == made
    listed = await world.operator.ok("GET", "/v1/panels")
    assert [panel["id"] for panel in listed["data"]] == [made["id"], world.panel_id]
    assert not world.calls()


async def test_tls_and_budget_merge_member_by_member(world: World) -> None:
    """By a key that may write panels and not read them."""
    key = await world.operator.ok(
        "POST", "/v1/keys", {"name": "x", "permissions": ["panels:write"]}, status=201
    )
    api = world.api(key["key"])
    path = f"/v1/panels/{world.panel_id}"
    problem_of(await api.get(path), 403, "permission_denied")
    before = await world.operator.ok("GET", path)
    for change, tls, budget in (
        ({"budget": {"burst": 9}}, {}, {"burst": 9}),
        (
            {"budget": {"flood_guard": {"calls": 7}}, "tls": {"verify": False}},
            {"verify": False},
            {"burst": 9, "flood_guard": {"calls": 7, "gap_seconds": 2}},
        ),
        (
            {"budget": {"flood_guard": {"gap_seconds": 0.5}}, "tls": {"ca_pem": None}},
            {"verify": False},
            {"burst": 9, "flood_guard": {"calls": 7, "gap_seconds": 0.5}},
        ),
        (
            {"budget": {"flood_guard": None, "in_flight": 2}},
            {"verify": False},
            {"burst": 9, "flood_guard": None, "in_flight": 2},
        ),
    ):
        after = await api.ok("PATCH", path, change)
        assert after["tls"] == before["tls"] | tls
        assert after["budget"] == before["budget"] | budget
    assert (await world.operator.ok("GET", path))["version"] == 5
    others = {
        "name": "Renamed",
        "settle_seconds": 60,
        "suspend_by": "bouquets",
        "bouquets": [{"id": 1, "name": "Basic"}],
        "extra_columns": ["pair_id"],
    }
    after = await api.ok("PATCH", path, others)
    assert {name: after[name] for name in others} == others
    problem_of(await api.patch(path, {"dialect": "xui"}), 422, "invalid_request")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"dialect": "xui"}, "/dialect"),
    ({"dialect": "XTREAM"}, "/dialect"),
    ({"base_url": "ftp://panel"}, "/base_url"),
    ({"base_url": "http://user:pass@panel"}, "/base_url"),
    ({"base_url": "http://panel/?a=b"}, "/base_url"),
    ({"base_url": "http://panel:99999"}, "/base_url"),
    ({"base_url": "panel"}, "/base_url"),
    ({"api_pass": ""}, "/api_pass"),
    ({"settle_seconds": 0}, "/settle_seconds"),
    ({"suspend_by": "force"}, "/suspend_by"),
    ({"credit_mode": "panel"}, "/credit_mode"),
    ({"budget": {"burst": 0}}, "/budget/burst"),
    ({"budget": {"calls_per_second": "5"}}, "/budget/calls_per_second"),
    ({"budget": {"flood_guard": {"calls": 0}}}, "/budget/flood_guard/calls"),
    ({"tls": {"verify": 1}}, "/tls/verify"),
    ({"bouquets": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "/bouquets"),
    ({"extra_columns": ["exp_date"]}, "/extra_columns/0"),
    ({"extra_columns": ["a]b"]}, "/extra_columns/0"),
    ({"probe": None}, "/probe"),
]


async def test_a_bad_panel_is_refused_at_its_place(small_world: World) -> None:
    operator = small_world.operator
    for change, pointer in BAD:
        body = {"name": "x", "base_url": "http://panel"} | change
        answer = await operator.post("/v1/panels", body)
        assert pointers(problem_of(answer, 422, "invalid_request")) == [pointer], change
    assert len((await operator.ok("GET", "/v1/panels"))["data"]) == 1


async def test_the_key_of_a_panel_is_never_seen_again(tmp_path: Path) -> None:
    async with a_world(f"sqlite:///{tmp_path}/g.db") as world:
        world.simulator.panel.switches = changed(
            world.simulator.panel.switches, {"api_pass": API_PASS}
        )
        path = f"/v1/panels/{world.panel_id}"
        answers = [
            await world.operator.patch(path, {"api_pass": API_PASS}),
            await world.operator.get(path),
            await world.operator.get("/v1/panels"),
            await world.operator.post(f"{path}/probe"),
            await world.operator.post(
                "/v1/panels",
                {"name": "Two", "base_url": "http://127.0.0.1:9", "api_pass": API_PASS},
                headers={"Idempotency-Key": "panel-2"},
            ),
            await world.operator.post(
                "/v1/panels",
                {"name": "Two", "base_url": "http://127.0.0.1:9", "api_pass": API_PASS},
                headers={"Idempotency-Key": "panel-2"},
            ),
            await world.operator.patch(path, {"api_pass": API_PASS, "nonsense": 1}),
            await world.operator.patch(path, {"api_pass": [API_PASS]}),
            await world.operator.get("/v1/audit/entries"),
        ]
        assert answers[0].json()["has_api_pass"] is True
        assert answers[5].headers["Idempotent-Replayed"] == "true"
        assert not [answer.text for answer in answers if API_PASS in answer.text]
        await world.line()
        assert API_PASS in world.calls("create")[0].body
        removed = await world.operator.ok("PATCH", path, {"api_pass": None})
        assert removed["has_api_pass"] is False
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("g.db*"))  # noqa: ASYNC240
    assert b"Two" in stored
    assert API_PASS.encode() not in stored


async def probed(world: World, **panel: Any) -> dict[str, Any]:
    made = await world.operator.ok(
        "POST",
        "/v1/panels",
        {"name": "x", "base_url": world.simulator.base_url, "budget": FREE_BUDGET} | panel,
        status=201,
    )
    path = f"/v1/panels/{made['id']}"
    probe = await world.operator.ok("POST", f"{path}/probe")
    assert set(probe) == {
        *("reachable", "dialect", "firewall", "credits", "warnings", "checked_at"),
    }
    kept = await world.operator.ok("GET", path)
    assert kept["probe"] == probe
    assert kept["version"] == 1  # What was learned is no change of the panel's settings.
    del probe["checked_at"]
    probe["warnings"] = [warning["code"] for warning in probe["warnings"]]
    return probe


def found(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "reachable": True,
        "dialect": None,
        "firewall": None,
        "credits": None,
        "warnings": [],
    }
    return known | changes


def refuse_our_address(world: World) -> None:
    """Let the panel trust nobody but another gateway; its own server is elsewhere."""
    panel = world.simulator.panel
    panel.switches = changed(panel.switches, {"trusted_ips": [], "api_ips": "203.0.113.7"})
    servers = panel.tables["servers"]
    servers.update(list(servers.rows), {"server_ip": "203.0.113.8"}, strict=False)


async def test_a_probe_tells_what_is_behind_an_address(small_world: World) -> None:
    world = small_world
    simulator = world.simulator.panel
    as_shipped = simulator.switches
    ours = {"dialect": "xtream_v2"}
    assert await probed(world) == found(**ours, firewall=False, credits=True)
    simulator.switches = changed(as_shipped, {"firewall": True})
    assert await probed(world) == found(**ours, firewall=True, credits=True)
    simulator.switches = changed(as_shipped, {"api_pass": API_PASS})
    assert await probed(world) == found(**ours, warnings=["key_wrong"])
    assert await probed(world, api_pass="wrong") == found(**ours, warnings=["key_wrong"])
    right = await probed(world, api_pass=API_PASS)
    assert right == found(**ours, firewall=False, credits=True)
    simulator.switches = as_shipped
    refuse_our_address(world)
    assert await probed(world) == found(**ours, warnings=["ip_refused"])
    simulator.switches = changed(as_shipped, {"database": "down"})
    assert await probed(world) == found(warnings=["database_down"])
    simulator.switches = changed(as_shipped, {"config": "missing"})
    assert await probed(world) == found(warnings=["no_config"])
    simulator.switches = as_shipped
    nowhere = await probed(world, base_url=f"http://127.0.0.1:{free_port()}")
    assert nowhere == found(reachable=False, warnings=["unreachable"])
    other_path = await probed(world, base_url=f"{world.simulator.base_url}/elsewhere")
    assert other_path == found(warnings=["not_a_panel"])
    for body, code in ((b"", "wrong_port"), (b"<html>Login</html>", "not_a_panel")):
        async with serving(answering(page(body))) as url:
            assert await probed(world, base_url=url) == found(warnings=[code])
    redirect = page(b"", b"302 Found", b"Location: http://127.0.0.1:9/\r\nContent-Length: 0\r\n")
    async with serving(answering(redirect)) as url:
        assert await probed(world, base_url=url) == found(warnings=["redirected"])
    effects = [record for record in world.calls() if record.effects]
    assert not effects, "a probe changes nothing"


async def test_a_probe_of_a_documented_panel(tmp_path: Path) -> None:
    async with a_world(f"sqlite:///{tmp_path}/g.db", profile="documented") as world:
        probe = await probed(world)
        assert probe["reachable"] is True
        assert probe["dialect"] == "xtream_v2"
        assert probe["firewall"] is False
        assert probe["warnings"] == []
        assert len(world.calls()) <= 4


async def test_what_a_probe_learned_is_forgotten_with_the_address(small_world: World) -> None:
    world = small_world
    path = f"/v1/panels/{world.panel_id}"
    await world.operator.ok("POST", f"{path}/probe")
    renamed = await world.operator.ok("PATCH", path, {"name": "Other"})
    assert renamed["probe"]["reachable"] is True
    moved = await world.operator.ok("PATCH", path, {"base_url": "http://127.0.0.1:9"})
    assert moved["probe"] is None
    entries = await world.operator.ok("GET", "/v1/audit/entries", params={"action": "panel.probe"})
    assert [entry["phase"] for entry in entries["data"]] == ["succeeded"]


async def test_the_refusals_of_a_panel_are_told_as_misconfiguration(small_world: World) -> None:
    """Reads and changes alike; the detail is ours and says nothing of the panel's own words."""
    world = small_world
    line = await world.line()
    simulator = world.simulator.panel
    as_shipped = simulator.switches
    for wants_a_key in (True, False):
        simulator.switches = as_shipped
        if wants_a_key:
            simulator.switches = changed(as_shipped, {"api_pass": "x"})
        else:
            refuse_our_address(world)
        for method, path, body in (
            ("GET", f"/v1/lines/{line['id']}/info", None),
            ("POST", "/v1/lines", {"period": "P1M"}),
            ("POST", f"/v1/lines/{line['id']}/suspend", None),
            ("POST", f"/v1/lines/{line['id']}/renew", {"period": "P1M"}),
        ):
            answer = await world.a.api.send(
                method, path, body, headers={"Cache-Control": "no-cache"}
            )
            problem_of(answer, 502, "panel_misconfigured")
            assert "FORBIDDEN" not in answer.text
    assert world.user(line["username"])["enabled"] == 1
    simulator.switches = as_shipped
    servers = simulator.tables["servers"]
    servers.update(list(servers.rows), {"server_ip": "127.0.0.1"}, strict=False)
    probe = await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
    assert probe["warnings"] == []
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend")
