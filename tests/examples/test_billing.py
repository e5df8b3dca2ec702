"""The provisioning module of `examples/billing`, run by php against a real gateway."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.services.reconcile import settle_operations
from gateway.workers.recovery import system_context
from tests.e2e.support import SetClock, runtime_of
from tests.examples.conftest import BILLING, ORDER, Billing, months_between
from tests.servers.fault_proxy import Wire, at
from tests.servers.programs import run_program

#: The panel acts, and its answer is lost.
LOST_AFTER = {"fault": "status", "params": {"code": 500, "effect": "before"}, "times": 1}
#: The panel refuses the gateway itself: a certain no.
REFUSED = {"fault": "refuse", "params": {"text": "KEY WRONG"}, "times": 1}
#: The way between the billing system and the gateway loses each answer to a change.
LOSES_ANSWERS = Wire(when=(b"POST ",), reset_answer=at(0))


async def settled_later(billing: Billing) -> int:
    """Let the gateway find out what became of what is unknown, after the panel's time."""
    clock = SetClock(datetime.now(UTC) + timedelta(seconds=200))
    ports = runtime_of(billing.world, clock=clock).ports
    return await settle_operations(system_context(ports, "reconciler"))


@pytest.mark.parametrize("file", sorted(BILLING.rglob("*.php")), ids=lambda path: path.name)
async def test_each_file_is_good_php(php: Path, file: Path) -> None:
    done = await run_program(str(php), "-l", str(file), cwd=BILLING, environment={})
    assert (done.code, done.complaints) == (0, "")


async def test_a_service_gets_its_line_and_its_password(billing: Billing) -> None:
    outcome = await billing.create()
    row = billing.world.user(outcome["line"]["username"])
    assert outcome["password"] == row["password"]
    assert "password" not in outcome["line"]
    assert outcome["line"]["external_id"] == "whmcs:4711"
    assert outcome["line"]["state"] == "active"


async def test_a_creation_whose_answer_was_lost_is_repeated_and_makes_one_line(
    billing: Billing,
) -> None:
    billing.wire.wire = LOSES_ANSWERS
    lost = await billing.call("createAccount", "4711", "99", ORDER, patience=3)
    assert (lost["state"], lost["code"], lost["retryable"]) == ("failed", "no_answer", True)
    assert billing.wire.spoilt > 1  # It was sent more than once, under the same key.
    await billing.wire.mend()
    done = await billing.create()
    assert done["password"] == billing.world.user(done["line"]["username"])["password"]
    assert await billing.create() == done
    assert len(billing.world.users()) == len(billing.world.calls("create")) == 1


async def test_the_key_is_made_of_the_service_and_the_invoice(billing: Billing) -> None:
    done = await billing.create()
    line_id = done["line"]["id"]
    await billing.call("renew", "4711", "100", "P1M")
    made = {"external_id": "whmcs:4711", "metadata": {"invoice": "99"}} | ORDER
    for path, key, body in (
        ("/v1/lines", "create:invoice-99", made),
        (
            f"/v1/lines/{line_id}/renew",
            "renew:invoice-100",
            {"period": "P1M", "reference": "whmcs:invoice-100"},
        ),
    ):
        headers = {"Idempotency-Key": f"whmcs:service-4711:{key}"}
        again = await billing.world.a.api.post(path, body, headers=headers)
        assert again.headers["Idempotent-Replayed"] == "true", again.text


async def test_many_at_once_make_one_line(billing: Billing) -> None:
    outcomes = await asyncio.gather(*(billing.create() for _ in range(3)))
    assert len({each["line"]["id"] for each in outcomes}) == 1
    assert len({each["password"] for each in outcomes}) == 1
    assert len(billing.world.users()) == 1


async def test_another_invoice_for_the_same_service_makes_no_second_line(billing: Billing) -> None:
    first = await billing.create()
    again = await billing.call("createAccount", "4711", "100", {"period": "P1Y"})
    assert (again["state"], again["message"]) == ("done", "It was there already.")
    assert again["line"]["id"] == first["line"]["id"]
    assert again["password"] == first["password"]
    assert again["line"]["expires_at"] == first["line"]["expires_at"]
    assert len(billing.world.users()) == 1


async def test_a_changed_order_under_the_same_invoice_is_for_a_person(billing: Billing) -> None:
    await billing.create()
    changed = await billing.call("createAccount", "4711", "99", ORDER | {"period": "P1Y"})
    assert (changed["state"], changed["retryable"]) == ("failed", False)
    assert changed["code"] == "idempotency_key_reused"
    assert len(billing.world.users()) == 1


async def test_an_invoice_renews_once_and_two_invoices_renew_twice(billing: Billing) -> None:
    await billing.create()
    bought = await billing.expiry()
    first = await billing.call("renew", "4711", "100", "P1M")
    once = await billing.expiry()
    assert months_between(bought, once) == 1
    assert await billing.call("renew", "4711", "100", "P1M") == first
    assert await billing.expiry() == once
    await billing.call("renew", "4711", "101", "P1M")
    assert months_between(bought, await billing.expiry()) == 2


async def test_a_renewal_whose_answer_was_lost_adds_one_month(billing: Billing) -> None:
    await billing.create()
    bought = await billing.expiry()
    billing.wire.wire = Wire(when=(b"/renew",), reset_answer=at(0))
    lost = await billing.call("renew", "4711", "100", "P1M", patience=2)
    assert (lost["code"], lost["retryable"]) == ("no_answer", True)
    await billing.wire.mend()
    assert (await billing.call("renew", "4711", "100", "P1M"))["state"] == "done"
    assert months_between(bought, await billing.expiry()) == 1


