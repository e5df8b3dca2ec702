"""What can be used, and what the panel says is left."""

from __future__ import annotations

from tests.world import World


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


async def test_a_reseller_sees_what_its_own_account_has_left(world: World) -> None:
    """Account 2 of the simulated panel is `reseller1` with 10.5 credits."""
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
    for api in (world.api(key["key"]), world.operator):
        query = {"reseller_id": made["id"]} if api is world.operator else None
        shown = await api.ok("GET", "/v1/credits", params=query)
        (balance,) = shown["panel_balances"]
        assert (balance["panel_id"], balance["balance"]) == (world.panel_id, "10.50")
        assert balance["observed_at"].endswith("Z")
    asked = [call for call in world.calls("list") if call.action == "reg_user"]
    assert len(asked) == 1
    foreign = await world.b.api.get(f"/v1/credits?reseller_id={made['id']}")
    assert foreign.status_code == 404
    nobody = await world.operator.get("/v1/credits")
    assert (nobody.status_code, nobody.json()["code"]) == (422, "invalid_request")
