"""Devices, names of the caller's own, imports and credits against the real services and a panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import World, a_world

MAC = "00:1A:79:AB:CD:EF"
BODY = {"period": "P1M", "bouquet_ids": [1]}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        yield made


async def a_device(world: World, **fields: Any) -> dict[str, Any]:
    body = {"mac": "001a.79ab.cdef"} | BODY | fields
    return await world.a.api.ok("POST", "/v1/devices", body, status=201)


async def test_the_life_of_a_device(world: World) -> None:
    api = world.a.api
    made = await api.post("/v1/devices", {"mac": "001a.79ab.cdef", **BODY})
    device = made.json()
    path = f"/v1/devices/{device['id']}"
    assert (made.status_code, made.headers["location"]) == (201, path)
    assert (device["mac"], device["object"], device["state"]) == (MAC, "device", "active")
    assert device["panel_line_id"] is not None
    assert device["panel_device_id"] is not None
    assert not {"username", "password"} & set(device)

    read = await api.get(path)
    assert read.headers["etag"] == '"1"'
    assert read.headers["cache-status"].startswith("xtream-gateway; ")
    info = await api.ok("GET", f"{path}/info")
    assert (info["device_id"], info["mac"]) == (device["id"], MAC)
    assert (await api.ok("PATCH", path, {"notes": "vip"}))["notes"] == "vip"
    renewed = await api.ok("POST", f"{path}/renew", {"period": "P1M", "reference": "inv-1"})
    assert renewed["expires_at"] > device["expires_at"]
    assert (await api.ok("POST", f"{path}/suspend", {"reason": "x"}))["state"] == "suspended"
    assert (await api.ok("POST", f"{path}/resume"))["state"] == "active"
    assert (await api.ok("POST", f"{path}/terminate"))["state"] == "terminated"


@pytest.mark.parametrize("verb", ["rotate-password", "credentials"])
async def test_a_device_has_no_password(world: World, verb: str) -> None:
    device = await a_device(world)
    response = await world.a.api.post(f"/v1/devices/{device['id']}/{verb}")
    assert response.status_code == 404


async def test_devices_are_listed_and_looked_up_by_mac(world: World) -> None:
    api, device = world.a.api, await a_device(world, external_id="box-1")
    for params in (
        {"mac": "00-1a-79-ab-cd-ef"},
        {"q": "00:1a:79"},
        {"q": "BOX"},
        {"external_id": "box-1"},
        {"state": "active"},
    ):
        page = await api.ok("GET", "/v1/devices", params=params)
        assert [item["id"] for item in page["data"]] == [device["id"]], params
    page = await api.ok("GET", "/v1/devices", params={"mac": "00:00:00:00:00:00"})
    assert page == {"data": [], "next_cursor": None}

    found = await api.post("/v1/devices/lookup", {"mac": "001A79ABCDEF"})
    assert (found.status_code, found.json()["id"]) == (200, device["id"])
    assert found.headers["age"] == "0"
    other = await world.b.api.post("/v1/devices/lookup", {"mac": MAC})
    assert other.json()["code"] == "not_found"


async def test_lines_are_looked_up_by_what_is_typed_in(world: World) -> None:
    line = await world.line(username="anna", password="s3cret")
    body = {"username": "anna", "password": "s3cret"}
    found = await world.a.api.ok("POST", "/v1/lines/lookup", body)
    assert found["id"] == line["id"]
    assert "password" not in found
    for api, sent in (
        (world.b.api, body),
        (world.a.api, body | {"password": "S3cret"}),
        (world.a.api, {"username": "änna", "password": "😀"}),
    ):
        assert (await api.post("/v1/lines/lookup", sent)).json()["code"] == "not_found"


@pytest.mark.parametrize("noun", ["lines", "devices"])
async def test_a_put_makes_and_then_keeps_in_step(world: World, noun: str) -> None:
    api, path = world.a.api, f"/v1/{noun}/by-external-id/whmcs:4711"
    body = BODY | ({"mac": MAC} if noun == "devices" else {"username": "anna"})
    assert (await api.get(path)).json()["code"] == "not_found"
    tried = await api.ok("PUT", path, body, params={"dry_run": "true"})
    assert tried["panel_calls"][0]["method"] == "POST"
    assert (await api.get(path)).status_code == 404

    made = await api.send("PUT", path, body)
    place = f"/v1/{noun}/{made.json()['id']}"
    assert (made.status_code, made.headers["location"]) == (201, place)
    again = await api.send("PUT", path, body)
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    changed = await api.ok("PUT", path, body | {"notes": "vip", "external_id": "whmcs:4711"})
    assert (changed["notes"], changed["version"]) == ("vip", 2)
    assert changed.get("password") is None

    read = await api.get(path)
    assert (read.json()["id"], read.headers["etag"]) == (made.json()["id"], '"2"')
    whose = {"reseller_id": world.a.id}
    assert (await world.operator.ok("GET", path, params=whose))["notes"] == "vip"
    assert (await world.operator.get(path)).status_code == 404
    assert (await world.b.api.get(path)).status_code == 404


async def test_a_put_by_the_operator_is_for_the_reseller_that_it_names(world: World) -> None:
    path, whose = "/v1/lines/by-external-id/x", {"reseller_id": world.a.id}
    line = await world.operator.ok("PUT", path, BODY, params=whose, status=201)
    assert line["reseller_id"] == world.a.id
    assert (await world.a.api.ok("GET", path))["id"] == line["id"]
    other = BODY | {"reseller_id": world.b.id, "external_id": "y"}
    refused = await world.operator.send("PUT", path, other, params=whose)
    faults = [fault["pointer"] for fault in refused.json()["errors"]]
    assert (refused.status_code, faults) == (422, ["/external_id", "/reseller_id"])


async def test_what_is_on_a_panel_is_adopted(world: World) -> None:
    line = await world.line(username="anna", password="s3cret")
    taken = {"panel_id": world.panel_id, "username": "anna", "password": "s3cret"}
    answer = await world.operator.post("/v1/lines/import", taken)
    assert answer.json()["code"] == "username_taken"
    wrong = await world.operator.post("/v1/lines/import", taken | {"password": "other"})
    assert wrong.json()["code"] == "not_found"
    refused = await world.a.api.post("/v1/lines/import", taken)
    assert refused.json()["code"] == "permission_denied"
    assert (await world.a.api.ok("GET", "/v1/lines"))["data"][0]["id"] == line["id"]

    device = await a_device(world)
    body = {"panel_id": world.panel_id, "mac": device["mac"]}
    answer = await world.operator.post("/v1/devices/import", body)
    assert answer.json()["code"] == "mac_taken"


async def test_a_change_may_be_left_running(world: World) -> None:
    line = await world.line()
    response = await world.a.api.post(
        f"/v1/lines/{line['id']}/suspend", headers={"Prefer": "respond-async"}
    )
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    assert response.headers["location"].startswith("/v1/operations/op_")


async def test_bouquets_are_those_that_one_may_use(world: World) -> None:
    basic, sport = {"id": 1, "name": "Basic"}, {"id": 2, "name": "Sport"}
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"bouquets": [sport, basic]})
    policy = {"bouquet_ids": {world.panel_id: [2]}}
    await world.operator.ok("PATCH", f"/v1/resellers/{world.a.id}", {"policy": policy})
    shown = [{"panel_id": world.panel_id} | each for each in (basic, sport)]
    every = await world.operator.ok("GET", "/v1/bouquets", params={"panel_id": world.panel_id})
    assert every == {"data": shown, "next_cursor": None}
    assert (await world.a.api.ok("GET", "/v1/bouquets"))["data"] == shown[1:]
    unknown = {"panel_id": "pnl_unknown"}
    assert (await world.a.api.get("/v1/bouquets", params=unknown)).status_code == 404


async def test_credits_are_those_of_the_panels(world: World) -> None:
    mine = await world.a.api.ok("GET", "/v1/credits")
    assert set(mine) == {"balance", "held", "panel_balances", "low_threshold"}
    (balance,) = mine["panel_balances"]
    assert balance["panel_id"] == world.panel_id
    whose = {"reseller_id": world.a.id}
    assert await world.operator.ok("GET", "/v1/credits", params=whose) == mine
    assert (await world.b.api.get("/v1/credits", params=whose)).status_code == 404


async def test_what_is_ours_alone_can_be_tried_too(world: World) -> None:
    api, try_it = world.operator, {"dry_run": "true"}
    key = await api.ok("POST", "/v1/keys", {"name": "Shop", "reseller_id": world.a.id}, status=201)
    reseller, panel = f"/v1/resellers/{world.a.id}", f"/v1/panels/{world.panel_id}"
    changes: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", "/v1/keys", {"name": "x"}),
        ("DELETE", f"/v1/keys/{key['id']}", None),
        ("POST", "/v1/resellers", {"name": "x"}),
        ("PATCH", reseller, {"name": "x"}),
        ("POST", f"{reseller}/suspend", None),
        ("POST", f"{reseller}/resume", None),
        ("POST", "/v1/panels", {"name": "x", "base_url": "http://127.0.0.1:1"}),
        ("PATCH", panel, {"name": "x", "api_pass": "hunter2"}),
    ]
    before = [(await api.get(path)).text for path in ("/v1/keys", reseller, panel)]
    for method, path, body in changes:
        response = await api.send(method, path, body, params=try_it)
        assert response.status_code == 200, (method, path, response.text)
        assert response.json()["dry_run"] is True
        assert response.json()["panel_calls"] == []
        assert "hunter2" not in response.text
    assert before == [(await api.get(path)).text for path in ("/v1/keys", reseller, panel)]
