"""A reseller is told once that its credits on a panel are low, and again after they had risen."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.services.credit_alerts import watch_credits
from gateway.services.tasks import SingleFlight
from gateway.workers.recovery import system_context
from tests.e2e.events import events
from tests.e2e.support import SetClock, problem_of, runtime_of
from tests.world import Tenant, World

PATH = "/v1/credits/threshold"


@pytest.fixture
async def tenant(world: World) -> Tenant:
    """A reseller whose account is `reseller1` of the simulated panel, with 10.5 credits."""
    account = {"panel_id": world.panel_id, "member_id": 2}
    body = {"name": "with account", "panel_accounts": [account]}
    made = await world.operator.ok("POST", "/v1/resellers", body, status=201)
    sent = {"name": "x", "reseller_id": made["id"]}
    key = await world.operator.ok("POST", "/v1/keys", sent, status=201)
    return Tenant(id=made["id"], api=world.api(key["key"]))


async def look(world: World, minutes: int, credits_left: float) -> list[str]:
    """Let two processes look so many minutes later; return the balances that were told by then."""
    world.simulator.panel.tables["reg_users"].update([2], {"credits": credits_left}, strict=False)
    clock = SetClock(datetime.now(UTC) + timedelta(minutes=minutes))
    flights = SingleFlight(world.runtime.ports.tasks)  # Another process: nothing lingers in it.
    context = system_context(runtime_of(world, clock=clock, flights=flights).ports, "credits")
    await asyncio.gather(watch_credits(context), watch_credits(context))
    return [event["data"]["balance"] for event in await events(world, type="credits.low")]


async def test_it_is_told_when_they_fall_to_the_threshold_and_not_around_it(
    world: World, tenant: Tenant
) -> None:
    assert await look(world, 10, 1) == []  # Nobody wants to know.
    body = {"low_threshold": "10.00"}
    assert await tenant.api.ok("PUT", PATH, body) == {
        "object": "credits_threshold",
        "reseller_id": tenant.id,
        "low_threshold": "10.00",
    }
    assert (await tenant.api.ok("GET", "/v1/credits"))["low_threshold"] == "10.00"
    counts = []
    for step, left in enumerate((20, 10.5, 10, 9, 10.5, 8, 11.5, 9.5, 9.5), start=2):
        counts.append(len(await look(world, step * 10, left)))
    assert counts == [0, 0, 1, 1, 1, 1, 1, 2, 2]
    first, _ = await events(world, tenant.api, type="credits.low")
    assert (first["resource_id"], first["panel_id"]) == (tenant.id, world.panel_id)
    assert first["data"]["low_threshold"] == "10.00"
    assert await events(world, world.b.api, type="credits.low") == []


async def test_a_new_threshold_is_told_anew_and_none_is_not_told(
    world: World, tenant: Tenant
) -> None:
    query: dict[str, Any] = {"reseller_id": tenant.id}
    await world.operator.ok("PUT", PATH, {"low_threshold": "10", **query})
    assert len(await look(world, 10, 4)) == 1
    await tenant.api.ok("PUT", PATH, {"low_threshold": "10"})  # It is that already.
    assert len(await look(world, 20, 4)) == 1
    await tenant.api.ok("PUT", PATH, {"low_threshold": "5"})
    assert len(await look(world, 30, 4)) == 2
    await tenant.api.ok("PUT", PATH, {"low_threshold": None})
    assert len(await look(world, 40, 1)) == 2
    assert (await tenant.api.ok("GET", "/v1/credits"))["low_threshold"] is None


async def test_what_is_not_known_is_not_told(world: World, tenant: Tenant) -> None:
    await tenant.api.ok("PUT", PATH, {"low_threshold": "10"})
    world.fault({"match": {"action": "reg_user"}, "fault": "status", "params": {"code": 500}})
    assert await look(world, 10, 1) == []


async def test_who_may_set_it_and_to_what(world: World, tenant: Tenant) -> None:
    for wrong in ("-1", "1.234", "", "ten", 10, "1e3"):
        answer = await tenant.api.send("PUT", PATH, {"low_threshold": wrong})
        problem_of(answer, 422, "invalid_request")
    nobody = await world.operator.send("PUT", PATH, {"low_threshold": "1"})
    problem_of(nobody, 422, "invalid_request")
    foreign = {"low_threshold": "1", "reseller_id": tenant.id}
    problem_of(await world.b.api.send("PUT", PATH, foreign), 404, "not_found")
    assert (await tenant.api.ok("GET", "/v1/credits"))["low_threshold"] is None


async def test_graphql_sets_it_too(world: World, tenant: Tenant) -> None:
    text = """mutation { setCreditsThreshold(input: {lowThreshold: "7.50"}) {
        ... on SetCreditsThresholdSuccess { threshold { resellerId lowThreshold } } } }"""
    answer = await tenant.api.ok("POST", "/graphql", {"query": text})
    shown = answer["data"]["setCreditsThreshold"]["threshold"]
    assert shown == {"resellerId": tenant.id, "lowThreshold": "7.50"}
    asked = await tenant.api.ok("POST", "/graphql", {"query": "{ credits { lowThreshold } }"})
    assert asked["data"]["credits"]["lowThreshold"] == "7.50"
