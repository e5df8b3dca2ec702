"""Events: every change tells of itself, once, in order, to those who may know, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.events import EventType
from gateway.services.drift_sweep import compare_resources
from gateway.services.events import sweep_events
from gateway.services.reconcile import settle_operations
from gateway.services.registry import KINDS
from gateway.services.telling import TOLD
from gateway.workers.recovery import system_context
from tests.e2e.events import check, events, types
from tests.e2e.support import SetClock, on_panel, problem_of, runtime_of
from tests.world import World

DAY = timedelta(days=1)
MAC = "00:1A:79:AB:CD:EF"


def test_every_kind_of_change_says_what_it_tells() -> None:
    assert set(TOLD) == set(KINDS)


async def test_the_life_of_a_line_is_told_in_order(world: World) -> None:
    line = await world.line(external_id="order-1")
    path, ok = f"/v1/lines/{line['id']}", world.a.api.ok
    for change, body in (
        ("renew", {"period": "P1M"}),
        ("suspend", None),
        ("resume", None),
        ("rotate-password", None),
    ):
        await ok("POST", f"{path}/{change}", body)
    await ok("PATCH", path, {"notes": "on the panel"})
    await ok("PATCH", path, {"metadata": {"ours": "only"}})
    await ok("POST", f"{path}/terminate")
    told = await events(world, resource_id=line["id"])
    assert [(it["type"], it["sequence"]) for it in told] == [
        ("line.created", 1),
        ("line.renewed", 2),
        ("line.suspended", 3),
        ("line.resumed", 4),
        ("line.updated", 5),
        ("line.updated", 6),
        ("line.updated", 7),
        ("line.terminated", 8),
    ]
    first, last = told[0], told[-1]
    assert first["data"] == {
        "id": line["id"],
        "object": "line",
        "state": "active",
        "external_id": "order-1",
        "reseller_id": world.a.id,
        "panel_id": world.panel_id,
        "username": line["username"],
        "expires_at": line["expires_at"],
        "max_connections": 1,
        "bouquet_ids": [1, 2],
        "is_trial": False,
        "is_restreamer": False,
        "version": 1,
        "sequence": 1,
        "created_at": line["created_at"],
        "updated_at": line["updated_at"],
    }
    assert (last["data"]["state"], last["reseller_id"]) == ("terminated", world.a.id)
    assert told[2]["data"]["state"] == "suspended"
    assert line["password"] not in str(told)


async def test_the_life_of_a_device_is_told_too(world: World) -> None:
    body = {"mac": MAC, "period": "P1M"}
    device = await world.a.api.ok("POST", "/v1/devices", body, status=201)
    path = f"/v1/devices/{device['id']}"
    for change, sent in (("renew", {"period": "P1M"}), ("suspend", None), ("terminate", None)):
        await world.a.api.ok("POST", f"{path}/{change}", sent)
    told = await events(world, resource_id=device["id"])
    assert [it["type"] for it in told] == [
        *("device.created", "device.renewed", "device.suspended", "device.terminated"),
    ]
    assert told[0]["data"]["mac"] == MAC


async def test_what_changes_nothing_tells_of_its_operation_only(world: World) -> None:
    line = await world.line()
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/resume")
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/drift/enforce")
    await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"metadata": {}})
    assert await types(world, resource_id=line["id"]) == ["line.created"]
    assert await types(world, type="operation.succeeded") == ["operation.succeeded"] * 3


async def test_a_refusal_by_the_panel_is_told_once(world: World) -> None:
    world.fault({"match": {"sub": "create"}, "fault": "refuse", "params": {"text": "KEY WRONG"}})
    answer = await world.a.api.post("/v1/lines", {"period": "P1M"})
    assert answer.status_code >= 400, answer.text
    operation_id = answer.json()["operation_id"]
    (told,) = await events(world, world.a.api)  # What it says of the panel is the operator's.
    assert (told["type"], told["resource_id"]) == ("operation.failed", operation_id)
    assert told["data"]["problem"]["code"] == answer.json()["code"]
    assert told["data"]["kind"] == "line.create"


async def test_a_dry_run_tells_nothing(world: World) -> None:
    line = await world.line()
    before = await events(world)
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend?dry_run=true")
    params = {"dry_run": "true"}
    await world.a.api.ok(
        "PATCH", f"/v1/lines/{line['id']}", {"metadata": {"a": "b"}}, params=params
    )
    assert await events(world) == before


async def test_a_drift_is_told_when_it_is_found_and_not_again(world: World) -> None:
    line = await world.line(expires_at="2035-01-01T00:00:00Z")
    for days, connections in ((2, 3), (4, 4)):
        on_panel(world, line, max_connections=connections)
        ports = runtime_of(world, clock=SetClock(datetime.now(UTC) + days * DAY)).ports
        assert await compare_resources(system_context(ports, "drift")) == 1
    (drift,) = (await world.operator.ok("GET", "/v1/drifts"))["data"]
    (told,) = await events(world, type="line.drifted")
    expected = {"id": drift["id"], "kind": "changed", "fields": ["max_connections"]}
    assert told["data"]["drift"] == expected
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/drift/adopt")
    assert await types(world, resource_id=line["id"]) == [
        *("line.created", "line.drifted", "line.updated"),
    ]


async def test_an_import_is_told_as_a_creation(world: World) -> None:
    world.simulator.panel.tables["users"].insert(
        {"username": "old", "password": "secret-word", "exp_date": 2_000_000_000}, strict=False
    )
    body = {"panel_id": world.panel_id, "username": "old", "password": "secret-word"}
    line = await world.operator.ok("POST", "/v1/lines/import", body, status=201)
    (told,) = await events(world)
    assert (told["type"], told["resource_id"]) == ("line.created", line["id"])
    assert "secret-word" not in str(told)


async def test_what_a_person_has_to_decide_is_told_and_so_is_the_decision(world: World) -> None:
    line = await world.line()
    lost = {"fault": "status", "params": {"code": 500, "effect": "none"}}
    world.fault({"match": {"sub": "edit"}, "times": 1} | lost)
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/rotate-password")
    assert answer.status_code == 202, answer.text
    operation_id = answer.json()["id"]
    on_panel(world, line, password="neither")
    ports = runtime_of(world, clock=SetClock(datetime.now(UTC) + DAY)).ports
    await settle_operations(system_context(ports, "reconciler"))
    assert await types(world, resource_id=operation_id) == ["operation.needs_attention"]
    await world.operator.ok(
        "POST", f"/v1/operations/{operation_id}/resolve", {"decision": "not_applied"}
    )
    told = await events(world, resource_id=operation_id)
    assert [(it["type"], it["sequence"]) for it in told] == [
        ("operation.needs_attention", 1),
        ("operation.failed", 2),
    ]


async def test_a_reseller_sees_its_own_and_its_suspension(world: World) -> None:
    line = await world.line()
    await world.line(world.b.api)
    for verb in ("suspend", "suspend", "resume"):
        await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/{verb}")
    seen = await events(world, world.a.api)
    assert [it["type"] for it in seen] == [
        *("line.created", "operation.succeeded", "reseller.suspended", "reseller.resumed"),
    ]
    assert {it["reseller_id"] for it in seen} == {world.a.id}
    assert seen[0]["resource_id"] == line["id"]
    theirs = await events(world, world.b.api)
    assert {it["reseller_id"] for it in theirs} == {world.b.id}
    foreign = await world.b.api.get(f"/v1/events/{seen[0]['id']}")
    absent = await world.b.api.get(f"/v1/events/{seen[0]['id'][:-4]}zzzz")
    assert foreign.status_code == absent.status_code == 404
    assert foreign.json()["detail"] == absent.json()["detail"]
    assert await events(world, world.b.api, after_id=seen[0]["id"]) == theirs


async def test_events_can_be_followed_by_their_ids(small_world: World) -> None:
    world = small_world
    await world.line()
    first = await events(world, limit=1)
    rest = await events(world, after_id=first[0]["id"])
    assert [it["type"] for it in (*first, *rest)] == ["line.created", "operation.succeeded"]
    assert await events(world, after_id=rest[-1]["id"]) == []
    await world.line()
    assert len(await events(world, after_id=rest[-1]["id"])) == 2


async def test_lists_are_newest_first_and_narrowed(small_world: World) -> None:
    world = small_world
    line = await world.line()
    answer = await world.a.api.ok("GET", "/v1/events")
    newest, oldest = answer["data"]
    assert (newest["type"], oldest["type"]) == ("operation.succeeded", "line.created")
    page = await world.a.api.ok("GET", "/v1/events", params={"limit": 1})
    assert page["data"] == [newest]
    params = {"limit": 1, "cursor": page["next_cursor"]}
    assert (await world.a.api.ok("GET", "/v1/events", params=params))["data"] == [oldest]
    narrowed: tuple[tuple[dict[str, Any], list[Any]], ...] = (
        ({"type": "line.created"}, [oldest]),
        ({"resource_id": line["id"]}, [oldest]),
        ({"reseller_id": world.a.id}, [newest, oldest]),
        ({"reseller_id": world.b.id}, []),
        ({"since": oldest["timestamp"]}, [newest, oldest]),
        ({"since": "2099-01-01T00:00:00Z"}, []),
    )
    for params, expected in narrowed:
        found = await world.operator.ok("GET", "/v1/events", params=params)
        assert found["data"] == expected, params
    single = await world.a.api.ok("GET", f"/v1/events/{oldest['id']}")
    assert single == oldest
    check(single)


@pytest.mark.parametrize(
    ("name", "value"),
    [("type", "line.exploded"), ("order", "random"), ("since", "yesterday"), ("cursor", "x")],
)
async def test_a_wrong_filter_is_refused(small_world: World, name: str, value: str) -> None:
    answer = await small_world.a.api.get("/v1/events", params={name: value})
    problem = problem_of(answer, 422, "invalid_request")
    assert [fault["pointer"] for fault in problem["errors"]] == [f"?{name}"]


async def test_graphql_shows_the_same(small_world: World) -> None:
    world = small_world
    await world.line()
    text = """{ events(first: 1, filter: {order: OLDEST, type: LINE_CREATED}) { nodes {
        id type timestamp sequence resourceId panelId resellerId data } } }"""
    answer = await world.a.api.ok("POST", "/graphql", {"query": text})
    (shown,) = answer["data"]["events"]["nodes"]
    (told,) = await events(world, type="line.created")
    assert shown == {
        "id": told["id"],
        "type": "LINE_CREATED",
        "timestamp": told["timestamp"],
        "sequence": 1,
        "resourceId": told["resource_id"],
        "panelId": told["panel_id"],
        "resellerId": world.a.id,
        "data": told["data"],
    }


async def test_who_may_not_read_events_is_refused(small_world: World) -> None:
    body = {"name": "narrow", "permissions": ["lines:read"]}
    key = await small_world.a.api.ok("POST", "/v1/keys", body, status=201)
    answer = await small_world.api(key["key"]).get("/v1/events")
    problem_of(answer, 403, "permission_denied")


async def test_events_are_forgotten_after_thirty_days(world: World) -> None:
    line = await world.line()
    for days, left in ((29, 2), (31, 0)):
        ports = runtime_of(world, clock=SetClock(datetime.now(UTC) + days * DAY)).ports
        await sweep_events(system_context(ports, "sweep"))
        assert len(await events(world)) == left
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend")
    (told,) = await events(world, type=EventType.LINE_SUSPENDED.value)
    assert told["sequence"] == 2
