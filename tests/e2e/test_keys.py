"""Keys: given only by who has, shown once, ended at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiosqlite

from gateway.domain.caller import OPERATOR_ONLY, RESELLER_PERMISSIONS, Permission
from gateway.identity.api_keys import ApiKeys
from tests.e2e.support import SetClock, pointers, problem_of, process, text_of
from tests.world import World


async def issue(world: World, api: Any, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = await api.ok("POST", "/v1/keys", {"name": "shop"} | body, status=201)
    return made


async def test_a_key_is_shown_once(world: World) -> None:
    answer = await world.a.api.post("/v1/keys", {"name": "shop"})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/keys/{made['id']}"
    assert made["key"].startswith("xgw_")
    assert made["key"].startswith(made["prefix"])
    assert len(made["prefix"]) < 20
    assert made["reseller_id"] == world.a.id
    shown = {name: value for name, value in made.items() if name != "key"}
    assert shown["last_used_at"] is None
    assert await world.a.api.ok("GET", f"/v1/keys/{made['id']}") == shown
    listed = await world.a.api.get("/v1/keys")
    assert listed.json()["data"][0] == shown
    assert made["key"] not in listed.text
    entries = await world.a.api.get("/v1/audit/entries", params={"resource_id": made["id"]})
    assert made["key"] not in entries.text
    assert entries.json()["data"][0]["after"]["name"] == "shop"


async def test_without_a_list_a_key_has_all_that_can_be_given(small_world: World) -> None:
    world = small_world
    of_reseller = await issue(world, world.a.api)
    by_operator = await issue(world, world.operator, reseller_id=world.a.id)
    operators = await issue(world, world.operator)
    for made in (of_reseller, by_operator):
        assert set(made["permissions"]) == {str(each) for each in RESELLER_PERMISSIONS}
    assert set(operators["permissions"]) == {str(each) for each in Permission}
    assert operators["reseller_id"] is None
    narrow = await issue(world, world.a.api, permissions=["keys:write", "lines:read"])
    child = await issue(world, world.api(narrow["key"]))
    assert child["permissions"] == ["lines:read", "keys:write"]
    none = await issue(world, world.a.api, permissions=[])
    assert none["permissions"] == []


async def test_nobody_gives_what_it_has_not(small_world: World) -> None:
    world = small_world
    for permission in sorted(OPERATOR_ONLY):
        for api in (world.a.api, world.operator):
            body = {"name": "x", "permissions": ["lines:read", permission]}
            answer = await api.post("/v1/keys", body | {"reseller_id": world.a.id})
            assert permission in problem_of(answer, 403, "permission_denied")["detail"]
    narrow = await issue(world, world.a.api, permissions=["keys:write"])
    answer = await world.api(narrow["key"]).post(
        "/v1/keys", {"name": "x", "permissions": ["keys:write", "lines:secrets", "lines:read"]}
    )
    detail = problem_of(answer, 403, "permission_denied")["detail"]
    assert "lines:secrets" in detail
    assert "lines:read" in detail
    assert "keys:write" not in detail
    narrow_operator = await issue(world, world.operator, permissions=["keys:write"])
    answer = await world.api(narrow_operator["key"]).post(
        "/v1/keys", {"name": "x", "permissions": ["panels:write"]}
    )
    problem_of(answer, 403, "permission_denied")


async def test_a_reseller_gives_keys_to_itself_and_those_below_only(world: World) -> None:
    child = await world.operator.ok(
        "POST", "/v1/resellers", {"name": "child", "parent_id": world.a.id}, status=201
    )
    below = await issue(world, world.a.api, reseller_id=child["id"])
    me = await world.api(below["key"]).ok("GET", "/v1/me")
    assert (me["kind"], me["reseller_id"]) == ("reseller", child["id"])
    for foreign in (world.b.id, "rsl_" + "0" * 26):
        answer = await world.a.api.post("/v1/keys", {"name": "x", "reseller_id": foreign})
        problem_of(answer, 404, "not_found")
    upwards = await world.api(below["key"]).post(
        "/v1/keys", {"name": "x", "reseller_id": world.a.id}
    )
    problem_of(upwards, 404, "not_found")
    mine = await world.a.api.ok("GET", "/v1/keys", params={"reseller_id": child["id"]})
    assert [key["id"] for key in mine["data"]] == [below["id"]]
    theirs = await world.b.api.ok("GET", "/v1/keys", params={"reseller_id": child["id"]})
    assert theirs["data"] == []


async def test_a_revoked_key_ends_at_once_and_for_good(world: World) -> None:
    made = await issue(world, world.a.api)
    api = world.api(made["key"])
    await api.ok("GET", "/v1/me")
    for _ in range(2):
        answer = await world.a.api.delete(f"/v1/keys/{made['id']}")
        assert (answer.status_code, answer.content) == (204, b"")
        problem_of(await api.get("/v1/me"), 401, "unauthenticated")
    seen = await world.a.api.ok("GET", f"/v1/keys/{made['id']}")
    assert seen["revoked_at"] is not None
    entries = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"resource_id": made["id"], "action": "key.revoke"}
    )
    assert len(entries["data"]) == 1
    problem_of(await world.b.api.delete(f"/v1/keys/{made['id']}"), 404, "not_found")


async def test_a_key_may_end_its_own_life(small_world: World) -> None:
    made = await issue(small_world, small_world.a.api)
    api = small_world.api(made["key"])
    assert (await api.delete(f"/v1/keys/{made['id']}")).status_code == 204
    assert (await api.get("/v1/me")).status_code == 401


async def test_a_key_is_valid_from_its_addresses_only(small_world: World) -> None:
    world = small_world
    for allowed, status in (
        ([], 200),
        (["127.0.0.1"], 200),
        (["127.0.0.0/8"], 200),
        (["203.0.113.7", "127.0.0.0/30"], 200),
        (["203.0.113.7"], 401),
        (["2001:db8::/32"], 401),
    ):
        made = await issue(world, world.a.api, allowed_ips=allowed)
        assert made["allowed_ips"] == allowed
        answer = await world.api(made["key"]).get(
            "/v1/me", headers={"X-Forwarded-For": "203.0.113.7"}
        )
        assert answer.status_code == status, allowed
    for wrong in (["300.1.1.1"], ["127.0.0.1/8"], ["localhost"], "127.0.0.1", ["1.2.3.4"] * 2):
        answer = await world.a.api.post("/v1/keys", {"name": "x", "allowed_ips": wrong})
        problem_of(answer, 422, "invalid_request")


async def test_a_key_expires_to_the_second(world: World) -> None:
    clock = SetClock(datetime.now(UTC).replace(microsecond=0))
    until = clock.at + timedelta(days=1)
    for moment in (clock.at, clock.at - timedelta(days=1)):
        answer = await world.a.api.post("/v1/keys", {"name": "x", "expires_at": text_of(moment)})
        assert pointers(problem_of(answer, 422, "invalid_request")) == ["/expires_at"]
    made = await issue(world, world.a.api, expires_at=text_of(until))
    assert made["expires_at"] == text_of(until)
    identity = ApiKeys(world.runtime.ports.database, clock)
    async with process(world, clock=clock, identity=identity) as there:
        api = there.api(made["key"])
        clock.at = until - timedelta(microseconds=1)
        assert (await api.get("/v1/me")).status_code == 200
        clock.at = until
        problem_of(await api.get("/v1/me"), 401, "unauthenticated")


async def test_the_last_use_is_noted(world: World) -> None:
    made = await issue(world, world.a.api)
    before = datetime.now(UTC)
    await world.api(made["key"]).ok("GET", "/v1/me")
    seen = await world.a.api.ok("GET", f"/v1/keys/{made['id']}")
    assert before <= datetime.fromisoformat(seen["last_used_at"]) <= datetime.now(UTC)


async def test_only_a_digest_of_a_key_is_kept(small_world: World) -> None:
    world = small_world
    made = await issue(world, world.a.api)
    async with aiosqlite.connect(
        world.settings.database_url.removeprefix("sqlite:///")
    ) as database:
        dump = "\n".join([statement async for statement in database.iterdump()])
    assert made["id"] in dump
    assert made["key"] not in dump
    assert made["key"][len(made["prefix"]) :] not in dump


async def test_credentials_need_their_own_permission(small_world: World) -> None:
    world = small_world
    line = await world.line(username="anna", password="s3cret-Pass")
    path = f"/v1/lines/{line['id']}/credentials"
    everything_else = sorted(RESELLER_PERMISSIONS - {Permission.LINES_SECRETS})
    made = await issue(world, world.a.api, permissions=everything_else)
    answer = await world.api(made["key"]).get(path)
    assert "lines:secrets" in problem_of(answer, 403, "permission_denied")["detail"]
    assert "s3cret-Pass" not in answer.text
    only = await issue(world, world.a.api, permissions=["lines:secrets"])
    shown = await world.api(only["key"]).get(path)
    assert shown.json() == {"username": "anna", "password": "s3cret-Pass"}
    assert shown.headers["Cache-Control"] == "no-store"
    entries = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"action": "line.read_credentials"}
    )
    assert [(entry["phase"], entry["caller"]["key_id"]) for entry in entries["data"]] == [
        ("succeeded", only["id"]),
        ("denied", made["id"]),
    ]
