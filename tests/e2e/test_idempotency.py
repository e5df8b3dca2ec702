"""The same key gives the same answer, and never a second line."""

from __future__ import annotations

import asyncio

from gateway.domain.ids import LineId
from gateway.services.scope import system_scope
from tests.world import World

NEW = {"period": "P1M", "bouquet_ids": [1], "external_id": "order-1"}


async def test_a_repeated_create_answers_as_the_first_time(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = await world.a.api.post("/v1/lines", NEW, headers=headers)
    assert first.status_code == 201
    assert "Idempotent-Replayed" not in first.headers
    reordered = dict(reversed(NEW.items()))
    again = await world.a.api.post("/v1/lines", reordered, headers=headers)
    assert again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert len(world.users()) == 1


async def test_another_request_under_the_key_is_refused(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    await world.a.api.post("/v1/lines", NEW, headers=headers)
    for method, path, body in (
        ("POST", "/v1/lines", NEW | {"notes": "other"}),
        ("POST", "/v1/keys", {"name": "x"}),
        ("POST", "/v1/clients", {"name": "x"}),
    ):
        answer = await world.a.api.send(method, path, body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert len(world.users()) == 1


async def test_a_key_belongs_to_the_reseller_and_not_to_its_api_key(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    await world.a.api.post("/v1/lines", NEW, headers=headers)
    other_key = await world.a.api.ok("POST", "/v1/keys", {"name": "second"}, status=201)
    same = await world.api(other_key["key"]).post("/v1/lines", NEW, headers=headers)
    assert same.headers["Idempotent-Replayed"] == "true"
    other = await world.b.api.post("/v1/lines", NEW, headers=headers)
    assert other.status_code == 201
    assert "Idempotent-Replayed" not in other.headers
    assert len(world.users()) == 2


async def test_parallel_copies_make_one_line(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    answers = await asyncio.gather(
        *(world.a.api.post("/v1/lines", NEW, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 202, 409}
    assert len(world.users()) == 1
    final = await world.a.api.post("/v1/lines", NEW, headers=headers)
    created = [answer for answer in answers if answer.status_code == 201]
    assert created
    assert all(answer.json() == final.json() for answer in created)


async def test_a_copy_is_never_refused_for_what_the_first_has_taken(world: World) -> None:
    """Its name, its external id, its quota: the copies meet what they themselves have reserved."""
    tenant = await world.reseller("one", max_lines=1)
    headers = {"Idempotency-Key": "order-1"}
    named = NEW | {"username": "anna"}
    answers = await asyncio.gather(
        *(tenant.api.post("/v1/lines", named, headers=headers) for _ in range(20))
    )
    codes = {
        answer.status_code if answer.is_success else answer.json()["code"] for answer in answers
    }
    assert codes <= {201, 202, "idempotency_in_progress"}
    assert len(world.users()) == 1
    entries = await tenant.api.ok("GET", "/v1/audit/entries")
    assert "failed" not in {entry["phase"] for entry in entries["data"]}


async def test_a_refusal_before_anything_was_reserved_frees_the_key(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    bad = await world.a.api.post("/v1/lines", NEW | {"period": "P0D"}, headers=headers)
    assert bad.status_code == 422
    good = await world.a.api.post("/v1/lines", NEW, headers=headers)
    assert good.status_code == 201


async def test_a_change_that_was_never_sent_frees_the_key(world: World) -> None:
    headers = {"Idempotency-Key": "order-1"}
    await world.operator.ok(
        "PATCH", f"/v1/panels/{world.panel_id}", {"base_url": "http://127.0.0.1:9"}
    )
    down = await world.a.api.post("/v1/lines", NEW, headers=headers)
    assert (down.status_code, down.json()["code"]) == (503, "panel_unavailable")
    assert int(down.headers["Retry-After"]) > 0
    url = world.simulator.base_url
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"base_url": url})
    good = await world.a.api.post("/v1/lines", NEW, headers=headers)
    assert good.status_code == 201
    assert "Idempotent-Replayed" not in good.headers


async def test_a_definite_refusal_of_the_panel_is_kept(world: World) -> None:
    """The panel tests the pair, so a foreign line of the same pair answers EXISTS."""
    line = {"username": "anna", "password": "anna-pass", "period": "P1M"}
    foreign = await world.a.api.post("/v1/lines", line)
    assert foreign.status_code == 201
    await _forget(world, foreign.json()["id"])
    headers = {"Idempotency-Key": "order-2"}
    for replayed in (None, "true"):
        taken = await world.b.api.post("/v1/lines", line, headers=headers)
        assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")
        assert taken.headers.get("Idempotent-Replayed") == replayed
    assert len(world.users()) == 1


async def _forget(world: World, line_id: str) -> None:
    """Take a line out of our registry only, as if somebody else had made it on the panel."""
    async with world.runtime.database.write(system_scope()) as store:
        await store.lines.delete(LineId(line_id))


async def test_keyed_changes_of_our_own_data_are_replayed_too(world: World) -> None:
    headers = {"Idempotency-Key": "key-1"}
    first = await world.a.api.post("/v1/keys", {"name": "shop"}, headers=headers)
    again = await world.a.api.post("/v1/keys", {"name": "shop"}, headers=headers)
    assert first.status_code == again.status_code == 201
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json()["key"] == first.json()["key"]


async def test_a_reference_renews_once(world: World) -> None:
    line = await world.line()
    path = f"/v1/lines/{line['id']}/renew"
    body = {"period": "P1M", "reference": "INV-7"}
    first = await world.a.api.ok("POST", path, body)
    again = await world.a.api.ok("POST", path, body)
    assert again["expires_at"] == first["expires_at"]
    other = await world.a.api.ok("POST", path, {"period": "P1M", "reference": "INV-8"})
    assert other["expires_at"] > first["expires_at"]
    assert len(world.calls("edit")) == 2


async def test_a_renewal_that_did_not_happen_frees_its_reference(world: World) -> None:
    line = await world.line(never_expires=True)
    path = f"/v1/lines/{line['id']}/renew"
    refused = await world.a.api.post(path, {"period": "P1M", "reference": "INV-7"})
    assert refused.status_code == 409
    renewed = await world.a.api.post(
        path, {"expires_at": "2031-01-01T00:00:00Z", "reference": "INV-7"}
    )
    assert renewed.status_code == 200, renewed.text
