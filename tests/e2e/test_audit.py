"""Everything that happened can be proved: each change, each refusal, each secret read."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.api.rest.table import TABLE
from gateway.domain.documents import document_id_of
from tests.webhooks.delivering import a_kept_delivery
from tests.world import World

ID_IN_PATH = re.compile(r"{(\w+)}")
#: Requests that change nothing, though they are not reads; each needs a reason here.
NOT_CHANGES = {
    # Credentials and MACs do not belong in URLs, so these reads have a body.
    "POST /v1/lines/lookup",
    "POST /v1/devices/lookup",
    # It only says what an event would do.
    "POST /v1/inbound-sources/{source_id}/preview",
}
MAC = "00:1A:79:AB:CD:EF"
SOURCE = {"kind": "stripe", "secrets": ["whsec_1234"], "rules": [{"do": "none"}]}
ENDPOINT = {"url": "https://shop.example/hooks"}
BODIES: dict[str, Any] = {
    "POST /v1/operations/{operation_id}/resolve": {"decision": "applied"},
    "POST /v1/lines": {"period": "P1M"},
    "PATCH /v1/lines/{line_id}": {"notes": "x"},
    "POST /v1/lines/{line_id}/renew": {"period": "P1M"},
    "POST /v1/keys": {"name": "x"},
    "POST /v1/clients": {"name": "x"},
    "PATCH /v1/clients/{client_id}": {"name": "x"},
    "POST /v1/inbound-sources": SOURCE,
    "PATCH /v1/inbound-sources/{source_id}": {"rules": [{"do": "none"}]},
    "POST /v1/inbound-sources/{source_id}/rotate-secret": {"secret": "whsec_5678"},
    "POST /v1/webhook-endpoints": ENDPOINT,
    "POST /v1/webhook-endpoints/{endpoint_id}/recover": {"since": "2027-01-31T00:00:00Z"},
    "PATCH /v1/webhook-endpoints/{endpoint_id}": {"description": "x"},
    "POST /v1/resellers": {"name": "x"},
    "PATCH /v1/resellers/{reseller_id}": {"name": "x"},
    "PUT /v1/credits/threshold": {"low_threshold": "10.00"},
    "POST /v1/panels": {"name": "x", "dialect": "xtream_v2", "base_url": "http://127.0.0.1:1"},
    "PATCH /v1/panels/{panel_id}": {"name": "x"},
    "PUT /v1/lines/by-external-id/{external_id}": {"period": "P1M"},
    "POST /v1/lines/import": {"username": "anna", "password": "s3cret-Pass"},
    "POST /v1/devices": {"mac": MAC, "period": "P1M"},
    "PATCH /v1/devices/{device_id}": {"notes": "x"},
    "POST /v1/devices/{device_id}/renew": {"period": "P1M"},
    "PUT /v1/devices/by-external-id/{external_id}": {"mac": MAC, "period": "P1M"},
    "POST /v1/devices/import": {"mac": MAC},
    "PUT /v1/trusted-documents": {"documents": {document_id_of("{ a }"): "{ a }"}},
}
IMPORTS = {"POST /v1/lines/import", "POST /v1/devices/import"}


async def entries(world: World, **filters: Any) -> list[dict[str, Any]]:
    """Return the operator's view of the log, oldest first."""
    answer = await world.operator.ok("GET", "/v1/audit/entries", params={"limit": 200} | filters)
    return list(reversed(answer["data"]))


async def test_a_change_of_a_panel_is_two_entries_and_the_first_comes_before_the_call(
    world: World,
) -> None:
    line = await world.line(username="anna", password="s3cret-Pass")
    started, succeeded = await entries(world, resource_id=line["id"])
    assert started["phase"] == "started"
    assert succeeded["phase"] == "succeeded"
    assert started["operation_id"] == succeeded["operation_id"]
    assert started["action"] == succeeded["action"] == "line.create"
    assert started["caller"]["kind"] == "reseller"
    assert started["caller"]["id"] == world.a.id
    assert started["resource"] == {"kind": "line", "id": line["id"]}
    assert started["reseller_id"] == world.a.id
    assert started["after"]["username"] == "anna"
    assert "s3cret-Pass" not in str([started, succeeded])
    assert succeeded["panel_call_digest"]
    assert started["sequence"] is None


async def test_before_and_after_hold_only_what_differs(world: World) -> None:
    line = await world.line(notes="old")
    await world.a.api.ok("PATCH", f"/v1/lines/{line['id']}", {"notes": "new"})
    _, last = await entries(world, resource_id=line["id"], action="line.update")
    assert (last["before"], last["after"]) == ({"notes": "old"}, {"notes": "new"})


async def test_reading_a_secret_is_recorded(world: World) -> None:
    line = await world.line()
    await world.a.api.ok("GET", f"/v1/lines/{line['id']}/credentials")
    (read,) = await entries(world, action="line.read_credentials")
    assert (read["phase"], read["resource"]["id"]) == ("succeeded", line["id"])


def changing_routes() -> list[tuple[str, str]]:
    """Return every route that changes something or reads a secret."""
    return [
        (route.method, route.path)
        for route in TABLE
        if (route.method != "GET" or route.path.endswith("/credentials"))
        and f"{route.method} {route.path}" not in NOT_CHANGES
    ]


