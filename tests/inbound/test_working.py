"""What becomes of events when the panel is away, the line is missing, or a rule refuses."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.services.reconcile import settle_operations
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, runtime_of, unix
from tests.inbound.conftest import work
from tests.inbound.deliveries import (
    Source,
    a_source,
    invoice,
    now,
    standard_headers,
    stripe_event,
    subscription,
    written,
)
from tests.world import World

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


async def paid(source: Source, external_id: str = "order-1", days: int = 60) -> None:
    await source.stripe(
        stripe_event("invoice.paid", invoice(external_id, now() + days * DAY), at=now())
    )


async def told(source: Source, payload: dict[str, Any], name: str) -> None:
    """Deliver an event of a Standard Webhooks sender."""
    body = written(payload)
    answer = await source.post(body, standard_headers(body, name))
    assert answer.status_code == 202, answer.text


async def test_a_panel_that_is_away_is_waited_for(world: World) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world)
    panel = f"/v1/panels/{world.panel_id}"
    await world.operator.ok("PATCH", panel, {"base_url": "http://127.0.0.1:1"})
    await paid(source)
    await work(world)
    (event,) = await source.events()
    assert (event["state"], event["problem"]["code"]) == ("waiting", "panel_unavailable")
    await world.operator.ok("PATCH", panel, {"base_url": world.simulator.base_url})
    await world.operator.ok("POST", f"{panel}/probe")
    await work(world, now() + 5 * MINUTE)
    (event,) = await source.events()
    assert (event["state"], event["problem"]) == ("done", None)
    assert world.user(line["username"])["exp_date"] > int((now() + 50 * DAY).timestamp())


async def test_a_line_that_is_not_there_yet_is_waited_for_an_hour(world: World) -> None:
    source = await a_source(world)
    await paid(source, "late")
    await paid(source, "never")
    await work(world)
    events = await source.events()
    assert [(event["state"], event["problem"]["code"]) for event in events] == [
        ("waiting", "not_found"),
        ("waiting", "not_found"),
    ]
    await world.line(external_id="late")
    await work(world, now() + 5 * MINUTE)
    await work(world, now() + 62 * MINUTE)
    events = await source.events()
    assert [(event["state"]) for event in events] == ["done", "failed"]
    assert events[1]["problem"]["code"] == "not_found"


async def test_what_a_rule_of_ours_refuses_fails_at_once(world: World) -> None:
    await world.line(external_id="order-1")
    source = await a_source(world)
    await paid(source, days=-1)
    await work(world)
    (event,) = await source.events()
    assert (event["state"], event["problem"]["code"]) == ("failed", "invalid_request")
    assert world.calls("edit") == []


async def test_a_suspended_reseller_changes_nothing(world: World) -> None:
    await world.line(external_id="order-1")
    source = await a_source(world)
    await world.operator.ok("POST", f"/v1/resellers/{world.a.id}/suspend", {})
    await paid(source)
    await work(world)
    (event,) = await source.events()
    assert (event["state"], event["problem"]["code"]) == ("failed", "permission_denied")
    assert world.calls("edit") == []


async def test_the_line_of_another_reseller_is_not_found(world: World) -> None:
    theirs = await world.line(world.b.api, external_id="order-1")
    before = world.user(theirs["username"])
    source = await a_source(world)
    await paid(source)
    await work(world)
    (event,) = await source.events()
    assert event["problem"]["code"] == "not_found"
    assert world.user(theirs["username"]) == before


async def test_several_workers_at_once_do_it_once(world: World) -> None:
    for number in range(6):
        await world.line(external_id=f"order-{number}")
    source = await a_source(world)
    for number in range(6):
        await paid(source, f"order-{number}")
    await asyncio.gather(*(work(world) for _ in range(4)))
    await work(world)
    assert await source.states() == ["done"] * 6
    assert len(world.calls("edit")) == 6


@pytest.mark.parametrize("effect", ["none", "after"])
async def test_a_change_whose_answer_is_lost_is_followed_to_its_end(
    world: World, effect: str
) -> None:
    """Also of a suspension that was sent and not seen: a payment resumes it all the same."""
    line = await world.line(external_id="order-1", period="P3M")
    source = await a_source(world)
    lost = {"fault": "status", "params": {"code": 500, "effect": effect}}
    world.fault({"match": {"sub": "edit"}, "times": 1, **lost})
    at = now()
    over = stripe_event(
        "customer.subscription.updated", subscription("order-1", "unpaid"), at=at - DAY
    )
    await source.stripe(over)
    await work(world)
    (event,) = await source.events()
    assert (event["state"], len(event["operation_ids"])) == ("waiting", 1)
    at += 10 * MINUTE
    made = runtime_of(world, clock=SetClock(at)).ports
    await settle_operations(system_context(made, "reconciler"))
    await work(world, at)
    (event,) = await source.events()
    assert (event["state"], event["problem"]) == ("done", None)
    assert world.user(line["username"])["enabled"] == 0
    await paid(source)
    await work(world, at)
    assert world.user(line["username"])["enabled"] == 1


async def test_rules_of_ones_own_create_terminate_and_know_devices(world: World) -> None:
    name = ["data.external_id"]
    rules = [
        {
            "types": ["order.paid"],
            "when": [{"path": "data.kind", "equals": "device"}],
            "do": "renew",
            "resource": "device",
            "external_id": name,
            "until": ["data.until"],
        },
        {
            "types": ["order.paid"],
            "do": "create",
            "external_id": name,
            "until": ["data.until"],
            "create": {"bouquet_ids": [1, 2], "max_connections": 2},
        },
        {"types": ["order.ended"], "do": "terminate", "external_id": name},
    ]
    source = await a_source(world, "standard_webhooks", rules)
    device = await world.a.api.ok(
        "POST",
        "/v1/devices",
        {"mac": "00:1A:79:AB:CD:EF", "period": "P1M", "external_id": "box-1"},
        status=201,
    )
    until = (now() + 60 * DAY).isoformat()
    data = {"external_id": "order-1", "until": until}
    await told(source, {"type": "order.paid", "timestamp": now().isoformat(), "data": data}, "m1")
    box = {"external_id": "box-1", "until": until, "kind": "device"}
    await told(source, {"type": "order.paid", "data": box}, "m2")
    await work(world)
    assert await source.states() == ["done", "done"]
    line = await world.a.api.ok("GET", "/v1/lines/by-external-id/order-1")
    assert (line["max_connections"], line["bouquet_ids"]) == (2, [1, 2])
    assert unix(line["expires_at"]) == unix(until)
    shown = await world.a.api.ok("GET", f"/v1/devices/{device['id']}")
    assert unix(shown["expires_at"]) == unix(until)
    ended = {"type": "order.ended", "timestamp": (now() + MINUTE).isoformat(), "data": data}
    await told(source, ended, "m3")
    await work(world)
    shown = await world.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert shown["state"] == "terminated"


async def test_the_audit_log_names_the_source_as_the_one_who_did_it(world: World) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world)
    await paid(source)
    await work(world)
    found = await world.a.api.ok(
        "GET",
        "/v1/audit/entries",
        params={"resource_id": line["id"], "action": "line.renew"},
    )
    callers = {
        (it["caller"]["kind"], it["caller"]["id"], it["caller"]["key_id"]) for it in found["data"]
    }
    assert callers == {("reseller", world.a.id, source.id)}


async def test_a_source_that_is_removed_does_nothing_more(world: World) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world)
    at = now()
    await source.stripe(stripe_event("invoice.payment_failed", invoice("order-1", at), at=at))
    await work(world)
    answer = await world.a.api.delete(f"/v1/inbound-sources/{source.id}")
    assert answer.status_code == 204
    await work(world, at + 4 * DAY)
    assert world.user(line["username"])["enabled"] == 1
    assert (await world.a.api.get(f"/v1/inbound-sources/{source.id}")).status_code == 404


# --- preview --------------------------------------------------------------------------------------


async def test_a_preview_says_which_rule_fits_and_what_the_panel_would_be_sent(
    world: World,
) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world)
    until = now() + 60 * DAY
    payload = stripe_event("invoice.paid", invoice("order-1", until, name="in_1"), at=now())
    calls = len(world.calls())
    shown = await world.a.api.ok(
        "POST", f"/v1/inbound-sources/{source.id}/preview", {"payload": payload}
    )
    assert (shown["rule"], shown["action"], shown["resource_id"]) == (0, "renew", line["id"])
    assert (unix(shown["until"]), shown["reference"]) == (int(until.timestamp()), "in_1")
    (call,) = shown["panel_calls"]
    assert call["form"]["user_data[exp_date]"] == str(int(until.timestamp()))
    assert line["password"] not in str(shown)
    assert (len(world.calls()), await source.events()) == (calls, [])


async def test_a_preview_says_what_would_refuse_an_event(small_world: World) -> None:
    source = await a_source(small_world)
    path = f"/v1/inbound-sources/{source.id}/preview"
    for payload, code in (
        (stripe_event("invoice.paid", invoice("nobody", now() + DAY), at=now()), "not_found"),
        (stripe_event("invoice.paid", {"id": "in_1"}, at=now()), "invalid_request"),
    ):
        shown = await small_world.a.api.ok("POST", path, {"payload": payload})
        assert shown["problem"]["code"] == code
    nothing = stripe_event("charge.succeeded", {}, at=now())
    shown = await small_world.a.api.ok("POST", path, {"payload": nothing})
    assert (shown["rule"], shown["action"], shown["problem"]) == (None, "none", None)
