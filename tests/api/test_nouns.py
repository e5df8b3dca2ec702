"""Every noun of the API against the real services, a database and a simulated panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.world import Api, World, a_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with a_world(f"sqlite:///{tmp_path}/gateway.db") as made:
        yield made


async def ids(api: Api, path: str, **params: Any) -> list[str]:
    page = await api.ok("GET", path, params=params)
    return [item["id"] for item in page["data"]]


async def test_me(world: World) -> None:
    operator = await world.operator.ok("GET", "/v1/me")
    assert (operator["kind"], operator["policy"]) == ("operator", None)
    reseller = await world.a.api.ok("GET", "/v1/me")
    assert reseller["kind"] == "reseller"
    assert reseller["reseller_id"] == world.a.id
    assert reseller["policy"]["may_restream"] is True
    assert "panels:write" not in reseller["permissions"]


async def test_panels(world: World) -> None:
    api, path = world.operator, f"/v1/panels/{world.panel_id}"
    first = await api.get(path)
    assert first.headers["etag"] == '"1"'
    changed = await api.patch(
        path,
        {"budget": {"in_flight": 3}, "api_pass": "hunter2"},
        headers={"If-Match": first.headers["etag"]},
    )
    panel = changed.json()
    assert changed.headers["etag"] == '"2"'
    assert panel["budget"] == first.json()["budget"] | {"in_flight": 3}
    assert panel["has_api_pass"] is True
    assert "hunter2" not in changed.text
    stale = await api.patch(path, {"name": "B"}, headers={"If-Match": '"1"'})
    assert stale.json()["code"] == "version_mismatch"
    assert await ids(api, "/v1/panels") == [world.panel_id]

    probe = await api.ok("POST", f"{path}/probe")
    assert set(probe) == {
        "reachable", "dialect", "firewall", "credits", "warnings", "checked_at",
    }  # fmt: skip
    assert (await api.ok("GET", path))["probe"] == probe


async def test_resellers(world: World) -> None:
    api, path = world.operator, f"/v1/resellers/{world.a.id}"
    assert await ids(api, "/v1/resellers") == [world.b.id, world.a.id]
    body = {"policy": {"max_lines": 5}, "metadata": {"vat": "DE1"}}
    changed = await api.ok("PATCH", path, body)
    assert changed["policy"]["max_lines"] == 5
    assert changed["policy"]["may_restream"] is True
    assert changed["metadata"] == {"vat": "DE1"}
    assert (await api.ok("POST", f"{path}/suspend"))["state"] == "suspended"
    assert (await api.ok("POST", f"{path}/resume"))["state"] == "active"
    assert (await world.a.api.ok("GET", path))["name"] == "A"


async def test_keys(world: World) -> None:
    api = world.a.api
    made = await api.post("/v1/keys", {"name": "Shop", "permissions": ["lines:read"]})
    key = made.json()
    assert made.status_code == 201
    assert key["key"].startswith("xgw_")
    assert made.headers["location"] == f"/v1/keys/{key['id']}"
    shown = await api.ok("GET", f"/v1/keys/{key['id']}")
    assert "key" not in shown
    assert shown["permissions"] == ["lines:read"]
    assert key["id"] in await ids(api, "/v1/keys")
    assert key["id"] in await ids(world.operator, "/v1/keys", reseller_id=world.a.id)
    assert (await api.delete(f"/v1/keys/{key['id']}")).status_code == 204
    assert (await api.ok("GET", f"/v1/keys/{key['id']}"))["revoked_at"] is not None


async def test_lines(world: World) -> None:
    api = world.a.api
    line = await world.line(external_id="shop-1", username="anna")
    path = f"/v1/lines/{line['id']}"
    assert await ids(api, "/v1/lines", q="ANN", state="active", external_id="shop-1") == [
        line["id"]
    ]
    read = await api.get(path)
    assert read.headers["etag"] == '"1"'
    assert read.json()["observed"]["stale"] is False
    assert "password" not in read.json()
    info = await api.get(f"{path}/info")
    assert info.json()["username"] == "anna"
    assert info.headers["cache-status"].startswith("xtream-gateway; ")
    assert (await api.ok("PATCH", path, {"notes": "vip"}))["notes"] == "vip"
    renewed = await api.ok("POST", f"{path}/renew", {"period": "P1M", "reference": "inv-1"})
    assert renewed["expires_at"] > line["expires_at"]
    assert (await api.ok("POST", f"{path}/suspend", {"reason": "x"}))["state"] == "suspended"
    assert (await api.ok("POST", f"{path}/resume"))["state"] == "active"
    rotated = await api.ok("POST", f"{path}/rotate-password", {"password": "n3w-Pass"})
    assert rotated["password"] == "n3w-Pass"
    secrets = await api.ok("GET", f"{path}/credentials")
    assert secrets == {"username": "anna", "password": "n3w-Pass"}
    assert (await api.ok("POST", f"{path}/terminate"))["state"] == "terminated"


async def test_operations_and_audit(world: World) -> None:
    line = await world.line()
    (operation_id,) = await ids(
        world.a.api, "/v1/operations", kind="line.create", state="succeeded", resource_id=line["id"]
    )
    operation = await world.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert (operation["kind"], operation["resource_id"]) == ("line.create", line["id"])
    entries = await world.operator.ok(
        "GET",
        "/v1/audit/entries",
        params={
            "action": "line.create",
            "resource_id": line["id"],
            "operation_id": operation_id,
            "reseller_id": world.a.id,
            "since": "2020-01-01T00:00:00Z",
        },
    )
    assert [entry["phase"] for entry in entries["data"]] == ["succeeded", "started"]
    assert entries["data"][0]["resource"] == {"kind": "line", "id": line["id"]}


@pytest.mark.parametrize("limit", [1, 2])
async def test_pages_join_without_gap_or_repeat(world: World, limit: int) -> None:
    made = [(await world.line())["id"] for _ in range(4)]
    client, found, path = world.client, [], f"/v1/lines?limit={limit}"
    while path:
        response = await client.get(path, headers={"authorization": f"Bearer {world.a.api.key}"})
        found += [line["id"] for line in response.json()["data"]]
        path = response.links.get("next", {}).get("url", "")
    assert found == made[::-1]
