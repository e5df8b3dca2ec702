"""What operators do through GraphQL: resellers, panels and keys."""

from __future__ import annotations

from tests.graphql.asking import ask, change, do
from tests.world import World


async def test_a_reseller_is_made_changed_suspended_and_resumed(world: World) -> None:
    shown = (
        "reseller { id name state version parentId panelAccounts { panelId memberId } metadata"
        " policy { maxConnections bouquetIds { panelId bouquetIds } expiringMarks } }"
    )
    made = await do(
        world.operator,
        "createReseller",
        {
            "name": "Ann's TV",
            "parentId": world.a.id,
            "panelAccounts": [{"panelId": world.panel_id, "memberId": 7}],
            "policy": {
                "maxConnections": 2,
                "bouquetIds": [{"panelId": world.panel_id, "bouquetIds": [1, 2]}],
            },
            "metadata": {"city": "Bonn"},
        },
        shown,
    )
    reseller = made["reseller"]
    assert reseller["policy"]["bouquetIds"] == [{"panelId": world.panel_id, "bouquetIds": [1, 2]}]
    assert (reseller["parentId"], reseller["state"]) == (world.a.id, "ACTIVE")
    this = {"id": reseller["id"]}
    changed = await do(
        world.operator,
        "updateReseller",
        this | {"policy": {"maxConnections": None}, "metadata": {"city": None}},
        shown,
        ifVersion=reseller["version"],
    )
    assert changed["reseller"]["policy"]["maxConnections"] is None
    assert changed["reseller"]["policy"]["bouquetIds"] == reseller["policy"]["bouquetIds"]
    assert changed["reseller"]["metadata"] == {}
    late = await change(
        world.operator, "updateReseller", this | {"name": "x"}, ifVersion=reseller["version"]
    )
    assert late["code"] == "version_mismatch"
    suspended = await do(world.operator, "suspendReseller", this, shown)
    assert suspended["reseller"]["state"] == "SUSPENDED"
    resumed = await do(world.operator, "resumeReseller", this, shown)
    assert resumed["reseller"]["state"] == "ACTIVE"
    found = await ask(
        world.operator,
        "query($id: ID!) { reseller(id: $id) { name } node(id: $id) { __typename id } }",
        this,
    )
    assert found == {
        "reseller": {"name": "Ann's TV"},
        "node": {"__typename": "Reseller"} | this,
    }


async def test_a_panel_is_added_changed_and_probed(world: World) -> None:
    shown = (
        "panel { id name baseUrl hasApiPass settleSeconds suspendBy creditMode version"
        " tls { verify } budget { callsPerSecond burst inFlight floodGuard { calls gapSeconds } }"
        " bouquets { id name } }"
    )
    made = await do(
        world.operator,
        "createPanel",
        {
            "name": "Second",
            "baseUrl": world.simulator.base_url,
            "apiPass": "hidden-1",
            "suspendBy": "BOUQUETS",
            "creditMode": "LEDGER",
            "budget": {"callsPerSecond": 10, "floodGuard": None},
            "bouquets": [{"id": 1, "name": "Basic"}],
        },
        shown,
    )
    panel = made["panel"]
    assert panel["hasApiPass"]
    assert "hidden-1" not in str(made)
    assert panel["budget"] == {
        "callsPerSecond": 10.0,
        "burst": 5,
        "inFlight": 4,
        "floodGuard": None,
    }
    this = {"id": panel["id"]}
    changed = await do(
        world.operator,
        "updatePanel",
        this | {"apiPass": None, "budget": {"burst": 7}, "suspendBy": None},
        shown,
    )
    assert (changed["panel"]["hasApiPass"], changed["panel"]["budget"]["burst"]) == (False, 7)
    assert changed["panel"]["budget"]["callsPerSecond"] == 10.0
    probed = await do(
        world.operator, "probePanel", this, "probe { reachable dialect warnings { code detail } }"
    )
    assert (probed["probe"]["reachable"], probed["probe"]["dialect"]) == (True, "xtream_v2")
    twice = await change(world.operator, "probePanel", this, dryRun=True)
    assert twice["errors"] == [
        {
            "pointer": "/dryRun",
            "code": "not_allowed",
            "detail": "This changes nothing: just do it.",
        }
    ]


async def test_a_key_is_issued_works_and_is_revoked(world: World) -> None:
    made = await do(
        world.a.api,
        "issueKey",
        {"name": "Shop", "permissions": ["lines:read"]},
        "secret key { id name prefix permissions revokedAt }",
    )
    assert made["key"]["permissions"] == ["lines:read"]
    shop = world.api(made["secret"])
    assert (await ask(shop, "{ me { kind permissions } }"))["me"] == {
        "kind": "RESELLER",
        "permissions": ["lines:read"],
    }
    listed = await ask(world.a.api, "{ keys { nodes { id } } }")
    assert made["key"]["id"] in {each["id"] for each in listed["keys"]["nodes"]}
    shown = await ask(
        world.a.api, "query($id: ID!) { node(id: $id) { ... on Key { name } } }", made["key"]
    )
    assert shown == {"node": {"name": "Shop"}}
    ended = await do(world.a.api, "revokeKey", {"id": made["key"]["id"]}, "key { revokedAt }")
    assert ended["key"]["revokedAt"]
    assert (await shop.post("/graphql", {"query": "{ me { kind } }"})).status_code == 401


async def test_a_reseller_does_none_of_it(world: World) -> None:
    for mutation, given in (
        ("createReseller", {"name": "x"}),
        ("createPanel", {"name": "x", "baseUrl": "http://127.0.0.1:1"}),
        ("probePanel", {"id": world.panel_id}),
        ("importDevice", {"panelId": world.panel_id, "mac": "00:1A:79:00:00:01"}),
    ):
        found = await change(world.a.api, mutation, given)
        assert found["code"] == "permission_denied", mutation
