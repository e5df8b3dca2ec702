"""The ready rules for Stripe's subscriptions, with events as Stripe delivers them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.e2e.support import unix
from tests.inbound.conftest import work
from tests.inbound.deliveries import a_source, invoice, now, stripe_event, subscription
from tests.world import World

DAY = timedelta(days=1)


async def test_a_paid_invoice_renews_the_line_it_names_to_the_end_of_its_period(
    world: World,
) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world)
    until = now() + 62 * DAY
    paid = stripe_event("invoice.paid", invoice("order-1", until), at=now())
    await source.stripe(paid)
    await work(world)
    (event,) = await source.events()
    assert (event["state"], event["event_id"], event["action"]) == ("done", paid["id"], "renew")
    (operation_id,) = event["operation_ids"]
    operation = await world.a.api.ok("GET", f"/v1/operations/{operation_id}")
    assert (operation["kind"], operation["state"]) == ("line.renew", "succeeded")
    shown = await world.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert unix(shown["expires_at"]) == int(until.timestamp())
    assert world.user(line["username"])["exp_date"] == int(until.timestamp())


async def test_the_same_event_again_is_accepted_and_does_nothing(world: World) -> None:
    await world.line(external_id="order-1")
    source = await a_source(world)
    paid = stripe_event("invoice.paid", invoice("order-1", now() + 62 * DAY), at=now())
    await source.stripe(paid, paid)
    await work(world)
    sent = len(world.calls("edit"))
    await source.stripe(paid)
    await work(world)
    assert await source.states() == ["done"]
    assert len(world.calls("edit")) == sent == 1


async def test_an_event_that_is_older_than_one_that_was_read_changes_nothing(
    world: World,
) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world)
    newer = stripe_event("invoice.paid", invoice("order-1", now() + 90 * DAY), at=now())
    older = stripe_event("invoice.paid", invoice("order-1", now() + 60 * DAY), at=now() - DAY)
    await source.stripe(newer)
    await work(world)
    await source.stripe(older)
    await work(world)
    events = await source.events()
    assert [(event["state"], event["reason"]) for event in events] == [
        ("done", None),
        ("ignored", "older"),
    ]
    shown = await world.a.api.ok("GET", f"/v1/lines/{line['id']}")
    assert unix(shown["expires_at"]) == newer["data"]["object"]["lines"]["data"][0]["period"]["end"]


async def test_a_failed_payment_suspends_after_three_days_of_grace(world: World) -> None:
    line = await world.line(external_id="order-1", period="P2M")
    source = await a_source(world)
    at = now()
    failed = stripe_event("invoice.payment_failed", invoice("order-1", at), at=at)
    again = stripe_event(
        "invoice.payment_failed", invoice("order-1", at, attempts=2), at=at + 2 * DAY
    )
    await source.stripe(failed, again)
    await work(world)
    events = await source.events()
    assert [event["state"] for event in events] == ["waiting", "ignored"]
    assert unix(events[0]["due_at"]) == int((at + 3 * DAY).timestamp())
    await work(world, at + 3 * DAY - timedelta(seconds=1))
    assert world.user(line["username"])["enabled"] == 1
    await work(world, at + 3 * DAY)
    assert world.user(line["username"])["enabled"] == 0
    assert (await source.states())[0] == "done"


async def test_a_later_payment_cancels_the_suspension_that_waits(world: World) -> None:
    line = await world.line(external_id="order-1", period="P2M")
    source = await a_source(world)
    at = now()
    await source.stripe(
        stripe_event("invoice.payment_failed", invoice("order-1", at), at=at),
    )
    await work(world)
    await source.stripe(
        stripe_event("invoice.paid", invoice("order-1", at + 40 * DAY), at=at + DAY)
    )
    await work(world)
    await work(world, at + 10 * DAY)
    assert world.user(line["username"])["enabled"] == 1
    events = await source.events()
    assert [(event["state"], event["reason"]) for event in events] == [
        ("ignored", "superseded"),
        ("done", None),
    ]


async def test_a_payment_resumes_what_a_failed_one_suspended(world: World) -> None:
    line = await world.line(external_id="order-1", period="P2M")
    source = await a_source(world)
    at = now()
    await source.stripe(stripe_event("invoice.payment_failed", invoice("order-1", at), at=at))
    await work(world, at + 4 * DAY)
    assert world.user(line["username"])["enabled"] == 0
    paid = stripe_event("invoice.paid", invoice("order-1", at + 70 * DAY), at=at + 4 * DAY)
    await source.stripe(paid)
    await work(world, at + 4 * DAY)
    row = world.user(line["username"])
    assert (row["enabled"], row["exp_date"]) == (1, int((at + 70 * DAY).timestamp()))
    assert len((await source.events())[1]["operation_ids"]) == 2


async def test_what_a_person_suspended_no_payment_resumes(world: World) -> None:
    line = await world.line(external_id="order-1", period="P2M")
    source = await a_source(world)
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/suspend", {"reason": "abuse"})
    await source.stripe(
        stripe_event("customer.subscription.updated", subscription("order-1", "active"), at=now()),
        stripe_event("invoice.paid", invoice("order-1", now() + 70 * DAY), at=now()),
    )
    await work(world)
    assert world.user(line["username"])["enabled"] == 0
    assert set(await source.states()) <= {"done", "ignored"}


@pytest.mark.parametrize(
    ("type_", "status", "enabled"),
    [
        ("customer.subscription.created", "active", 1),
        ("customer.subscription.updated", "past_due", 1),
        ("customer.subscription.updated", "unpaid", 0),
        ("customer.subscription.deleted", "canceled", 0),
    ],
)
async def test_a_subscription_that_is_over_suspends_and_others_do_not(
    small_world: World, type_: str, status: str, enabled: int
) -> None:
    line = await small_world.line(external_id="order-1")
    source = await a_source(small_world)
    await source.stripe(stripe_event(type_, subscription("order-1", status), at=now()))
    await work(small_world)
    assert small_world.user(line["username"])["enabled"] == enabled
    assert set(await source.states()) <= {"done", "ignored"}


@pytest.mark.parametrize(
    "where",
    [
        {"metadata": {"external_id": "order-1"}, "parent": None},
        {"parent": None, "subscription_details": {"metadata": {"external_id": "order-1"}}},
    ],
    ids=["invoice", "before-2025-03-31"],
)
async def test_an_invoice_may_name_the_line_in_any_of_the_places_that_stripe_has(
    small_world: World, where: dict[str, Any]
) -> None:
    await small_world.line(external_id="order-1")
    source = await a_source(small_world)
    paid = invoice("order-1", now() + 60 * DAY, **where)
    paid["lines"]["data"][0]["metadata"] = {}
    await source.stripe(stripe_event("invoice.paid", paid, at=now()))
    await work(small_world)
    assert await source.states() == ["done"]


async def test_what_no_rule_is_for_is_ignored(small_world: World) -> None:
    source = await a_source(small_world)
    await source.stripe(stripe_event("charge.succeeded", {"id": "ch_1"}, at=now()))
    await work(small_world)
    (event,) = await source.events()
    assert (event["state"], event["reason"], event["rule"]) == ("ignored", "no_rule", None)
