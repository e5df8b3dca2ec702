"""Each way to be refused is a type of its own, with REST's code; and none is left untried."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from graphql import GraphQLUnionType

from tests.e2e.support import hasty, held, on_panel, panel_held, process
from tests.graphql.asking import change, do, members_of, post, schema
from tests.world import World, a_world

Refused = dict[str, Any]
MAC = "00:1A:79:AB:CD:EF"


async def invalid_request(world: World) -> Refused:
    return await change(
        world.a.api,
        "createLine",
        {"username": "a b", "maxConnections": 0, "bouquetIds": [1, -1], "metadata": {"K": 1}},
    )


async def permission_denied(world: World) -> Refused:
    return await change(world.a.api, "createReseller", {"name": "x"})


async def not_found(world: World) -> Refused:
    line = await world.line()
    return await change(world.b.api, "suspendLine", {"id": line["id"]})


async def username_taken(world: World) -> Refused:
    await world.line(username="anna")
    return await change(world.b.api, "createLine", {"username": "Anna", "period": "P1M"})


async def mac_taken(world: World) -> Refused:
    await do(world.a.api, "createDevice", {"mac": MAC, "period": "P1M"}, "device { id }")
    return await change(world.b.api, "createDevice", {"mac": MAC, "period": "P1M"})


async def external_id_taken(world: World) -> Refused:
    await world.line(external_id="shop-1")
    return await change(world.a.api, "createLine", {"externalId": "shop-1", "period": "P1M"})


async def state_conflict(world: World) -> Refused:
    line = await world.line()
    await world.a.api.ok("POST", f"/v1/lines/{line['id']}/terminate")
    return await change(world.a.api, "renewLine", {"id": line["id"], "period": "P1M"})


async def version_mismatch(world: World) -> Refused:
    line = await world.line()
    given = {"id": line["id"], "notes": "x"}
    return await change(world.a.api, "updateLine", given, ifVersion=line["version"] + 1)


async def quota_exceeded(world: World) -> Refused:
    tenant = await world.reseller("small", max_lines=0)
    return await change(tenant.api, "createLine", {"period": "P1M"})


async def bouquet_not_allowed(world: World) -> Refused:
    tenant = await world.reseller("narrow", bouquet_ids={world.panel_id: [1]})
    return await change(tenant.api, "createLine", {"period": "P1M", "bouquetIds": [1, 2]})


async def field_not_allowed(world: World) -> Refused:
    return await change(world.a.api, "createLine", {"period": "P1M", "memberId": 1})


async def idempotency_key_reused(world: World) -> Refused:
    await change(world.a.api, "createLine", {"period": "P1M"}, idempotencyKey="k")
    return await change(world.a.api, "createLine", {"period": "P2M"}, idempotencyKey="k")


async def idempotency_in_progress(world: World) -> Refused:
    found = await asyncio.gather(
        *(
            change(world.a.api, "issueKey", {"name": "x"}, "key { id }", idempotencyKey="k")
            for _ in range(20)
        )
    )
    keys = {each["key"]["id"] for each in found if "key" in each}
    assert len(keys) == 1
    return next((each for each in found if "key" not in each), {})


async def panel_refused_values(world: World) -> Refused:
    world.simulator.panel.switches = world.simulator.panel.switches
    return await change(world.a.api, "createLine", {"period": "P1M", "notes": "a\nb"})


async def panel_misconfigured(world: World) -> Refused:
    world.fault({"match": {"sub": "create"}, "fault": "refuse", "params": {"text": "KEY WRONG"}})
    return await change(world.a.api, "createLine", {"period": "P1M"})


async def panel_unavailable(world: World) -> Refused:
    for sub in ("create", "info"):
        world.fault({"match": {"sub": sub}, "fault": "ip_ban", "params": {"seconds": 600}})
    await world.operator.ok(
        "PATCH", f"/v1/panels/{world.panel_id}", {"base_url": "http://127.0.0.1:9"}
    )
    return await change(world.a.api, "createLine", {"period": "P1M"})


async def panel_line_gated(world: World) -> Refused:
    line = await world.line()
    for sub in ("edit", "info"):
        match = {"action": "user", "sub": sub}
        world.fault({"match": match, "fault": "refuse", "params": {"text": "404"}})
    return await change(world.a.api, "renewLine", {"id": line["id"], "period": "P1M"})


async def credentials_out_of_sync(world: World) -> Refused:
    line = await world.line()
    on_panel(world, line, password="changed-by-hand")
    return await change(world.a.api, "suspendLine", {"id": line["id"]})


async def panel_unsupported(world: World) -> Refused:
    await world.operator.ok("PATCH", f"/v1/panels/{world.panel_id}", {"creates_devices": False})
    return await change(world.a.api, "createDevice", {"mac": MAC, "period": "P1M"})


async def rate_limited(world: World) -> Refused:
    line = await world.line()
    given = {"id": line["id"], "notes": "x"}
    for _ in range(130):  # One line may be written to 120 times a minute.
        found = await change(world.a.api, "updateLine", given, dryRun=True)
        if found["__typename"] != "DryRun":
            break
    return found


#: The code -> how to be refused with it; each runs in a world of its own.
WAYS: dict[str, Callable[[World], Awaitable[Refused]]] = {
    way.__name__: way
    for way in (
        invalid_request,
        permission_denied,
        not_found,
        username_taken,
        mac_taken,
        external_id_taken,
        state_conflict,
        version_mismatch,
        quota_exceeded,
        bouquet_not_allowed,
        field_not_allowed,
        idempotency_key_reused,
        idempotency_in_progress,
        panel_refused_values,
        panel_misconfigured,
        panel_unavailable,
        panel_line_gated,
        credentials_out_of_sync,
        panel_unsupported,
        rate_limited,
    )
}
#: Members of unions that no caller can be shown here, each with the reason.
UNTRIED = {
    "outcome_unknown": "where an operation exists it is OperationAccepted, as it is 202 in REST",
}


async def test_every_problem_is_a_type_of_its_own(tmp_path: Path) -> None:
    for number, (code, refuse) in enumerate(WAYS.items()):
        profile = "documented" if code == "panel_refused_values" else "v2"
        async with a_world(f"sqlite:///{tmp_path}/{number}.db", profile=profile) as world:
            found = await refuse(world)
        if code == "idempotency_in_progress" and not found:
            continue  # All copies came one after the other: nothing was in progress.
        name = "".join(part.capitalize() for part in code.split("_")) + "Problem"
        assert (found["__typename"], found["code"]) == (name, code)
        assert found["detail"]
        assert found["requestId"].startswith("req_")
        if code == "invalid_request":
            assert {fault["pointer"] for fault in found["errors"]} == {
                "/input",
                "/input/username",
                "/input/maxConnections",
                "/input/bouquetIds/1",
                "/input/metadata/K",
            }


def test_no_problem_of_a_union_is_left_untried() -> None:
    unions = [each for each in schema().type_map.values() if isinstance(each, GraphQLUnionType)]
    names = {name for union in unions for name in members_of(union) if name.endswith("Problem")}
    tried = {*WAYS, *UNTRIED}
    assert names == {
        "".join(part.capitalize() for part in code.split("_")) + "Problem" for code in tried
    }


async def test_what_is_not_known_yet_is_an_operation_to_follow(world: World) -> None:
    async with panel_held(world, "answer"), process(world, **hasty(world)) as quick:
        wanted = {"username": "anna", "period": "P1M"}
        found = await change(quick.a.api, "createLine", wanted, idempotencyKey="k")
        await held(world)
        assert found["__typename"] == "OperationAccepted"
        assert (found["operation"]["kind"], found["operation"]["state"]) == (
            "line.create",
            "SENDING",
        )
        again = await change(quick.a.api, "createLine", wanted, idempotencyKey="k")
        assert again == found | {"replayed": True}
    await world.runtime.ports.tasks.drain(30)
    done = await change(world.a.api, "createLine", wanted, "password", idempotencyKey="k")
    assert (done["__typename"], done["replayed"]) == ("CreateLineSuccess", True)
    assert len(world.calls("create")) == 1


async def test_who_is_not_known_is_told_at_the_top(world: World) -> None:
    answer = await post(world.api("xgw_nonsense"), "{ me { kind } }")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "unauthenticated"
    assert "data" not in answer.json()