async def test_every_change_without_permission_is_denied_and_recorded_once(world: World) -> None:
    line = await world.line()
    device = await world.a.api.ok(
        "POST", "/v1/devices", {"mac": "00:1A:79:00:00:01", "period": "P1M"}, status=201
    )
    client = await world.a.api.ok("POST", "/v1/clients", {"name": "shop"}, status=201)
    source = await world.a.api.ok("POST", "/v1/inbound-sources", SOURCE, status=201)
    endpoint = await world.a.api.ok("POST", "/v1/webhook-endpoints", ENDPOINT, status=201)
    ids = {
        "external_id": "shop-1",
        "endpoint_id": endpoint["id"],
        "delivery_id": await a_kept_delivery(world, endpoint["id"]),
        "source_id": source["id"],
        "client_id": client["id"],
        "document_id": document_id_of("{ a }"),
        "device_id": device["id"],
        "line_id": line["id"],
        "reseller_id": world.a.id,
        "panel_id": world.panel_id,
        "operation_id": (await world.a.api.ok("GET", "/v1/operations"))["data"][0]["id"],
        "key_id": (await world.a.api.ok("GET", "/v1/keys"))["data"][0]["id"],
    }
    made = await world.a.api.ok(
        "POST", "/v1/keys", {"name": "powerless", "permissions": []}, status=201
    )
    powerless = world.api(made["key"])
    calls = len(world.calls())
    for method, path in changing_routes():
        before = len(await entries(world, phase="denied"))
        missing = set(ID_IN_PATH.findall(path)) - set(ids)
        assert not missing, f"{method} {path}: which {missing}?"
        body = BODIES.get(f"{method} {path}")
        if f"{method} {path}" in IMPORTS:
            body = BODIES[f"{method} {path}"] | {"panel_id": world.panel_id}
        answer = await powerless.send(method, path.format(**ids), body)
        assert answer.status_code == 403, (method, path, answer.text)
        assert answer.json()["code"] == "permission_denied"
        denied = await entries(world, phase="denied")
        assert len(denied) == before + 1, (method, path)
        assert denied[-1]["code"] == "permission_denied"
    assert len(world.calls()) == calls


@pytest.mark.parametrize(
    ("body", "policy", "code"),
    [
        ({"max_connections": 5}, {"max_connections": 2}, "quota_exceeded"),
        ({"max_connections": None}, {"max_connections": 2}, "quota_exceeded"),
        ({"bouquet_ids": [1, 2]}, {"bouquet_ids": {}}, "bouquet_not_allowed"),
        ({"is_trial": True}, {"trials_per_day": 0}, "quota_exceeded"),
        ({"is_restreamer": True}, {"may_restream": False}, "field_not_allowed"),
        ({"never_expires": True, "period": None}, {"may_never_expire": False}, "field_not_allowed"),
        ({"admin_enabled": True}, {}, "field_not_allowed"),
        ({"member_id": 1}, {}, "field_not_allowed"),
        ({}, {"max_lines": 0}, "quota_exceeded"),
    ],
    ids=str,
)
async def test_a_refusal_by_policy_is_recorded_as_failed_and_sends_nothing(
    world: World, body: dict[str, Any], policy: dict[str, Any], code: str
) -> None:
    tenant = await world.reseller("limited", **policy)
    calls = len(world.calls())
    asked = {"period": "P1M"} | body
    answer = await tenant.api.post("/v1/lines", {k: v for k, v in asked.items() if v != "-"})
    assert (answer.status_code, answer.json()["code"]) == (403, code), answer.text
    failed = await entries(world, reseller_id=tenant.id, phase="failed")
    assert [entry["code"] for entry in failed] == [code]
    assert len(world.calls()) == calls


async def test_malformed_requests_are_not_in_the_log(world: World) -> None:
    before = len(await entries(world))
    await world.a.api.post("/v1/lines", {"period": "P1M", "nonsense": 1})
    await world.a.api.send("POST", "/v1/lines", content=b"{")
    await world.a.api.get("/v1/lines/line_nope")
    assert len(await entries(world)) == before


async def test_a_reseller_reads_its_own_entries_only(world: World) -> None:
    mine = await world.line()
    theirs = await world.line(world.b.api)
    text = (await world.a.api.get("/v1/audit/entries?limit=200")).text
    assert mine["id"] in text
    assert theirs["id"] not in text
    # What the operator does to a reseller's line is the reseller's to see as well.
    await world.operator.ok("POST", f"/v1/lines/{mine['id']}/suspend")
    seen = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"action": "line.suspend", "resource_id": mine["id"]}
    )
    assert {entry["caller"]["kind"] for entry in seen["data"]} == {"operator"}


async def test_a_suspended_reseller_reads_and_changes_nothing(world: World) -> None:
    line = await world.line()
    await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/suspend")
    assert (await world.a.api.get(f"/v1/lines/{line['id']}")).status_code == 200
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/suspend")
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/resume")
    assert (await world.a.api.post(f"/v1/lines/{line['id']}/suspend")).status_code == 200
