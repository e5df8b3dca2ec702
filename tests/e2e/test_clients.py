"""OAuth clients: given only by who has, with a secret shown once or keys of their own."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import aiosqlite
import pytest

from gateway.domain.caller import OPERATOR_ONLY, RESELLER_PERMISSIONS, Permission
from gateway.domain.clients import Client
from gateway.domain.ids import ClientId
from gateway.services.scope import system_scope
from tests.e2e.support import SetClock, pointers, problem_of, process
from tests.keys import EC, ED25519, RSA
from tests.world import World

JWKS = {"keys": [EC]}


async def make(world: World, api: Any, **body: Any) -> dict[str, Any]:
    made: dict[str, Any] = await api.ok("POST", "/v1/clients", {"name": "shop"} | body, status=201)
    return made


async def a_key(world: World, api: Any, *permissions: str) -> Any:
    """Return who has these permissions only."""
    body = {"name": "narrow", "permissions": list(permissions)}
    return world.api((await api.ok("POST", "/v1/keys", body, status=201))["key"])


async def kept(world: World, client_id: str) -> Client:
    async with world.runtime.ports.database.read(system_scope()) as store:
        return await store.clients.get(ClientId(client_id))


async def audited(world: World, client_id: str, action: str) -> list[dict[str, Any]]:
    found = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"resource_id": client_id, "action": action}
    )
    entries: list[dict[str, Any]] = found["data"]
    return entries


def shown(issued: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in issued.items() if name != "client_secret"}


async def test_a_client_is_shown_with_its_secret_once(world: World) -> None:
    answer = await world.a.api.post(
        "/v1/clients",
        {
            "name": "shop",
            "permissions": ["lines:write", "lines:read"],
            "origins": ["https://Shop.example", "http://localhost:3000"],
            "needs_dpop": True,
        },
    )
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/clients/{made['id']}"
    assert answer.headers["Cache-Control"] == "no-store"
    secret = made["client_secret"]
    assert (len(secret), secret[:4]) == (47, "xgs_")
    assert shown(made) == {
        "id": made["client_id"],
        "object": "client",
        "client_id": made["id"],
        "name": "shop",
        "reseller_id": world.a.id,
        "permissions": ["lines:read", "lines:write"],
        "origins": ["https://shop.example", "http://localhost:3000"],
        "jwks": None,
        "needs_dpop": True,
        "last_used_at": None,
        "revoked_at": None,
        "version": 1,
        "created_at": made["created_at"],
        "updated_at": made["created_at"],
    }
    read = await world.a.api.get(f"/v1/clients/{made['id']}")
    assert read.json() == shown(made)
    assert read.headers["ETag"] == '"1"'
    listed = await world.a.api.get("/v1/clients")
    assert listed.json()["data"] == [shown(made)]
    entries = await world.a.api.get("/v1/audit/entries", params={"resource_id": made["id"]})
    digest = hashlib.sha256(secret.encode()).hexdigest()
    for text in (listed.text, entries.text):
        assert secret not in text
        assert digest not in text
    (entry,) = entries.json()["data"]
    assert entry["resource"] == {"kind": "client", "id": made["id"]}
    assert entry["after"]["permissions"] == ["lines:read", "lines:write"]
    assert (await kept(world, made["id"])).knows(secret, datetime.now(UTC))


async def test_only_a_digest_of_a_secret_is_kept(small_world: World) -> None:
    world = small_world
    headers = {"Idempotency-Key": "client-1"}
    made = (await world.a.api.post("/v1/clients", {"name": "shop"}, headers=headers)).json()
    url = world.settings.database_url.removeprefix("sqlite:///")
    async with aiosqlite.connect(url) as database:
        dump = "\n".join([statement async for statement in database.iterdump()])
    assert made["id"] in dump
    assert made["client_secret"][4:] not in dump


async def test_a_client_with_keys_of_its_own_has_no_secret(world: World) -> None:
    jwks = {"keys": [EC, ED25519, RSA]}
    made = await make(world, world.a.api, jwks=jwks)
    assert made["client_secret"] is None
    assert made["jwks"] == jwks
    assert (await kept(world, made["id"])).secret_digest is None
    path = f"/v1/clients/{made['id']}"
    problem_of(await world.a.api.post(f"{path}/rotate-secret"), 409, "state_conflict")


async def test_without_a_list_a_client_has_all_that_can_be_given(small_world: World) -> None:
    world = small_world
    of_reseller = await make(world, world.a.api)
    by_operator = await make(world, world.operator, reseller_id=world.a.id)
    operators = await make(world, world.operator)
    for made in (of_reseller, by_operator):
        assert set(made["permissions"]) == {str(each) for each in RESELLER_PERMISSIONS}
        assert made["reseller_id"] == world.a.id
    assert set(operators["permissions"]) == {str(each) for each in Permission}
    assert operators["reseller_id"] is None
    narrow = await a_key(world, world.a.api, "clients:write", "lines:read")
    assert (await make(world, narrow))["permissions"] == ["lines:read", "clients:write"]
    assert (await make(world, world.a.api, permissions=[]))["permissions"] == []


async def test_nobody_gives_what_it_has_not(small_world: World) -> None:
    world = small_world
    mine = await make(world, world.a.api, permissions=["lines:read"])
    for permission in sorted(OPERATOR_ONLY):
        for api in (world.a.api, world.operator):
            wanted = {"permissions": ["lines:read", permission]}
            for answer in (
                await api.post("/v1/clients", {"name": "x", "reseller_id": world.a.id} | wanted),
                await api.patch(f"/v1/clients/{mine['id']}", wanted),
            ):
                detail = problem_of(answer, 403, "permission_denied")["detail"]
                assert permission in detail
                assert "lines:read" not in detail
    narrow = await a_key(world, world.a.api, "clients:write", "lines:write")
    for answer in (
        await narrow.post("/v1/clients", {"name": "x", "permissions": ["lines:secrets"]}),
        await narrow.patch(
            f"/v1/clients/{mine['id']}", {"permissions": ["lines:read", "lines:secrets"]}
        ),
    ):
        assert "lines:secrets" in problem_of(answer, 403, "permission_denied")["detail"]
    seen = await world.a.api.ok("GET", f"/v1/clients/{mine['id']}")
    assert (seen["permissions"], seen["version"]) == (["lines:read"], 1)
    # What it has stays, though the caller has it not, and more of the caller's own may come.
    given = {"permissions": ["lines:read", "lines:write"]}
    changed = await narrow.ok("PATCH", f"/v1/clients/{mine['id']}", given)
    assert changed["permissions"] == given["permissions"]


async def test_nobody_takes_over_a_client_that_may_more(small_world: World) -> None:
    world = small_world
    made = await make(world, world.a.api, permissions=["clients:write", "lines:secrets"])
    path = f"/v1/clients/{made['id']}"
    narrow = await a_key(world, world.a.api, "clients:write")
    for answer in (
        await narrow.post(f"{path}/rotate-secret"),
        await narrow.post(f"{path}/rotate-secret", {"overlap_seconds": 60}),
        await narrow.patch(path, {"jwks": JWKS}),
    ):
        assert "lines:secrets" in problem_of(answer, 403, "permission_denied")["detail"]
    assert (await kept(world, made["id"])).knows(made["client_secret"], datetime.now(UTC))
    equal = await a_key(world, world.a.api, "clients:write", "lines:secrets")
    assert (await equal.post(f"{path}/rotate-secret")).status_code == 200
    assert (await equal.patch(path, {"jwks": JWKS})).status_code == 200
    assert (await narrow.patch(path, {"name": "n", "jwks": JWKS})).status_code == 200
    assert (await narrow.delete(path)).status_code == 204


async def test_a_reseller_makes_clients_of_itself_and_those_below_only(world: World) -> None:
    child = await world.operator.ok(
        "POST", "/v1/resellers", {"name": "child", "parent_id": world.a.id}, status=201
    )
    below = await make(world, world.a.api, reseller_id=child["id"])
    assert below["reseller_id"] == child["id"]
    for foreign in (world.b.id, "rsl_" + "0" * 26):
        answer = await world.a.api.post("/v1/clients", {"name": "x", "reseller_id": foreign})
        problem_of(answer, 404, "not_found")
    query = {"reseller_id": child["id"]}
    mine = await world.a.api.ok("GET", "/v1/clients", params=query)
    assert [client["id"] for client in mine["data"]] == [below["id"]]
    assert (await world.b.api.ok("GET", "/v1/clients", params=query))["data"] == []
    operators = await make(world, world.operator)
    problem_of(await world.a.api.get(f"/v1/clients/{operators['id']}"), 404, "not_found")


async def test_a_patch_changes_what_is_named(world: World) -> None:
    made = await make(world, world.a.api, origins=["https://a.example"], permissions=["lines:read"])
    path = f"/v1/clients/{made['id']}"
    changed = await world.a.api.ok("PATCH", path, {"name": "New", "needs_dpop": True})
    expected = shown(made) | {"name": "New", "needs_dpop": True, "version": 2}
    assert changed == expected | {"updated_at": changed["updated_at"]}
    assert changed["updated_at"] > made["updated_at"]
    again = await world.a.api.ok("PATCH", path, {"name": "New"})
    assert again == changed
    body = {"origins": ["https://B.example:443", "https://a.example"], "permissions": []}
    lists = await world.a.api.ok("PATCH", path, body)
    assert lists["origins"] == ["https://b.example", "https://a.example"]
    assert lists["permissions"] == []
    (entry, _) = await audited(world, made["id"], "client.update")
    assert entry["before"] == {"origins": ["https://a.example"], "permissions": ["lines:read"]}
    assert entry["after"] == {"origins": lists["origins"], "permissions": []}
    for fixed in ({"reseller_id": world.b.id}, {"client_id": "cli_x"}, {"revoked_at": None}):
        problem_of(await world.a.api.patch(path, fixed), 422, "invalid_request")
    for null in ("name", "permissions", "origins", "needs_dpop"):
        answer = await world.a.api.patch(path, {null: None})
        assert pointers(problem_of(answer, 422, "invalid_request")) == [f"/{null}"]


async def test_a_change_of_another_version_is_refused(small_world: World) -> None:
    world = small_world
    made = await make(world, world.a.api)
    path = f"/v1/clients/{made['id']}"
    for method, target, body in (
        ("PATCH", path, {"name": "x"}),
        ("POST", f"{path}/rotate-secret", None),
    ):
        stale = await world.a.api.send(method, target, body, headers={"If-Match": '"9"'})
        problem_of(stale, 412, "version_mismatch")
    assert (await kept(world, made["id"])).knows(made["client_secret"], datetime.now(UTC))
    done = await world.a.api.send(
        "POST", f"{path}/rotate-secret", None, headers={"If-Match": '"1"'}
    )
    assert (done.status_code, done.headers["ETag"]) == (200, '"2"')


async def test_keys_end_the_secret_and_without_them_it_needs_a_new_one(world: World) -> None:
    made = await make(world, world.a.api)
    path = f"/v1/clients/{made['id']}"
    await world.a.api.ok("POST", f"{path}/rotate-secret", {"overlap_seconds": 3600})
    assert (await world.a.api.ok("PATCH", path, {"jwks": JWKS}))["jwks"] == JWKS
    assert (await world.a.api.ok("PATCH", path, {"jwks": None}))["jwks"] is None
    client = await kept(world, made["id"])
    assert (client.secret_digest, client.former_digest) == (None, None)
    assert not client.knows(made["client_secret"], datetime.now(UTC))
    rotated = await world.a.api.ok("POST", f"{path}/rotate-secret")
    assert (await kept(world, made["id"])).knows(rotated["client_secret"], datetime.now(UTC))


async def test_a_rotated_secret_ends_at_once_or_after_its_overlap(world: World) -> None:
    clock = SetClock(datetime.now(UTC))
    async with process(world, clock=clock) as there:
        made = await make(there, there.a.api)
        path = f"/v1/clients/{made['id']}/rotate-secret"
        second = await there.a.api.ok("POST", path)
        assert shown(second) == shown(made) | {"version": 2, "updated_at": second["updated_at"]}
        client = await kept(world, made["id"])
        assert client.knows(second["client_secret"], clock.at)
        assert not client.knows(made["client_secret"], clock.at)
        third = await there.a.api.ok("POST", path, {"overlap_seconds": 60})
        client = await kept(world, made["id"])
        ends = clock.at + timedelta(seconds=60)
        assert client.knows(third["client_secret"], ends)
        assert client.knows(second["client_secret"], ends - timedelta(microseconds=1))
        assert not client.knows(second["client_secret"], ends)
        assert not client.knows(made["client_secret"], clock.at)
        await there.a.api.ok("POST", path)
        assert not (await kept(world, made["id"])).knows(third["client_secret"], clock.at)
    for wrong in (-1, 86_401, 1.5, "60", None):
        answer = await world.a.api.post(path, {"overlap_seconds": wrong})
        assert pointers(problem_of(answer, 422, "invalid_request")) == ["/overlap_seconds"]
    entries = await audited(world, made["id"], "client.rotate_secret")
    assert [entry["phase"] for entry in entries] == ["succeeded"] * 3
    for secret in (made, second, third):
        assert secret["client_secret"] not in str(entries)
        assert hashlib.sha256(secret["client_secret"].encode()).hexdigest() not in str(entries)


async def test_a_revoked_client_is_ended_for_good(world: World) -> None:
    made = await make(world, world.a.api)
    path = f"/v1/clients/{made['id']}"
    moments = set()
    for _ in range(2):
        answer = await world.a.api.delete(path)
        assert (answer.status_code, answer.content) == (204, b"")
        moments.add((await world.a.api.ok("GET", path))["revoked_at"])
    assert len(moments) == 1
    assert moments != {None}
    assert not (await kept(world, made["id"])).knows(made["client_secret"], datetime.now(UTC))
    for answer in (
        await world.a.api.patch(path, {"name": "x"}),
        await world.a.api.patch(path, {"jwks": JWKS}),
        await world.a.api.post(f"{path}/rotate-secret"),
    ):
        problem_of(answer, 409, "state_conflict")
    assert len(await audited(world, made["id"], "client.revoke")) == 1
    problem_of(await world.b.api.delete(path), 404, "not_found")


async def test_a_keyed_secret_is_replayed(world: World) -> None:
    headers = {"Idempotency-Key": "client-1"}
    body = {"name": "shop", "origins": ["https://a.example"], "jwks": None}
    first = await world.a.api.post("/v1/clients", body, headers=headers)
    again = await world.a.api.post("/v1/clients", body, headers=headers)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len((await world.a.api.ok("GET", "/v1/clients"))["data"]) == 1
    path = f"/v1/clients/{first.json()['id']}/rotate-secret"
    keyed = {"Idempotency-Key": "rotation-1"}
    rotated = [await world.a.api.post(path, headers=keyed) for _ in range(2)]
    assert rotated[0].json() == rotated[1].json()
    with_keys = {"name": "keys", "jwks": JWKS}
    made = [
        await world.a.api.post("/v1/clients", with_keys, headers={"Idempotency-Key": "client-2"})
        for _ in range(2)
    ]
    assert made[0].json() == made[1].json()
    other = await world.a.api.post("/v1/clients", body | {"name": "x"}, headers=headers)
    problem_of(other, 422, "idempotency_key_reused")


async def test_a_rehearsal_shows_no_secret_and_changes_nothing(small_world: World) -> None:
    world = small_world
    made = await make(world, world.a.api)
    path, dry = f"/v1/clients/{made['id']}", {"dry_run": "true"}
    for method, target, body in (
        ("POST", "/v1/clients", {"name": "other"}),
        ("PATCH", path, {"jwks": JWKS}),
        ("POST", f"{path}/rotate-secret", {"overlap_seconds": 60}),
        ("DELETE", path, None),
    ):
        answer = await world.a.api.send(method, target, body, params=dry)
        assert answer.status_code == 200, answer.text
        assert answer.json()["dry_run"] is True
        assert "xgs_" not in answer.text
    listed = await world.a.api.ok("GET", "/v1/clients")
    assert listed["data"] == [shown(made)]
    assert (await kept(world, made["id"])).knows(made["client_secret"], datetime.now(UTC))


@pytest.mark.parametrize("is_patch", [False, True], ids=["create", "patch"])
async def test_all_faults_of_a_client_are_told_at_once(small_world: World, is_patch: bool) -> None:
    world = small_world
    made = await make(world, world.a.api)
    body = {
        "name": "",
        "permissions": ["lines:fly"],
        "origins": ["https://a.example", "null", "http://a.example", "https://a.example/x"],
        "jwks": {"keys": [EC | {"d": "pr1vate"}, {"kty": "oct", "k": "pr1vate"}]},
        "needs_dpop": 1,
        "more": 1,
    }
    method, path = ("PATCH", f"/v1/clients/{made['id']}") if is_patch else ("POST", "/v1/clients")
    answer = await world.a.api.send(method, path, body)
    problem = problem_of(answer, 422, "invalid_request")
    assert {(fault["pointer"], fault["code"]) for fault in problem["errors"]} == {
        ("/name", "too_short"),
        ("/permissions/0", "unknown_value"),
        ("/origins/1", "bad_format"),
        ("/origins/2", "bad_format"),
        ("/origins/3", "bad_format"),
        ("/jwks/keys/0/d", "not_allowed"),
        ("/jwks/keys/1/k", "not_allowed"),
        ("/jwks/keys/1/kty", "not_allowed"),
        ("/needs_dpop", "wrong_type"),
        ("/more", "unknown_field"),
    }
    assert "pr1vate" not in answer.text
    for wrong, pointer in (
        ({"origins": ["https://a.example", "https://A.example:443"]}, "/origins"),
        ({"origins": [f"https://{n}.example" for n in range(51)]}, "/origins"),
        ({"jwks": []}, "/jwks"),
        ({"jwks": {}}, "/jwks/keys"),
        ({"jwks": {"keys": [EC, EC]}}, "/jwks/keys/1/kid"),
    ):
        answer = await world.a.api.send(method, path, {"name": "x"} | wrong)
        assert pointers(problem_of(answer, 422, "invalid_request")) == [pointer]


async def test_a_suspended_reseller_changes_no_client(small_world: World) -> None:
    world = small_world
    made = await make(world, world.a.api)
    await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/suspend")
    for answer in (
        await world.a.api.post("/v1/clients", {"name": "x"}),
        await world.a.api.post(f"/v1/clients/{made['id']}/rotate-secret"),
        await world.a.api.delete(f"/v1/clients/{made['id']}"),
    ):
        problem_of(answer, 403, "permission_denied")
    assert (await world.a.api.get(f"/v1/clients/{made['id']}")).status_code == 200
