"""The ready rules for WooCommerce Subscriptions, with resources as WooCommerce delivers them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.inbound.conftest import work
from tests.inbound.deliveries import a_source, now, woo_order, woo_subscription
from tests.world import World

DAY = timedelta(days=1)


async def test_an_active_subscription_renews_to_its_next_payment(world: World) -> None:
    line = await world.line(external_id="order-1")
    source = await a_source(world, "woocommerce")
    until = now() + 62 * DAY
    await source.woo(
        woo_subscription("order-1", "active", at=now(), until=until), "subscription.created"
    )
    await work(world)
    (event,) = await source.events()
    assert (event["state"], event["action"], event["external_id"]) == ("done", "renew", "order-1")
    assert world.user(line["username"])["exp_date"] == int(until.timestamp())


async def test_the_same_state_again_sends_nothing(world: World) -> None:
    await world.line(external_id="order-1")
    source = await a_source(world, "woocommerce")
    until = now() + 62 * DAY
    for seconds in range(3):
        at = now() + timedelta(seconds=seconds)
        await source.woo(woo_subscription("order-1", "active", at=at, until=until))
        await work(world)
    assert len(world.calls("edit")) == 1
    assert await source.states() == ["done", "done", "done"]


@pytest.mark.parametrize(
    ("status", "days", "enabled"),
    [
        ("on-hold", 0, 1),
        ("on-hold", 3, 0),
        ("cancelled", 0, 0),
        ("expired", 0, 0),
        ("pending-cancel", 9, 1),
        ("pending", 9, 1),
    ],
)
async def test_what_becomes_of_a_line_by_the_subscriptions_status(
    small_world: World, status: str, days: int, enabled: int
) -> None:
    at = now()
    line = await small_world.line(external_id="order-1")
    source = await a_source(small_world, "woocommerce")
    await source.woo(woo_subscription("order-1", status, at=at))
    await work(small_world, at + days * DAY)
    assert small_world.user(line["username"])["enabled"] == enabled


async def test_on_hold_for_the_time_of_a_payment_changes_nothing(small_world: World) -> None:
    at = now()
    line = await small_world.line(external_id="order-1")
    source = await a_source(small_world, "woocommerce")
    await source.woo(woo_subscription("order-1", "on-hold", at=at))
    await work(small_world)
    until = at + 62 * DAY
    await source.woo(woo_subscription("order-1", "active", at=at, until=until))
    await work(small_world)
    await work(small_world, at + 5 * DAY)
    assert small_world.user(line["username"])["enabled"] == 1
    assert small_world.user(line["username"])["exp_date"] == int(until.timestamp())


async def test_an_order_resumes_what_was_on_hold_and_a_refund_suspends(
    small_world: World,
) -> None:
    at = now()
    line = await small_world.line(external_id="order-1")
    source = await a_source(small_world, "woocommerce")
    await source.woo(woo_subscription("order-1", "on-hold", at=at - 4 * DAY))
    await work(small_world)
    assert small_world.user(line["username"])["enabled"] == 0
    await source.woo(woo_order("order-1", "completed", at=at - 2 * DAY), "order.updated")
    await work(small_world)
    assert small_world.user(line["username"])["enabled"] == 1
    await source.woo(woo_order("order-1", "refunded", at=at - DAY), "order.updated")
    await work(small_world)
    assert small_world.user(line["username"])["enabled"] == 0


async def test_the_topic_which_is_not_signed_decides_nothing(small_world: World) -> None:
    """Who has seen a delivery can send it again under another topic: it stays what it says."""
    line = await small_world.line(external_id="order-1")
    source = await a_source(small_world, "woocommerce")
    until = now() + 62 * DAY
    for topic in ("subscription.deleted", "order.updated"):
        await source.woo(woo_subscription("order-1", "active", at=now(), until=until), topic)
    await work(small_world)
    row = small_world.user(line["username"])
    assert (row["enabled"], row["exp_date"]) == (1, int(until.timestamp()))
