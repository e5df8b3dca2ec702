"""What every caller meets: who am I, operations, request ids and headers."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.caller import RESELLER_PERMISSIONS, Permission
from tests.e2e.support import problem_of
from tests.world import OPEN_POLICY, World


async def test_a_caller_is_told_who_it_is(world: World) -> None:
    keys = await world.operator.ok("GET", "/v1/keys")
    key_ids = {key["name"]: key["id"] for key in keys["data"]}
    assert await world.operator.ok("GET", "/v1/me") == {
        "kind": "operator",
        "reseller_id": None,
        "key_id": key_ids["operator"],
        "permissions": [str(each) for each in Permission],
        "policy": None,
    }
    me = await world.a.api.ok("GET", "/v1/me")
    reseller = await world.operator.ok("GET", f"/v1/resellers/{world.a.id}")
    assert me == {
        "kind": "reseller",
        "reseller_id": world.a.id,
        "key_id": key_ids["A"],
        "permissions": [str(each) for each in Permission if each in RESELLER_PERMISSIONS],
        "policy": reseller["policy"],
    }
    assert me["policy"] == me["policy"] | OPEN_POLICY | {"panel_ids": [world.panel_id]}
    made = await world.a.api.ok("POST", "/v1/keys", {"name": "x", "permissions": []}, status=201)
    none = await world.api(made["key"]).ok("GET", "/v1/me")
    assert none["permissions"] == []


async def test_operations_tell_what_became_of_each_change(world: World) -> None:
    line = await world.line()
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend")
    refused = await world.a.api.post(f"/v1/lines/{line['id']}/renew", {"period": "P100Y"})
    failed_id = problem_of(refused, 422, "invalid_request")["operation_id"]
    other = await world.line()
    theirs = await world.line(world.b.api)

    async def listed(**query: Any) -> list[tuple[str, str, str]]:
        found = await world.a.api.ok("GET", "/v1/operations", params=query)
        return [(each["kind"], each["state"], each["resource_id"]) for each in found["data"]]

    created, suspended, failed, second = (
        ("line.create", "succeeded", line["id"]),
        ("line.suspend", "succeeded", line["id"]),
        ("line.renew", "failed", line["id"]),
        ("line.create", "succeeded", other["id"]),
    )
    for query, expected in (
        ({}, [second, failed, suspended, created]),
        ({"state": "failed"}, [failed]),
        ({"state": "prepared"}, []),
        ({"kind": "line.create"}, [second, created]),
        ({"kind": "line.create", "resource_id": line["id"]}, [created]),
        ({"resource_id": theirs["id"]}, []),
        ({"state": "succeeded", "limit": 1}, [second]),
    ):
        assert await listed(**query) == expected, query
    everything = await world.operator.ok("GET", "/v1/operations")
    assert len(everything["data"]) == 5
    operation = await world.a.api.ok("GET", f"/v1/operations/{failed_id}")
    assert operation == {
        "id": failed_id,
        "object": "operation",
        "kind": "line.renew",
        "state": "failed",
        "resource_id": line["id"],
        "reseller_id": world.a.id,
        "attempts": 0,
        "problem": operation["problem"],
        "created_at": operation["created_at"],
        "updated_at": operation["updated_at"],
        "settles_at": None,
    }
    assert operation["problem"]["code"] == "invalid_request"
    assert operation["problem"]["errors"][0]["pointer"] == "/period"
    problem_of(await world.b.api.get(f"/v1/operations/{failed_id}"), 404, "not_found")


async def test_a_request_is_followed_by_its_id_from_answer_to_audit_log(world: World) -> None:
    answer = await world.a.api.post(
        "/v1/lines", {"period": "P1M"}, headers={"X-Request-Id": "billing.4711_a-B"}
    )
    assert answer.headers["X-Request-Id"] == "billing.4711_a-B"
    entries = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"resource_id": answer.json()["id"]}
    )
    assert [entry["request_id"] for entry in entries["data"]] == ["billing.4711_a-B"] * 2
    assert {entry["ip"] for entry in entries["data"]} == {"127.0.0.1"}
    for odd in ("a b", "x" * 129, "ä", ""):
        replaced = await world.a.api.get("/v1/me", headers=[("X-Request-Id", odd.encode())])
        assert replaced.headers["X-Request-Id"] not in {odd, "billing.4711_a-B"}


async def test_no_answer_may_be_stored_sniffed_or_framed(small_world: World) -> None:
    world = small_world
    line = await world.line()
    for method, path in (
        ("GET", f"/v1/lines/{line['id']}"),
        ("GET", "/v1/lines"),
        ("POST", f"/v1/lines/{line['id']}/rotate-password"),
        ("GET", "/v1/nothing"),
        ("PUT", "/v1/lines"),
    ):
        answer = await world.a.api.send(method, path)
        assert answer.headers["Cache-Control"] == "no-store", path
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Request-Id"]
        assert "Server" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        *("/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/graphql/schema.graphql"),
        *("/graphql", "/graphql?query={me{kind}}", "/v1/me", "/v1/lines/nothing", "/nowhere", "/"),
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE"])
async def test_every_kind_of_route_has_the_security_headers(
    small_world: World, method: str, path: str, *, is_known: bool
) -> None:
    caller = small_world.operator if is_known else small_world.api(None)
    for headers in ({}, {"Accept": "text/html"}):
        answer = await caller.send(method, path, headers=headers)
        assert answer.status_code < 500
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"]
        assert "Server" not in answer.headers
        # The public URL of this gateway is http: browsers must not be told otherwise.
        assert "Strict-Transport-Security" not in answer.headers


async def test_times_are_utc_with_z_and_lists_have_one_shape(small_world: World) -> None:
    world = small_world
    line = await world.line(expires_at="2030-01-31T02:00:00+02:00")
    assert line["expires_at"] == "2030-01-31T00:00:00Z"
    for name in ("created_at", "updated_at"):
        assert line[name].endswith("Z")
    for path in ("lines", "operations", "audit/entries", "keys", "resellers", "panels"):
        found = await world.operator.ok("GET", f"/v1/{path}")
        assert list(found) == ["data", "next_cursor"]
        assert found["next_cursor"] is None


async def test_head_and_options_need_no_body(small_world: World) -> None:
    world = small_world
    line = await world.line()
    head = await world.a.api.send("HEAD", f"/v1/lines/{line['id']}")
    assert (head.status_code, head.content, head.headers["ETag"]) == (200, b"", '"1"')
    allow = (await world.a.api.send("OPTIONS", f"/v1/lines/{line['id']}")).headers["Allow"]
    assert allow == "GET, HEAD, OPTIONS, PATCH"
