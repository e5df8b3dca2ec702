"""The whole life of a line through GraphQL, on both databases and both sorts of panel."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.graphql.asking import LINE, ask, change, do
from tests.world import World

SHOWN = f"line {{ {LINE} }}"


async def test_a_line_lives_its_whole_life(life: World) -> None:
    api = life.a.api
    made = await do(
        api,
        "createLine",
        {"externalId": "shop-1", "period": "P1M", "bouquetIds": [1, 2], "metadata": {"k": "v"}},
        f"password {SHOWN}",
        idempotencyKey="order-1",
    )
    line = made["line"]
    assert (line["state"], line["maxConnections"], line["bouquetIds"]) == ("ACTIVE", 1, [1, 2])
    assert made["operation"]["state"] == "SUCCEEDED"
    assert life.user(line["username"])["password"] == made["password"]

    again = await do(
        api,
        "createLine",
        {"metadata": {"k": "v"}, "bouquetIds": [1, 2], "period": "P1M", "externalId": "shop-1"},
        f"password {SHOWN}",
        idempotencyKey="order-1",
    )
    assert again == made | {"replayed": True}
    assert len(life.users()) == 1

    found = await ask(
        api,
        '{ lineByExternalId(externalId: "shop-1") { id activeConnections observed { stale }'
        " info { username enabled expiresAt isp { locked } }"
        " bouquets { id name } credentials { username password } } }",
    )
    assert found["lineByExternalId"]["info"]["username"] == line["username"]
    assert found["lineByExternalId"]["observed"] == {"stale": False}
    assert found["lineByExternalId"]["credentials"]["password"] == made["password"]
    assert [each["id"] for each in found["lineByExternalId"]["bouquets"]] == [1, 2]

    this = {"id": line["id"]}
    renewed = await do(
        api, "renewLine", this | {"period": "P1M", "from": "EXPIRY", "reference": "inv-1"}, SHOWN
    )
    assert renewed["line"]["expiresAt"] > line["expiresAt"]
    repeated = await do(
        api, "renewLine", this | {"period": "P1M", "from": "EXPIRY", "reference": "inv-1"}, SHOWN
    )
    assert repeated["line"]["expiresAt"] == renewed["line"]["expiresAt"]
    forever = await do(api, "renewLine", this | {"neverExpires": True}, SHOWN)
    assert forever["line"]["expiresAt"] is None

    assert (await do(api, "suspendLine", this | {"reason": "unpaid"}, SHOWN))["line"][
        "state"
    ] == "SUSPENDED"
    assert (await do(api, "resumeLine", this, SHOWN))["line"]["state"] == "ACTIVE"
    changed = await do(
        api,
        "updateLine",
        this | {"bouquetIds": [3], "maxConnections": None, "metadata": {"k": None, "new": "1"}},
        "line { bouquetIds maxConnections metadata }",
    )
    assert changed["line"] == {
        "bouquetIds": [3],
        "maxConnections": None,
        "metadata": {"new": "1"},
    }
    rotated = await do(api, "rotateLinePassword", this, f"password {SHOWN}")
    assert rotated["password"] not in {None, made["password"]}
    looked_up = await do(
        api,
        "lookupLine",
        {"username": line["username"].upper(), "password": rotated["password"]},
        SHOWN,
    )
    assert looked_up["line"]["id"] == line["id"]
    ended = await do(api, "terminateLine", this, SHOWN)
    assert ended["line"]["state"] == "TERMINATED"
    late = await change(api, "resumeLine", this)
    assert (late["__typename"], late["code"]) == ("StateConflictProblem", "state_conflict")


async def test_a_put_creates_once_and_then_changes(life: World) -> None:
    wanted = {"externalId": "shop-2", "period": "P1M", "bouquetIds": [1]}
    made = await do(life.a.api, "putLine", wanted, f"created password {SHOWN}")
    assert made["created"]
    assert made["password"]
    until = (datetime.now(UTC) + timedelta(days=90)).replace(microsecond=0)
    text = until.isoformat().replace("+00:00", "Z")
    changed = await do(
        life.a.api,
        "putLine",
        {"externalId": "shop-2", "expiresAt": text, "bouquetIds": [2]},
        f"created password {SHOWN}",
    )
    assert (changed["created"], changed["password"]) == (False, None)
    assert changed["line"]["id"] == made["line"]["id"]
    assert (changed["line"]["expiresAt"], changed["line"]["bouquetIds"]) == (text, [2])


async def test_an_operator_adopts_a_line_that_is_there(world: World) -> None:
    made = await do(world.a.api, "createLine", {"period": "P1M"}, f"password {SHOWN}")
    taken = await change(
        world.operator,
        "importLine",
        {
            "panelId": world.panel_id,
            "username": made["line"]["username"],
            "password": made["password"],
        },
    )
    assert taken["code"] == "username_taken"
    columns: dict[str, Any] = {"username": "theirs", "password": "secret-1", "enabled": 1}
    world.simulator.panel.tables["users"].insert(
        columns | {"admin_enabled": 1, "bouquet": "[1]", "max_connections": 1}, strict=False
    )
    adopted = await do(
        world.operator,
        "importLine",
        {
            "panelId": world.panel_id,
            "username": "theirs",
            "password": "secret-1",
            "resellerId": world.a.id,
            "externalId": "old-1",
        },
        "line { id username resellerId externalId }",
    )
    assert adopted["line"]["resellerId"] == world.a.id
    shown = await ask(world.a.api, '{ lineByExternalId(externalId: "old-1") { username } }')
    assert shown == {"lineByExternalId": {"username": "theirs"}}


async def test_a_dry_run_shows_the_panel_call_and_does_nothing(world: World) -> None:
    tried = await change(
        world.a.api,
        "createLine",
        {"username": "anna", "password": "secret-1", "period": "P1M"},
        dryRun=True,
    )
    assert (tried["__typename"], tried["dryRun"], tried["credits"]) == ("DryRun", True, "0.00")
    (call,) = tried["panelCalls"]
    assert call["form"]["user_data[username]"] == "anna"
    assert call["form"]["user_data[password]"] == "***"
    assert world.users() == []
    assert world.calls("create") == []
