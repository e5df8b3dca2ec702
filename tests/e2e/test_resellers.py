"""Resellers: what operators give them, and what a suspension reaches."""

from __future__ import annotations

from typing import Any

from tests.e2e.support import pointers, problem_of
from tests.world import World

NOWHERE = "pnl_" + "0" * 26
DEFAULT_POLICY = {
    "panel_ids": [],
    "bouquet_ids": None,
    "max_connections": 1,
    "max_lines": None,
    "max_devices": None,
    "trials_per_day": 0,
    "may_restream": False,
    "may_never_expire": False,
    "subscriber_may": ["rotate_password"],
    "expiring_marks": ["P7D", "P1D"],
}


async def test_a_reseller_is_made_as_asked_with_the_contracts_defaults(world: World) -> None:
    answer = await world.operator.post("/v1/resellers", {"name": "Ann's TV"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/resellers/{made['id']}"
    assert made == {
        "id": made["id"],
        "object": "reseller",
        "name": "Ann's TV",
        "parent_id": None,
        "state": "active",
        "panel_accounts": [],
        "policy": DEFAULT_POLICY,
        "metadata": {},
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    policy = DEFAULT_POLICY | {
        "panel_ids": [world.panel_id],
        "bouquet_ids": {world.panel_id: [1, 2]},
        "max_connections": None,
        "max_lines": 10,
    }
    body: dict[str, Any] = {
        "name": "Below",
        "parent_id": made["id"],
        "panel_accounts": [{"panel_id": world.panel_id, "member_id": 7}],
        "policy": policy,
        "metadata": {"crm": "4711"},
    }
    below = await world.operator.ok("POST", "/v1/resellers", body, status=201)
    assert {name: below[name] for name in body} == body
    assert await world.operator.ok("GET", f"/v1/resellers/{below['id']}") == below
    listed = await world.operator.ok("GET", "/v1/resellers")
    assert [each["id"] for each in listed["data"]] == [
        *(below["id"], made["id"], world.b.id, world.a.id),
    ]


async def test_all_faults_of_a_reseller_are_told_at_once(small_world: World) -> None:
    world = small_world
    account = {"panel_id": world.panel_id, "member_id": 7}
    answer = await world.operator.post(
        "/v1/resellers",
        {
            "name": "x",
            "panel_accounts": [
                account,
                {"panel_id": NOWHERE, "member_id": 1},
                account | {"member_id": 8},
            ],
            "policy": {"panel_ids": [world.panel_id, NOWHERE]},
        },
    )
    problem = problem_of(answer, 422, "invalid_request")
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [
        ("/panel_accounts/1/panel_id", "unknown"),
        ("/panel_accounts/2/panel_id", "duplicate"),
        ("/policy/panel_ids/1", "no_account"),
    ]
    answer = await world.operator.post(
        "/v1/resellers",
        {
            "name": " x",
            "parent_id": 7,
            "panel_accounts": [{"panel_id": world.panel_id}],
            "policy": {"max_connections": 0, "may_restream": "yes", "nonsense": 1, "max_lines": -1},
            "metadata": {"k": 1},
            "credits": 5,
        },
    )
    assert set(pointers(problem_of(answer, 422, "invalid_request"))) == {
        *("/name", "/parent_id", "/panel_accounts/0/member_id", "/policy/max_connections"),
        *("/policy/may_restream", "/policy/nonsense", "/policy/max_lines", "/metadata/k"),
        "/credits",
    }
    orphan = await world.operator.post(
        "/v1/resellers", {"name": "x", "parent_id": "rsl_" + "0" * 26}
    )
    problem_of(orphan, 404, "not_found")


async def test_a_policy_merges_member_by_member(world: World) -> None:
    path = f"/v1/resellers/{world.a.id}"
    before = await world.operator.ok("GET", path)
    change = {
        "policy": {"max_lines": 5, "bouquet_ids": {world.panel_id: [1]}},
        "metadata": {"a": "1", "b": "2"},
    }
    after = await world.operator.ok("PATCH", path, change)
    assert after["policy"] == before["policy"] | change["policy"]
    assert (after["version"], after["name"]) == (2, "A")
    merged = await world.operator.ok(
        "PATCH", path, {"policy": {"bouquet_ids": None}, "metadata": {"a": None}}
    )
    assert merged["policy"] == before["policy"] | {"max_lines": 5}
    assert merged["metadata"] == {"b": "2"}
    me = await world.a.api.ok("GET", "/v1/me")
    assert me["policy"] == merged["policy"]
    gone = await world.operator.patch(path, {"panel_accounts": []})
    assert gone.status_code == 200, gone.text
    problem_of(await world.a.api.post("/v1/lines", {"period": "P1M"}), 422, "invalid_request")
    named = await world.operator.patch(path, {"policy": {"panel_ids": [world.panel_id]}})
    assert pointers(problem_of(named, 422, "invalid_request")) == ["/policy/panel_ids/0"]


async def test_the_audit_log_tells_what_differs(small_world: World) -> None:
    world = small_world
    path = f"/v1/resellers/{world.a.id}"
    await world.operator.ok("PATCH", path, {"name": "A2", "policy": {"max_lines": 5}})
    entries = await world.operator.ok(
        "GET", "/v1/audit/entries", params={"action": "reseller.update"}
    )
    (entry,) = entries["data"]
    assert set(entry["before"]) == {"name", "policy"}
    assert (entry["before"]["name"], entry["after"]["name"]) == ("A", "A2")
    assert entry["after"]["policy"]["max_lines"] == 5
    assert entry["reseller_id"] == world.a.id


async def test_a_suspension_reaches_those_below_and_nobody_else(world: World) -> None:
    keys = []
    parent_id = world.a.id
    for name in ("child", "grandchild"):
        made = await world.operator.ok(
            "POST",
            "/v1/resellers",
            {
                "name": name,
                "parent_id": parent_id,
                "panel_accounts": [{"panel_id": world.panel_id, "member_id": 7}],
            },
            status=201,
        )
        parent_id = made["id"]
        key = await world.operator.ok(
            "POST", "/v1/keys", {"name": name, "reseller_id": parent_id}, status=201
        )
        keys.append(world.api(key["key"]))
    lines = [await world.line(api) for api in (world.a.api, *keys)]
    for _ in range(2):
        suspended = await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/suspend")
        assert suspended["state"] == "suspended"
    sent = len(world.calls())
    for api, line in zip((world.a.api, *keys), lines, strict=True):
        await api.ok("GET", f"/v1/lines/{line['id']}")
        await api.ok("GET", "/v1/me")
        for method, path, body in (
            ("POST", "/v1/lines", {"period": "P1M"}),
            ("PATCH", f"/v1/lines/{line['id']}", {"metadata": {"k": "v"}}),
            ("POST", f"/v1/lines/{line['id']}/suspend", None),
            ("POST", "/v1/keys", {"name": "x"}),
            ("GET", f"/v1/lines/{line['id']}/credentials", None),
        ):
            problem_of(await api.send(method, path, body), 403, "permission_denied")
    assert len(world.calls()) == sent
    for line in lines:  # Its lines play on.
        assert world.user(line["username"])["enabled"] == 1
    await world.line(world.b.api)
    await world.operator.ok("POST", f"/v1/lines/{lines[0]['id']}/suspend")
    await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/resume")
    for api in (world.a.api, *keys):
        await world.line(api)


async def test_resellers_change_no_resellers_not_even_themselves(world: World) -> None:
    path = f"/v1/resellers/{world.a.id}"
    for method, target, body in (
        ("POST", "/v1/resellers", {"name": "x"}),
        ("PATCH", path, {"policy": {"max_lines": None}}),
        ("POST", f"{path}/suspend", None),
        ("POST", f"{path}/resume", None),
    ):
        problem_of(await world.a.api.send(method, target, body), 403, "permission_denied")
    assert (await world.a.api.ok("GET", path))["version"] == 1


async def test_a_line_for_a_reseller_carries_its_account(world: World) -> None:
    """Also where the operator makes it; another number is refused."""
    member_id = (await world.operator.ok("GET", f"/v1/resellers/{world.a.id}"))["panel_accounts"][0]
    body = {"period": "P1M", "reseller_id": world.a.id}
    line = await world.operator.ok("POST", "/v1/lines", body, status=201)
    assert world.user(line["username"])["member_id"] == member_id["member_id"]
    assert line["reseller_id"] == world.a.id
    sent = len(world.calls())
    wrong = await world.operator.post("/v1/lines", body | {"member_id": 1})
    assert pointers(problem_of(wrong, 422, "invalid_request")) == ["/member_id"]
    assert len(world.calls()) == sent
    own = await world.operator.ok(
        "POST", "/v1/lines", {"period": "P1M", "member_id": 42}, status=201
    )
    assert own["reseller_id"] is None
    assert world.user(own["username"])["member_id"] == 42
    absent = await world.operator.post("/v1/lines", body | {"reseller_id": "rsl_" + "0" * 26})
    problem_of(absent, 404, "not_found")


async def test_where_there_are_two_panels_one_must_be_named(world: World) -> None:
    second = await world.operator.ok(
        "POST", "/v1/panels", {"name": "Two", "base_url": "http://127.0.0.1:9"}, status=201
    )
    ambiguous = await world.operator.post("/v1/lines", {"period": "P1M"})
    assert pointers(problem_of(ambiguous, 422, "invalid_request")) == ["/panel_id"]
    line = await world.line()  # The reseller has an account on one of them only.
    assert line["panel_id"] == world.panel_id
    foreign = await world.a.api.post("/v1/lines", {"period": "P1M", "panel_id": second["id"]})
    unknown = await world.a.api.post("/v1/lines", {"period": "P1M", "panel_id": NOWHERE})
    for answer in (foreign, unknown):
        problem_of(answer, 404, "not_found")
    without_account = await world.operator.post(
        "/v1/lines", {"period": "P1M", "panel_id": second["id"], "reseller_id": world.a.id}
    )
    assert pointers(problem_of(without_account, 422, "invalid_request")) == ["/panel_id"]