async def test_suspend_resume_and_terminate_may_be_repeated(billing: Billing) -> None:
    username = (await billing.create())["line"]["username"]
    for verb, state, enabled in (
        ("suspend", "suspended", 0),
        ("resume", "active", 1),
        ("suspend", "suspended", 0),  # Within the time that keys are kept: done all the same.
        ("terminate", "terminated", 0),
    ):
        for _ in range(2):
            outcome = await billing.call(verb, "4711")
            assert (outcome["state"], outcome["line"]["state"]) == ("done", state)
            assert billing.world.user(username)["enabled"] == enabled
    refused = await billing.call("resume", "4711")
    assert (refused["code"], refused["retryable"]) == ("state_conflict", False)


async def test_what_was_terminated_is_not_sold_again_by_its_old_invoice(billing: Billing) -> None:
    first = await billing.create()
    await billing.call("terminate", "4711")
    for order in (ORDER, ORDER | {"period": "P1Y"}):  # Whether the key knows it or not.
        again = await billing.call("createAccount", "4711", "99", order)
        assert (again["state"], again["code"]) == ("failed", "state_conflict")
        assert again["retryable"] is False
    assert len(billing.world.users()) == 1
    new = await billing.call("createAccount", "4711", "120", ORDER)
    assert new["state"] == "done"
    assert new["line"]["id"] != first["line"]["id"]
    suspended = await billing.call("suspend", "4711")  # The one that lives is meant.
    assert suspended["line"]["id"] == new["line"]["id"]


async def test_a_password_is_changed_to_what_was_asked_or_to_a_made_one(billing: Billing) -> None:
    username = (await billing.create())["line"]["username"]
    for _ in range(2):
        asked = await billing.call("changePassword", "4711", "kept-by-anna")
        assert asked["password"] == billing.world.user(username)["password"] == "kept-by-anna"
    made = await billing.call("changePassword", "4711")
    assert made["password"] == billing.world.user(username)["password"] != "kept-by-anna"
    wrong = await billing.call("changePassword", "4711", "not allowed!")
    assert (wrong["code"], wrong["retryable"]) == ("invalid_request", False)
    assert "/password" in wrong["message"]
    assert "not allowed!" not in str(wrong)


async def test_while_the_panel_is_down_it_is_worth_another_try_under_the_same_key(
    billing: Billing,
) -> None:
    base_url = billing.world.simulator.base_url
    await move_panel(billing, "http://127.0.0.1:9")
    down = await billing.call("createAccount", "4711", "99", ORDER, patience=3)
    assert (down["state"], down["code"]) == ("failed", "panel_unavailable")
    assert down["retryable"] is True
    assert billing.world.users() == []
    await move_panel(billing, base_url)
    await billing.create()
    assert len(billing.world.users()) == 1


async def test_an_unknown_outcome_is_pending_and_followed_to_its_end(billing: Billing) -> None:
    billing.world.fault({"match": {"sub": "create"}} | LOST_AFTER)
    pending = await billing.call("createAccount", "4711", "99", ORDER, patience=2)
    assert (pending["state"], pending["code"]) == ("pending", "outcome_unknown")
    assert pending["operationId"].startswith("op_")
    early = await billing.call("suspend", "4711", patience=1)  # Not while nobody knows.
    assert early["code"] == "state_conflict"
    following = asyncio.create_task(billing.create())
    await billing.until_taken(3)  # The lines there are, the order, which is open, its operation.
    assert await settled_later(billing) == 1
    done = await following
    assert done["password"] == billing.world.user(done["line"]["username"])["password"]
    assert len(billing.world.users()) == len(billing.world.calls("create")) == 1


async def test_a_renewal_with_an_unknown_outcome_adds_one_month(billing: Billing) -> None:
    await billing.create()
    bought = await billing.expiry()
    billing.world.fault({"match": {"sub": "edit"}} | LOST_AFTER)
    pending = await billing.call("renew", "4711", "100", "P1M", patience=2)
    assert pending["state"] == "pending"
    assert await settled_later(billing) == 1
    for _ in range(2):
        assert (await billing.call("renew", "4711", "100", "P1M"))["state"] == "done"
    assert months_between(bought, await billing.expiry()) == 1


async def test_after_a_refusal_by_the_panel_the_same_call_orders_anew(billing: Billing) -> None:
    billing.world.fault({"match": {"sub": "create"}} | REFUSED)
    refused = await billing.call("createAccount", "4711", "99", ORDER)
    assert (refused["state"], refused["retryable"]) == ("failed", True)
    assert refused["code"] == "panel_misconfigured"
    world = billing.world
    assert len(world.calls("create")) == 1
    await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
    first = await billing.create()  # Under the next key: the first one repeats its refusal.
    assert await billing.create() == first
    assert len(billing.world.users()) == 1


async def test_a_wrong_key_is_said_at_once(billing: Billing) -> None:
    done = await billing.run("try.php", "test", XGW_KEY="xgw_wrong")
    assert (done.code, '"unauthenticated"' in done.output) == (1, True)
    assert "xgw_wrong" not in done.output
    good = await billing.call("test")
    assert (good["state"], good["message"]) == ("done", "You are reseller.")


async def test_a_service_that_the_gateway_does_not_know_is_not_found(billing: Billing) -> None:
    for verb in ("suspend", "terminate"):
        outcome = await billing.call(verb, "17")
        assert (outcome["code"], outcome["retryable"]) == ("not_found", False)


async def move_panel(billing: Billing, base_url: str) -> None:
    """Say where the panel is: at its place, or where nobody listens."""
    world = billing.world
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"base_url": base_url})


def test_the_times_of_this_file_are_counted_in_months() -> None:
    assert months_between("2027-01-31T12:00:00Z", "2027-02-28T12:00:00Z") == 1
    assert months_between("2027-11-30T12:00:00Z", "2028-01-30T12:00:00Z") == 2
