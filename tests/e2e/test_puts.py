"""By the caller's own id: read it, and say how it should be, as often as one likes."""

from __future__ import annotations

from gateway.services.scope import system_scope
from tests.world import World

PATH = "/v1/lines/by-external-id/shop:1"
BODY = {"expires_at": "2030-01-01T00:00:00Z", "bouquet_ids": [1], "notes": "n"}


async def test_a_put_creates_then_changes_then_does_nothing(world: World) -> None:
    made = await world.a.api.send("PUT", PATH, BODY)
    assert made.status_code == 201, made.text
    assert made.json()["password"]
    calls = len(world.calls())
    again = await world.a.api.send("PUT", PATH, BODY)
    assert again.status_code == 200, again.text
    assert again.json().get("password") is None
    assert again.json()["id"] == made.json()["id"]
    assert again.json()["version"] == 1
    assert not [call for call in world.calls()[calls:] if call.sub != "info"]
    changed = await world.a.api.send(
        "PUT", PATH, BODY | {"bouquet_ids": [2], "expires_at": "2031-01-01T00:00:00Z"}
    )
    assert changed.status_code == 200, changed.text
    assert changed.json()["bouquet_ids"] == [2]
    assert changed.json()["expires_at"] == "2031-01-01T00:00:00Z"
    seen = await world.a.api.ok("GET", PATH)
    assert seen["id"] == made.json()["id"]
    assert len(world.users()) == 1


async def test_a_put_takes_if_match(world: World) -> None:
    for status, tag in ((412, '"1"'), (201, None), (412, '"2"'), (200, '"1"')):
        headers = {} if tag is None else {"If-Match": tag}
        answer = await world.a.api.send("PUT", PATH, BODY, headers=headers)
        assert answer.status_code == status, answer.text


async def test_a_period_lasts_from_the_creation_and_no_longer_by_repeating(world: World) -> None:
    body = {"period": "P1M", "bouquet_ids": [1]}
    made = await world.a.api.ok("PUT", PATH, body, status=201)
    again = await world.a.api.ok("PUT", PATH, body)
    assert again["expires_at"] == made["expires_at"]


async def test_a_put_cannot_change_the_name_the_password_or_the_panel(world: World) -> None:
    await world.a.api.ok("PUT", PATH, BODY | {"username": "anna"}, status=201)
    for other in ({"username": "otto"}, {"password": "other-pass"}):
        answer = await world.a.api.send("PUT", PATH, BODY | other)
        assert (answer.status_code, answer.json()["code"]) == (409, "state_conflict")


async def test_the_id_of_another_reseller_is_not_there(world: World) -> None:
    await world.a.api.ok("PUT", PATH, BODY, status=201)
    assert (await world.b.api.get(PATH)).status_code == 404
    assert (await world.b.api.send("PUT", PATH, BODY)).status_code == 201
    seen = await world.operator.ok("GET", PATH, params={"reseller_id": world.a.id})
    assert seen["reseller_id"] == world.a.id


async def test_a_keyed_put_is_replayed(world: World) -> None:
    headers = {"Idempotency-Key": "put-1"}
    first = await world.a.api.send("PUT", PATH, BODY, headers=headers)
    again = await world.a.api.send("PUT", PATH, BODY, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()


async def test_a_put_that_changes_nothing_keeps_its_key(world: World) -> None:
    await world.a.api.ok("PUT", PATH, BODY, status=201)
    headers = {"Idempotency-Key": "put-2"}
    first = await world.a.api.send("PUT", PATH, BODY, headers=headers)
    assert first.status_code == 200
    other = await world.a.api.send("PUT", PATH, BODY | {"notes": "other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    again = await world.a.api.send("PUT", PATH, BODY, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_put_on_an_unsettled_creation_is_still_open(world: World) -> None:
    world.fault(
        {
            "match": {"sub": "create"},
            "fault": "status",
            "params": {"code": 500, "effect": "before"},
            "times": 1,
        }
    )
    first = await world.a.api.send("PUT", PATH, BODY)
    again = await world.a.api.send("PUT", PATH, BODY)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert len(world.calls("create")) == 1


async def test_a_rehearsed_put_that_changes_nothing_says_so(world: World) -> None:
    await world.a.api.ok("PUT", PATH, BODY, status=201)
    shown = await world.a.api.ok("PUT", PATH, BODY, params={"dry_run": "true"})
    assert (shown["dry_run"], shown["panel_calls"]) == (True, [])


async def test_a_device_is_put_as_well(world: World) -> None:
    path = "/v1/devices/by-external-id/box"
    body = {"mac": "001a79abcdef", "period": "P1M", "bouquet_ids": [1]}
    made = await world.a.api.ok("PUT", path, body, status=201)
    changed = await world.a.api.ok("PUT", path, body | {"notes": "kitchen"})
    assert (changed["id"], changed["notes"]) == (made["id"], "kitchen")
    other = await world.a.api.send("PUT", path, body | {"mac": "001a79000000"})
    assert other.status_code == 409


async def test_lookup_finds_by_credentials_and_by_mac(world: World) -> None:
    line = await world.line(username="anna", password="s3cret-Pass")
    found = await world.a.api.ok(
        "POST", "/v1/lines/lookup", {"username": "anna", "password": "s3cret-Pass"}
    )
    assert found["id"] == line["id"]
    for api, password in ((world.a.api, "wrong"), (world.b.api, "s3cret-Pass")):
        answer = await api.post("/v1/lines/lookup", {"username": "anna", "password": password})
        assert answer.status_code == 404
        assert password not in answer.text
    device = await world.a.api.ok(
        "POST", "/v1/devices", {"mac": "00:1A:79:AB:CD:EF", "period": "P1M"}, status=201
    )
    found = await world.a.api.ok("POST", "/v1/devices/lookup", {"mac": "001a.79ab.cdef"})
    assert found["id"] == device["id"]


async def test_an_operator_adopts_what_is_on_the_panel(world: World) -> None:
    line = await world.line(username="anna", password="s3cret-Pass")
    device = await world.a.api.ok(
        "POST", "/v1/devices", {"mac": "00:1A:79:AB:CD:EF", "never_expires": True}, status=201
    )
    body = {
        "panel_id": world.panel_id,
        "reseller_id": world.b.id,
        "username": "anna",
        "password": "s3cret-Pass",
        "external_id": "old-1",
    }
    ours = await world.operator.post("/v1/lines/import", body)
    assert (ours.status_code, ours.json()["code"]) == (409, "username_taken")
    async with world.runtime.database.write(system_scope()) as store:
        await store.lines.delete(line["id"])
        await store.devices.delete(device["id"])
    wrong = await world.operator.post("/v1/lines/import", body | {"password": "wrong"})
    assert (wrong.status_code, wrong.json()["code"]) == (404, "not_found")
    refused = await world.b.api.post("/v1/lines/import", body)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    adopted = await world.operator.post("/v1/lines/import", body)
    assert adopted.status_code == 201, adopted.text
    seen = await world.b.api.ok("GET", "/v1/lines/by-external-id/old-1")
    assert (seen["username"], seen["panel_line_id"]) == ("anna", line["panel_line_id"])
    box = await world.operator.post(
        "/v1/devices/import",
        {"panel_id": world.panel_id, "reseller_id": world.b.id, "mac": "001a79abcdef"},
    )
    assert box.status_code == 201, box.text
    assert box.json()["panel_device_id"] == device["panel_device_id"]
