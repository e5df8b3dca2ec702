"""Unknown is a state, never a guess: what is stored and shown when an answer is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.world import World, a_world

LOST = {"fault": "status", "params": {"code": 500, "effect": "before"}, "times": 1}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with a_world(database_url, panels={"settle_seconds": 60}) as made:
        yield made


def lose_answer(world: World, sub: str, **fault: Any) -> None:
    world.fault({"match": {"sub": sub}} | LOST | fault)


@pytest.mark.parametrize(
    "fault",
    [
        LOST,
        {"fault": "status", "params": {"code": 500, "effect": "none"}, "times": 1},
        {"fault": "empty_200", "params": {"effect": "before"}, "times": 1},
        {"fault": "reset_at", "params": {"k_out": 0, "effect": "before"}, "times": 1},
        {"fault": "truncate", "params": {"k": 20}, "times": 1},
        {"fault": "status", "params": {"code": 503, "effect": "none"}, "times": 1},
    ],
    ids=lambda fault: f"{fault['fault']}-{fault['params'].get('effect', '')}",
)
async def test_a_create_without_usable_answer_is_202_and_stays_unknown(
    world: World, fault: dict[str, Any]
) -> None:
    lose_answer(world, "create", **fault)
    answer = await world.a.api.post(
        "/v1/lines",
        {"username": "anna", "period": "P1M"},
        headers={"Idempotency-Key": "order-1"},
    )
    operation = answer.json()
    assert answer.status_code == 202, operation
    assert answer.headers["Location"] == f"/v1/operations/{operation['id']}"
    assert operation["object"] == "operation"
    assert operation["kind"] == "line.create"
    assert operation["state"] == "unknown"
    assert operation["problem"]["code"] == "outcome_unknown"
    assert operation["settles_at"] is not None
    line = await world.a.api.ok("GET", f"/v1/lines/{operation['resource_id']}")
    assert line["state"] == "unknown"
    assert line["observed"] is None
    assert len(world.calls("create")) == 1

    replayed = await world.a.api.post(
        "/v1/lines",
        {"username": "anna", "period": "P1M"},
        headers={"Idempotency-Key": "order-1"},
    )
    assert replayed.status_code == 202
    assert replayed.headers["Idempotent-Replayed"] == "true"
    assert replayed.json()["id"] == operation["id"]
    assert len(world.calls("create")) == 1


async def test_the_name_stays_reserved_while_unknown(world: World) -> None:
    lose_answer(world, "create")
    await world.a.api.post("/v1/lines", {"username": "anna", "period": "P1M"})
    taken = await world.b.api.post("/v1/lines", {"username": "anna", "period": "P1M"})
    assert (taken.status_code, taken.json()["code"]) == (409, "username_taken")


async def test_an_edit_without_usable_answer_is_unknown_and_blocks_the_next(world: World) -> None:
    line = await world.line()
    lose_answer(world, "edit")
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/renew", {"period": "P1M"})
    assert answer.status_code == 202
    assert answer.json()["state"] == "unknown"
    blocked = await world.a.api.post(f"/v1/lines/{line['id']}/suspend")
    assert (blocked.status_code, blocked.json()["code"]) == (409, "state_conflict")
    assert len(world.calls("edit")) == 1


async def test_an_unknown_outcome_is_in_the_audit_log(world: World) -> None:
    line = await world.line()
    lose_answer(world, "edit")
    answer = await world.a.api.post(f"/v1/lines/{line['id']}/suspend")
    operation_id = answer.json()["id"]
    entries = await world.a.api.ok(
        "GET", "/v1/audit/entries", params={"operation_id": operation_id}
    )
    assert [entry["phase"] for entry in entries["data"]] == ["unknown", "started"]


async def test_done_with_other_values_is_not_success(world: World) -> None:
    """The panel says true, but did nothing: the reading back finds it out."""
    line = await world.line()
    lose_answer(world, "edit", fault="lost_write", params={})
    answer = await world.a.api.post(
        f"/v1/lines/{line['id']}/renew", {"expires_at": "2031-01-01T00:00:00Z"}
    )
    assert answer.status_code == 202, answer.text
    assert "expires_at" in answer.json()["problem"]["detail"]


async def test_a_refused_gateway_is_definite(world: World) -> None:
    world.fault({"match": {"sub": "create"}, "fault": "refuse", "params": {"text": "KEY WRONG"}})
    answer = await world.a.api.post("/v1/lines", {"username": "anna", "period": "P1M"})
    assert (answer.status_code, answer.json()["code"]) == (502, "panel_misconfigured")
    operation = await world.a.api.ok("GET", f"/v1/operations/{answer.json()['operation_id']}")
    assert operation["state"] == "failed"
    gone = await world.a.api.get(f"/v1/lines/{operation['resource_id']}")
    assert gone.status_code == 404
    world.simulator.panel.faults.clear()
    # It is left alone now; a probe that finds it well again closes the circuit at once.
    left_alone = await world.a.api.post("/v1/lines", {"username": "anna", "period": "P1M"})
    assert (left_alone.status_code, left_alone.json()["code"]) == (502, "panel_misconfigured")
    await world.operator.ok("POST", f"/v1/panels/{world.panel_id}/probe")
    again = await world.a.api.post("/v1/lines", {"username": "anna", "period": "P1M"})
    assert again.status_code == 201
