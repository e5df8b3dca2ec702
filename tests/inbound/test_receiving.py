"""`POST /v1/inbound/{source_id}`: who is let in, what is answered, and what is kept."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.ids import IdKind
from gateway.services.inbound_receiving import sweep_events
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, problem_of, process, runtime_of
from tests.factories import an_id
from tests.inbound.conftest import work
from tests.inbound.deliveries import (
    STRIPE_SECRET,
    WOO_SECRET,
    Source,
    a_source,
    invoice,
    now,
    standard_headers,
    stripe_event,
    stripe_headers,
    woo_headers,
    woo_subscription,
    written,
)
from tests.world import World

DAY = timedelta(days=1)


def bytes_in(folder: Path) -> bytes:
    return b"".join(each.read_bytes() for each in folder.glob("gateway.db*"))


def paid() -> bytes:
    return written(stripe_event("invoice.paid", invoice("order-1", now() + 60 * DAY), at=now()))


async def test_it_answers_202_and_keeps_the_event_before_anything_is_done(world: World) -> None:
    source = await a_source(world)
    body = paid()
    answer = await source.post(body, stripe_headers(body))
    assert (answer.status_code, answer.content) == (202, b"")
    (event,) = await source.events()
    assert (event["state"], event["type"]) == ("received", "invoice.paid")
    assert world.calls() == []


async def test_a_bad_signature_is_401_and_nothing_is_kept(world: World) -> None:
    source = await a_source(world)
    body = paid()
    for headers in (
        {},
        stripe_headers(body, secret="whsec_other_secret"),
        stripe_headers(body, at=now() - timedelta(seconds=301)),
        stripe_headers(body + b" "),
        woo_headers(body, secret=STRIPE_SECRET),
        standard_headers(body, "msg_1"),
    ):
        problem_of(await source.post(body, headers), 401, "unauthenticated")
    assert await source.events() == []


async def test_an_unknown_source_is_not_found_whatever_is_sent(world: World) -> None:
    source = await a_source(world)
    body = paid()
    details = set()
    for unknown in (an_id(IdKind.SOURCE), "src_nonsense", an_id(IdKind.LINE)):
        source.id = unknown
        for headers in (stripe_headers(body), {}):
            answer = await source.post(body, headers)
            details.add(problem_of(answer, 404, "not_found")["detail"])
    assert len(details) == 1


async def test_a_body_is_at_most_256_kib(world: World) -> None:
    source = await a_source(world)
    event = stripe_event("charge.succeeded", {"text": ""}, at=now())
    room = 256 * 1024 - len(written(event))
    for size, status in ((room, 202), (room + 1, 413)):
        body = written(event | {"data": {"object": {"text": "x" * size}}})
        answer = await source.post(body, stripe_headers(body))
        assert answer.status_code == status


async def test_only_post_is_taken(small_world: World) -> None:
    source = await a_source(small_world)
    answer = await small_world.client.get(f"/v1/inbound/{source.id}")
    problem_of(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


async def test_what_is_signed_but_no_event_is_malformed(small_world: World) -> None:
    source = await a_source(small_world)
    for body in (b"[]", b"{", b'{"type": "x"}'):
        problem_of(await source.post(body, stripe_headers(body)), 400, "malformed_body")


async def test_the_ping_of_woocommerce_is_answered_200_and_not_kept(small_world: World) -> None:
    source = await a_source(small_world, "woocommerce")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await source.post(b"webhook_id=5", form)
    assert (answer.status_code, answer.content) == (200, b"")
    problem_of(await source.post(b"webhook_id=5&more=1", form), 401, "unauthenticated")
    assert await source.events() == []
    stripe = await a_source(small_world)
    problem_of(await stripe.post(b"webhook_id=5", form), 401, "unauthenticated")


async def test_a_rotated_secret_and_its_successor_are_both_good_for_a_while(
    world: World,
) -> None:
    source = await a_source(world)
    path = f"/v1/inbound-sources/{source.id}"
    successor = "whsec_the_next_signing_secret"
    await world.a.api.ok(
        "POST", f"{path}/rotate-secret", {"secret": successor, "overlap_seconds": 60}
    )

    async def status(secret: str, at: datetime) -> int:
        body = paid()
        async with process(world, clock=SetClock(at)) as other:
            headers = stripe_headers(body, secret=secret, at=at)
            return (await Source(other, source.id).post(body, headers)).status_code

    at = now()
    assert [await status(secret, at) for secret in (STRIPE_SECRET, successor)] == [202, 202]
    at += timedelta(seconds=62)
    assert [await status(secret, at) for secret in (STRIPE_SECRET, successor)] == [401, 202]


async def test_no_secret_and_no_payload_stays_in_the_open(
    small_world: World, tmp_path: Path
) -> None:
    """Neither in the file of the database nor in any answer; and a read payload is gone."""
    source = await a_source(small_world, "woocommerce")
    await source.woo(woo_subscription("order-1", "active", at=now()))
    answers = [
        (await small_world.a.api.get(path)).text
        for path in (
            "/v1/inbound-sources",
            f"/v1/inbound-sources/{source.id}",
            f"/v1/inbound-sources/{source.id}/events",
            "/v1/audit/entries",
        )
    ]
    files = bytes_in(tmp_path)
    for text in (WOO_SECRET, "anna@example.test"):
        assert text.encode() not in files
        assert text not in "".join(answers)
    await work(small_world)
    with sqlite3.connect(tmp_path / "gateway.db") as database:
        assert database.execute("SELECT payload FROM inbound_events").fetchall() == [(None,)]


async def test_the_log_is_kept_for_30_days_and_what_still_waits_for_longer(world: World) -> None:
    source = await a_source(world)
    at = now()
    await source.stripe(
        stripe_event("charge.succeeded", {"id": "ch_1"}, at=at),
        stripe_event("invoice.payment_failed", invoice("order-1", at), at=at),
    )
    await work(world)
    for days, left in ((29, 2), (31, 1)):
        made = runtime_of(world, clock=SetClock(at + days * DAY))
        await sweep_events(system_context(made.ports, "inbound-sweep"))
        assert len(await source.events()) == left


@pytest.mark.parametrize("kind", ["stripe", "woocommerce", "standard_webhooks"])
async def test_the_same_delivery_twice_is_one_event(small_world: World, kind: str) -> None:
    rules = [{"do": "none"}]
    source = await a_source(small_world, kind, rules)
    body = written({"id": "evt_1", "type": "x"})
    headers = {
        "stripe": stripe_headers(body),
        "woocommerce": woo_headers(body),
        "standard_webhooks": standard_headers(body, "msg_1"),
    }[kind]
    for _ in range(2):
        assert (await source.post(body, headers)).status_code == 202
    assert len(await source.events()) == 1
