"""What can be used, and what the panel says is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.panels.client import READ_ATTEMPTS
from gateway.services.tasks import SingleFlight, TaskKeeper
from tests.e2e.support import SetClock, eager, process
from tests.world import Tenant, World, a_world


async def test_bouquets_are_those_the_policy_includes(world: World) -> None:
    await world.operator.ok(
        "PATCH",
        f"/v1/panels/{world.panel_id}",
        {"bouquets": [{"id": 2, "name": "Sport"}, {"id": 1, "name": "Basic"}]},
    )
    all_of_them = [
        {"panel_id": world.panel_id, "id": 1, "name": "Basic"},
        {"panel_id": world.panel_id, "id": 2, "name": "Sport"},
    ]
    for api in (world.operator, world.a.api):
        assert (await api.ok("GET", "/v1/bouquets"))["data"] == all_of_them
    limited = await world.reseller("limited", bouquet_ids={world.panel_id: [2]})
    shown = await limited.api.ok("GET", "/v1/bouquets", params={"panel_id": world.panel_id})
    assert shown["data"] == all_of_them[1:]
    unknown = await limited.api.get(f"/v1/bouquets?panel_id=pnl_{'0' * 26}")
    assert unknown.status_code == 404


async def with_account(world: World) -> Tenant:
    """Add a reseller whose account is `reseller1` of the simulated panel, with 10.5 credits."""
    made = await world.operator.ok(
        "POST",
        "/v1/resellers",
        {
            "name": "with account",
            "panel_accounts": [{"panel_id": world.panel_id, "member_id": 2}],
        },
        status=201,
    )
    key = await world.operator.ok(
        "POST", "/v1/keys", {"name": "x", "reseller_id": made["id"]}, status=201
    )
    return Tenant(id=made["id"], api=world.api(key["key"]))


def times_asked(world: World) -> int:
    """Return how often the panel was asked for its accounts."""
    return len([call for call in world.calls("list") if call.action == "reg_user"])


async def balance_of(world: World, tenant: Tenant) -> tuple[Any, Any]:
    """Return what the reseller sees of its account: how much, and as of when."""
    shown = await world.operator.ok("GET", "/v1/credits", params={"reseller_id": tenant.id})
    (balance,) = shown["panel_balances"]
    return balance["balance"], balance["observed_at"]


async def test_a_reseller_sees_what_its_own_account_has_left(world: World) -> None:
    tenant = await with_account(world)
    for api in (tenant.api, world.operator):
        query = {"reseller_id": tenant.id} if api is world.operator else None
        shown = await api.ok("GET", "/v1/credits", params=query)
        (balance,) = shown["panel_balances"]
        assert (balance["panel_id"], balance["balance"]) == (world.panel_id, "10.50")
        assert balance["observed_at"].endswith("Z")
    assert times_asked(world) == 1
    foreign = await world.b.api.get(f"/v1/credits?reseller_id={tenant.id}")
    assert foreign.status_code == 404
    nobody = await world.operator.get("/v1/credits")
    assert (nobody.status_code, nobody.json()["code"]) == (422, "invalid_request")


FAILING = {"match": {"action": "reg_user"}, "fault": "status", "params": {"code": 500}}
REFUSED = {"match": {"action": "reg_user"}, "fault": "refuse"}


async def test_a_panel_that_cannot_be_asked_for_credits_is_left_alone_for_a_while(
    small_world: World,
) -> None:
    world, clock = small_world, SetClock(datetime.now(UTC))
    tenant = await with_account(world)
    world.fault(FAILING)
    async with process(world, panels=eager(world)["panels"], clock=clock) as there:
        for _ in range(3):
            assert await balance_of(there, tenant) == (None, None)
        clock.at += timedelta(seconds=59)
        assert await balance_of(there, tenant) == (None, None)
        assert times_asked(world) == READ_ATTEMPTS
        clock.at += timedelta(seconds=1)
        world.simulator.panel.faults.clear()
        assert (await balance_of(there, tenant))[0] == "10.50"
        assert times_asked(world) == READ_ATTEMPTS + 1


async def test_an_old_balance_is_shown_with_its_time_while_the_panel_cannot_be_asked(
    small_world: World,
) -> None:
    world, clock = small_world, SetClock(datetime.now(UTC))
    tenant = await with_account(world)
    async with process(world, clock=clock) as there:
        first = await balance_of(there, tenant)
    world.fault(FAILING)
    clock.at += timedelta(minutes=5)
    later = {"panels": eager(world)["panels"], "flights": SingleFlight(TaskKeeper())}
    async with process(world, clock=clock, **later) as there:
        for _ in range(3):
            assert await balance_of(there, tenant) == first
        assert (first[0], times_asked(world)) == ("10.50", 1 + READ_ATTEMPTS)


@pytest.mark.parametrize("fault", [None, REFUSED])
async def test_processes_with_a_redis_ask_for_credits_once_together(
    small_world: World, redis_url: str, fault: dict[str, Any] | None
) -> None:
    world = small_world
    tenant = await with_account(world)
    if fault is not None:
        world.fault(fault)
    url = world.settings.database_url
    async with (
        a_world(url, redis_url=redis_url, migrated=True) as one,
        a_world(url, redis_url=redis_url, migrated=True) as other,
    ):
        for there in (one, other, one):
            assert (await balance_of(there, tenant))[0] == (None if fault else "10.50")
    assert times_asked(world) == 1


async def test_credits_are_not_asked_more_often_where_info_is_kept_for_a_second(
    tmp_path: Any,
) -> None:
    short = {"info_ttl_seconds": 1, "stale_if_error_seconds": 0}
    async with a_world(f"sqlite:///{tmp_path}/g.db", cache=short) as world:
        cache = world.runtime.ports.cache
        assert cache._lifetimes.value_seconds == 300  # type: ignore[attr-defined]
