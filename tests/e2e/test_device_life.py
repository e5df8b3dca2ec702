"""The whole life of a device (a MAG box) through REST, on both databases and sorts of panel."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from gateway.domain.periods import Period
from gateway.services.scope import system_scope
from tests.world import World, a_world

MAC = "00:1A:79:AB:CD:EF"


async def a_device(world: World, **fields: Any) -> dict[str, Any]:
    body = {"mac": MAC, "period": "P1M", "bouquet_ids": [1, 2]} | fields
    if body.get("expires_at") or body.get("never_expires"):
        del body["period"]
    return await world.a.api.ok("POST", "/v1/devices", body, status=201)


def line_behind(world: World, device: dict[str, Any]) -> dict[str, Any]:
    (row,) = [row for row in world.users() if row["id"] == device["panel_line_id"]]
    return row


async def test_a_device_is_created_on_the_panel_as_asked(life: World) -> None:
    answer = await life.a.api.post(
        "/v1/devices",
        {
            "mac": "00-1a-79-ab-cd-ef",
            "external_id": "box-1",
            "expires_at": "2030-01-31T00:00:00Z",
            "bouquet_ids": [1, 3],
            "notes": "living room",
        },
    )
    device = answer.json()
    assert answer.status_code == 201, device
    assert answer.headers["Location"] == f"/v1/devices/{device['id']}"
    assert (device["object"], device["mac"], device["state"]) == ("device", MAC, "active")
    assert "username" not in device
    assert "password" not in device
    row = line_behind(life, device)
    assert row["is_mag"] == 1
    assert row["exp_date"] == 1896048000
    assert row["bouquet"] == "[1,3]"
    (box,) = list(life.simulator.panel.tables["mag_devices"])
    assert device["panel_device_id"] == box["mag_id"]
    assert box["user_id"] == row["id"]


async def test_a_never_expiring_device_is_an_ordinary_case(life: World) -> None:
    device = await a_device(life, never_expires=True)
    assert device["expires_at"] is None
    assert line_behind(life, device)["exp_date"] is None
    seen = await life.a.api.ok("GET", f"/v1/devices/{device['id']}")
    assert (seen["state"], seen["expires_at"]) == ("active", None)


async def test_a_device_is_renewed_suspended_resumed_changed_and_terminated(life: World) -> None:
    device = await a_device(life, period="P10D")
    path = f"/v1/devices/{device['id']}"
    renewed = await life.a.api.ok("POST", f"{path}/renew", {"period": "P1M"})
    expected = Period.parse("P1M").after(datetime.fromisoformat(device["expires_at"]))
    assert datetime.fromisoformat(renewed["expires_at"]) == expected
    for _ in range(2):
        suspended = await life.a.api.ok("POST", f"{path}/suspend", {"reason": "unpaid"})
        assert (suspended["state"], suspended["expires_at"]) == (
            "suspended",
            renewed["expires_at"],
        )
    assert line_behind(life, device)["enabled"] == 0
    for _ in range(2):
        assert (await life.a.api.ok("POST", f"{path}/resume"))["state"] == "active"
    for _ in range(2):  # The second one changes nothing: the panel says false, without an error.
        changed = await life.a.api.ok("PATCH", path, {"bouquet_ids": [3]})
        assert changed["bouquet_ids"] == [3]
    info = await life.a.api.ok("GET", f"{path}/info")
    assert (info["mac"], info["active_connections"]) == (MAC, 0)
    for _ in range(2):
        assert (await life.a.api.ok("POST", f"{path}/terminate"))["state"] == "terminated"
    taken = await life.b.api.post("/v1/devices", {"mac": MAC.lower(), "period": "P1M"})
    assert (taken.status_code, taken.json()["code"]) == (409, "mac_taken")


async def test_a_foreign_mac_on_the_panel_is_taken_and_never_adopted(life: World) -> None:
    device = await a_device(life)
    async with life.runtime.database.write(system_scope()) as store:
        await store.devices.delete(device["id"])
    taken = await life.b.api.post("/v1/devices", {"mac": MAC, "period": "P1M"})
    assert (taken.status_code, taken.json()["code"]) == (409, "mac_taken")
    assert len(list(life.simulator.panel.tables["mag_devices"])) == 1


@pytest.mark.parametrize(
    "mac", ["", "00:1A:79:AB:CD", "00:1A:79:AB:CD:EG", "not a mac", "0" * 13, "00:1A-79:AB:CD:EF"]
)
async def test_what_is_no_mac_is_refused(small_world: World, mac: str) -> None:
    answer = await small_world.a.api.post("/v1/devices", {"mac": mac, "period": "P1M"})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/mac"]
    assert not small_world.calls()


async def test_agents_are_refused_on_create_and_passwords_are_not_of_devices(
    small_world: World,
) -> None:
    answer = await small_world.a.api.post(
        "/v1/devices", {"mac": MAC, "period": "P1M", "allowed_user_agents": ["x"]}
    )
    assert answer.status_code == 422
    device = await a_device(small_world)
    for path in ("rotate-password", "credentials"):
        answer = await small_world.a.api.post(f"/v1/devices/{device['id']}/{path}")
        assert answer.status_code == 404


async def test_on_strict_sql_a_device_is_asked_for_once_and_stays_unknown(tmp_path: Any) -> None:
    """The panel says true and makes the line behind the device only: nothing may try again."""
    async with a_world(f"sqlite:///{tmp_path}/g.db", profile="v2-strict") as world:
        answer = await world.a.api.post("/v1/devices", {"mac": MAC, "period": "P1M"})
        assert answer.status_code == 202, answer.text
        assert answer.json()["state"] == "unknown"
        creates = [it for it in world.calls("create") if it.action == "stb"]
        assert len(creates) == 1
        line = await world.line()
        assert line["state"] == "active"


async def test_a_device_that_left_the_panel_is_not_found(life: World) -> None:
    device = await a_device(life)
    for table, key in (("mag_devices", "mag_id"), ("users", "id")):
        for row in list(life.simulator.panel.tables[table]):
            life.simulator.panel.tables[table].delete(int(row[key] or 0))
    answer = await life.a.api.get(
        f"/v1/devices/{device['id']}/info", headers={"Cache-Control": "no-cache"}
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
