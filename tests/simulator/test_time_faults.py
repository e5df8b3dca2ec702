"""Faults of time and order: stale reads, backups, ghosts, queues, bans, restarts."""

import asyncio
import json
from typing import Any

import pytest

from gateway.simulator.faults import Match
from gateway.simulator.stepnames import STEPS
from tests.simulator.asking import a_panel, add_fault, ask, info, line_form, told, until

MAC = "00:1A:79:00:00:01"
STB = f"user_data[mac]={MAC}"
PAIR = "username=alice&password=secret"


# --- time -----------------------------------------------------------------------------------------


async def test_info_tells_the_state_before_the_last_change_for_a_while() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    add_fault(panel, "stale_read", times=None, seconds=30)
    assert (await info(panel))["error"] == "NOT EXISTS"
    await ask(panel, "user/edit", f"{PAIR}&user_data[max_connections]=5")
    await ask(panel, "user/create", line_form("bob"))
    stale = await info(panel)
    assert (stale["max_connections"], stale["id"]) == ("1", "1")
    assert panel.ledger.records[-1].matched is False
    panel.clock.advance(31)
    assert (await info(panel))["max_connections"] == "5"
    assert (await info(panel, "bob"))["username"] == "bob"


async def test_stale_credits() -> None:
    panel = a_panel()
    await ask(panel, "reg_user/credits", "id=2&amount=5")
    add_fault(panel, "stale_read")
    assert (await told(panel, "reg_user/list"))[1]["credits"] == "10.5"
    assert (await told(panel, "reg_user/list"))[1]["credits"] == "15.5"


async def test_a_restored_backup_forgets_lines_and_ids() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(100)
    await ask(panel, "user/create", line_form("bob"))
    await ask(panel, "user/edit", f"{PAIR}&user_data[enabled]=0")
    add_fault(panel, "rollback", seconds=50, match=Match(sub="list"))
    await ask(panel, "reg_user/list")
    assert [row["username"] for row in panel.tables["users"]] == ["alice"]
    assert (await info(panel))["enabled"] == "1"
    assert panel.ledger.records[3].outside
    assert (await told(panel, "user/create", line_form("carol")))["created_id"] == 2
    assert panel.world.roll_back(0) == []


async def test_a_deleted_row_comes_back_with_a_backup() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    panel.clock.advance(10)
    panel.tables["users"].delete(1)
    effects = panel.world.roll_back(5)
    assert (await info(panel))["id"] == "1"
    assert {effect.before for effect in effects} == {None}


async def test_a_ghost_lands_minutes_later_at_its_own_moment() -> None:
    panel = a_panel()
    add_fault(panel, "ghost_write", seconds=240)
    gone = asyncio.Event()
    gone.set()
    asking = asyncio.create_task(ask(panel, "user/create", line_form(), gone=gone))
    await until(lambda: panel.clock.sleepers == 1)
    await panel.clock.travel(239)
    assert not len(panel.tables["users"])
    await panel.clock.travel(600)
    assert (await asking).lost
    assert panel.world.roll_back(598) == []  # 839 s have passed: it landed before 241 s.
    effects = panel.world.roll_back(600)
    assert {effect.table for effect in effects} >= {"users", "user_output"}


@pytest.mark.parametrize("fault", ["ghost_write", "delay_before", "delay_after"])
async def test_a_held_request_may_come_to_nothing(fault: str) -> None:
    panel = a_panel()
    add_fault(panel, fault, seconds=5, effect="none")
    asking = asyncio.create_task(ask(panel, "user/create", line_form()))
    await until(lambda: panel.clock.sleepers == 1)
    panel.clock.advance(5)
    assert (await asking).lost
    assert not len(panel.tables["users"])
    assert panel.ledger.records[0].matched is True


async def test_an_effect_can_come_minutes_after_the_answer() -> None:
    panel = a_panel()
    add_fault(panel, "status", code=504, effect="after", late_seconds=120)
    assert (await ask(panel, "user/create", line_form())).status == 504
    assert panel.ledger.records[0].matched is True
    await until(lambda: panel.clock.sleepers == 1)
    assert not len(panel.tables["users"])
    await panel.clock.travel(120)
    assert len(panel.tables["users"]) == 1
    assert panel.ledger.records[0].matched is False


# --- connections ----------------------------------------------------------------------------------


async def test_only_k_workers_for_some_calls() -> None:
    panel = a_panel()
    add_fault(panel, "queue", times=None, k=1, match=Match(sub="info"))
    panel.world.pause_at.add("check")
    asking = [asyncio.create_task(ask(panel, "user/info", PAIR)) for _ in range(3)]
    rule = panel.faults.rules[0]
    await until(lambda: rule.workers.waiting == 2 and panel.world.gates.waiting == 1)
    asking[1].cancel()
    await until(lambda: rule.workers.waiting == 1)
    panel.world.pause_at.clear()
    panel.world.gates.release()
    assert (await asking[0]).status == (await asking[2]).status == 200


