"""The same events, in any order and doubled, lead to the same state."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import IdKind, InboundEventId
from gateway.domain.inbound import InboundEvent, rules_of
from gateway.domain.inbound_rules import RuleAction, decide
from gateway.domain.inbound_subjects import Subject, folded
from tests.factories import a_source, a_subject, an_id
from tests.inbound.conftest import work
from tests.inbound.deliveries import a_source as source_in
from tests.inbound.deliveries import invoice, now, stripe_event, subscription
from tests.world import World

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
RULES = rules_of("stripe_subscriptions")
SOURCE = a_source()


@st.composite
def stripe_events(draw: st.DrawFn) -> dict[str, Any]:
    """Return an event about one line; many happen within one second."""
    at = START + timedelta(seconds=draw(st.integers(0, 3)))
    end = START + draw(st.integers(1, 4)) * 30 * DAY
    kind = draw(st.sampled_from(["paid", "failed", "updated", "deleted"]))
    if kind == "paid":
        return stripe_event("invoice.paid", invoice("order-1", end), at=at)
    if kind == "failed":
        return stripe_event("invoice.payment_failed", invoice("order-1", end), at=at)
    status = draw(st.sampled_from(["active", "past_due", "unpaid", "canceled"]))
    return stripe_event(f"customer.subscription.{kind}", subscription("order-1", status), at=at)


def read(subject: Subject, sent: dict[str, Any]) -> Subject:
    """Return *subject* after an event, as the worker reads it."""
    decision = decide(RULES, sent["type"], sent["id"], sent)
    if decision.action is RuleAction.NONE:
        return subject
    event = InboundEvent(
        id=InboundEventId(an_id(IdKind.INBOUND_EVENT)),
        source_id=SOURCE.id,
        owner_path=SOURCE.owner_path,
        event_id=sent["id"],
        type=sent["type"],
        occurred_at=datetime.fromtimestamp(sent["created"], UTC),
        received_at=START,
        payload=None,
    )
    return folded(subject, event, decision, START) or subject


def wanted(subject: Subject) -> tuple[object, ...]:
    term, switch = subject.term, subject.switch
    return (
        None if term is None else (term.until, term.reference),
        None if switch is None else (switch.switch, switch.due_at),
    )


@given(sent=st.lists(stripe_events(), max_size=8), data=st.data())
def test_any_order_and_any_repetition_lead_to_the_same_wish(
    sent: list[dict[str, Any]], data: st.DataObject
) -> None:
    ordered = doubled = a_subject(SOURCE)
    for each in sent:
        ordered = read(ordered, each)
    repeated = [each for each in sent for _ in range(data.draw(st.integers(1, 2)))]
    for each in data.draw(st.permutations(repeated)):
        doubled = read(doubled, each)
    assert wanted(doubled) == wanted(ordered)


async def test_a_subscriptions_life_ends_the_same_in_any_order(small_world: World) -> None:
    """Each order on a line of its own, with the worker running between any two deliveries."""
    world, at = small_world, now()
    source = await source_in(world)
    ends = set()
    for seed in range(8):
        name = f"order-{seed}"
        line = await world.line(external_id=name)
        sent = [
            stripe_event(
                "customer.subscription.created", subscription(name, "active"), at=at - 90 * DAY
            ),
            stripe_event("invoice.paid", invoice(name, at + 30 * DAY), at=at - 90 * DAY),
            stripe_event("invoice.payment_failed", invoice(name, at), at=at - 60 * DAY),
            stripe_event("invoice.paid", invoice(name, at + 60 * DAY), at=at - 59 * DAY),
            stripe_event(
                "customer.subscription.updated", subscription(name, "unpaid"), at=at - 30 * DAY
            ),
            stripe_event("invoice.paid", invoice(name, at + 90 * DAY), at=at - 29 * DAY),
        ]
        order = random.Random(seed)
        sent += order.sample(sent, 3)
        if seed:
            order.shuffle(sent)
        for each in sent:
            await source.stripe(each)
            if order.random() < 0.5:
                await work(world)
        await work(world)
        row = world.user(line["username"])
        ends.add((row["enabled"], row["exp_date"]))
    assert ends == {(1, int((at + 90 * DAY).timestamp()))}