async def test_a_slot_that_was_given_to_a_cancelled_request_is_passed_on() -> None:
    panel = a_panel(workers=1)
    panel.world.pause_at.add("check")
    asking = [asyncio.create_task(ask(panel, "user/info", PAIR)) for _ in range(3)]
    workers = panel.world.workers
    await until(lambda: workers.waiting == 2 and panel.world.gates.waiting == 1)
    panel.world.pause_at.clear()
    panel.world.gates.release()
    await until(lambda: workers.waiting == 1)
    asking[1].cancel()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [getattr(result, "status", None) for result in results] in (
        [200, None, 200],
        [200, 200, 200],
    )
    workers.limit = None
    assert workers.waiting == 0


@pytest.mark.parametrize(
    ("params", "answered", "lines"),
    [({}, False, 0), ({"effect": "before"}, False, 1), ({"answered": True}, True, 1)],
)
async def test_a_caller_that_is_dropped(params: Any, answered: bool, lines: int) -> None:
    panel = a_panel()
    add_fault(panel, "ip_ban", seconds=60, style="silent", **params)
    answer = await ask(panel, "user/create", line_form())
    assert answer.is_sent is answered
    assert len(panel.tables["users"]) == lines
    assert (await ask(panel, "reg_user/list")).silent
    await panel.clock.travel(60)
    assert (await ask(panel, "reg_user/list")).status == 200
    await panel.close()


async def test_a_ban_without_an_end() -> None:
    panel = a_panel()
    add_fault(panel, "ip_ban")
    await ask(panel, "reg_user/list")
    await panel.clock.travel(100_000)
    assert panel.is_banned("127.0.0.1")
    assert panel.world.bans.dropped() == ["127.0.0.1"]


@pytest.mark.parametrize(("effect", "lines"), [("none", 0), ("before", 1)])
async def test_a_restart_loses_the_answer(effect: str, lines: int) -> None:
    panel = a_panel()
    add_fault(panel, "restart", effect=effect)
    assert (await ask(panel, "user/create", line_form())).lost
    assert len(panel.tables["users"]) == lines


@pytest.mark.parametrize(("effect", "lines"), [("none", 0), ("before", 1), ("after", 1)])
async def test_a_reset_while_the_request_is_read(effect: str, lines: int) -> None:
    panel = a_panel()
    add_fault(panel, "reset_at", k_in=10, effect=effect, match=Match(sub="create"))
    await ask(panel, "user/info", PAIR)
    answer = await ask(panel, "user/create", line_form())
    assert answer.reset_after == 0
    await panel.wait_idle()
    assert len(panel.tables["users"]) == lines
    assert panel.ledger.records[-1].fault == "reset_at"
    assert panel.ledger.records[-1].seq == 2


# --- bodies and counts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "body"),
    [
        ({"body": '{"result":NaN}'}, b'{"result":NaN}'),
        ({"body_base64": "/w=="}, b"\xff"),
        ({"body_gen": {"prefix": "[", "repeat": "x", "count": 9, "suffix": "]"}}, b"[xxxxxxxxx]"),
    ],
)
async def test_any_body_can_be_prescribed(params: dict[str, Any], body: bytes) -> None:
    panel = a_panel()
    headers = {"Content-Encoding": "gzip"}
    add_fault(panel, "status", code=200, content_type="text/plain", headers=headers, **params)
    answer = await ask(panel, "user/info", PAIR)
    assert (answer.body, answer.content_type, answer.headers) == (body, "text/plain", headers)


async def test_the_nth_call_only_or_from_the_nth_on() -> None:
    panel = a_panel()
    add_fault(panel, "status", times=None, match=Match(nth=2), code=500)
    assert [(await ask(panel, "reg_user/list")).status for _ in range(4)] == [200, 500, 200, 200]
    panel.faults.clear()
    add_fault(panel, "status", times=2, match=Match(nth=2), code=500)
    assert [(await ask(panel, "reg_user/list")).status for _ in range(4)] == [200, 500, 500, 200]


async def test_one_rule_can_be_taken_away() -> None:
    panel = a_panel()
    first = add_fault(panel, "status", times=None, code=500)
    add_fault(panel, "status", times=None, code=502)
    assert panel.faults.remove(first.id)
    assert not panel.faults.remove(first.id)
    assert (await ask(panel, "reg_user/list")).status == 502


async def test_a_probability_follows_the_seed() -> None:
    async def run() -> list[int]:
        panel = a_panel()
        add_fault(panel, "status", times=None, match=Match(probability=0.5), code=500)
        return [(await ask(panel, "reg_user/list")).status for _ in range(20)]

    first = await run()
    assert first == await run()
    assert set(first) == {200, 500}


@pytest.mark.parametrize("step", [*STEPS, "database connect", "IP", "write 1", "Build answer"])
async def test_every_step_can_hold_a_request(step: str) -> None:
    panel = a_panel()
    rule = add_fault(panel, "pause_at", step=step)
    asking = asyncio.create_task(ask(panel, "stb/create", STB))
    await until(lambda: panel.world.gates.waiting == 1)
    assert panel.world.gates.release() == 1
    assert json.loads((await asking).body) == {"result": True}
    assert rule.applied == 1
    assert panel.ledger.records[0].fault == "pause_at"
