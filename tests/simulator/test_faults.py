"""Faults to order: what happens to the answer, and what to the tables."""

import asyncio
from typing import Any

import pytest

from gateway.simulator.faults import BadRule, Match, RuleForm, parse_rule
from gateway.simulator.messages import PanelRequest
from tests.simulator.asking import a_panel, add_fault, ask, info, line_form, request, told, until


@pytest.mark.parametrize(("effect", "lines"), [("before", 1), ("none", 0), ("after", 1)])
@pytest.mark.parametrize("code", [200, 301, 500, 502, 503, 504])
async def test_a_failure_with_and_without_effect(code: int, effect: str, lines: int) -> None:
    panel = a_panel()
    add_fault(panel, "status", code=code, effect=effect)
    answer = await ask(panel, "user/create", line_form())
    assert answer.status == code
    await panel.wait_idle()
    assert len(panel.tables["users"]) == lines
    assert (await info(panel)).get("username") == ("alice" if lines else None)
    record = panel.ledger.records[0]
    assert (record.fault, record.status) == ("status", code)


async def test_an_empty_answer() -> None:
    panel = a_panel()
    add_fault(panel, "empty_200", effect="before")
    assert (await ask(panel, "user/create", line_form())).body == b""
    assert len(panel.tables["users"]) == 1


@pytest.mark.parametrize(
    ("params", "status", "body"),
    [
        ({}, 200, b'{"result":false,"0":"IP FORBIDDEN"}'),
        ({"kind": "KEY WRONG"}, 200, b'{"result":false,"0":"KEY WRONG"}'),
        ({"kind": "404_empty"}, 404, b""),
        ({"kind": "404_html"}, 404, None),
    ],
)
async def test_refusals(params: dict[str, Any], status: int, body: bytes | None) -> None:
    panel = a_panel()
    add_fault(panel, "refuse", times=None, seconds=10, **params)
    answer = await ask(panel, "user/create", line_form())
    assert answer.status == status
    assert body is None or answer.body == body
    panel.clock.advance(11)
    assert (await told(panel, "user/create", line_form()))["result"]


@pytest.mark.parametrize(
    ("fault", "start"),
    [("db_down", b"<br />"), ("db_auth", b"<br />"), ("no_config", b"no config found")],
)
async def test_broken_databases(fault: str, start: bytes) -> None:
    panel = a_panel()
    add_fault(panel, fault)
    assert (await ask(panel, "user/create", line_form())).body.startswith(start)
    assert not len(panel.tables["users"])


@pytest.mark.parametrize(
    ("params", "start", "end"),
    [
        ({}, b"<br />", b"}"),
        ({"kind": "notice"}, b"<br />\n<b>Notice", b"}"),
        ({"kind": "bom"}, b"\xef\xbb\xbf{", b"}"),
        ({"kind": "blank", "where": "after"}, b"{", b"\n\n"),
        ({"text": "oops"}, b"oops{", b"}"),
    ],
)
async def test_noise_around_the_answer(params: dict[str, Any], start: bytes, end: bytes) -> None:
    panel = a_panel()
    add_fault(panel, "php_noise", **params)
    body = (await ask(panel, "user/create", line_form())).body
    assert body.startswith(start)
    assert body.endswith(end)


async def test_an_answer_without_its_write() -> None:
    panel = a_panel()
    add_fault(panel, "lost_write")
    made = await told(panel, "user/create", line_form())
    assert made == {"result": True, "created_id": 1, "username": "alice", "password": "secret"}
    assert not any(len(panel.tables[name]) for name in ("users", "user_output", "reg_userlog"))
    await ask(panel, "user/create", line_form())
    add_fault(panel, "lost_write", times=2)
    pair = "username=alice&password=secret"
    assert (await told(panel, "user/edit", f"{pair}&user_data[enabled]=0"))["result"]
    assert (await told(panel, "user/edit", f"{pair}&user_data[id]=50"))["result"]
    found = await info(panel)
    assert (found["id"], found["enabled"]) == ("1", "1")
    assert panel.ledger.records[-2].effects == []


@pytest.mark.parametrize(("fault", "lines"), [("delay_before", 0), ("delay_after", 1)])
async def test_delays_stand_before_the_write_or_before_the_answer(fault: str, lines: int) -> None:
    panel = a_panel()
    add_fault(panel, fault, seconds=5)
    asking = asyncio.create_task(ask(panel, "user/create", line_form()))
    await until(lambda: bool(panel.clock.sleepers))
    assert len(panel.tables["users"]) == lines
    panel.clock.advance(5)
    assert (await asking).status == 200
    assert len(panel.tables["users"]) == 1


async def test_a_read_can_be_delayed_too() -> None:
    panel = a_panel()
    add_fault(panel, "delay_before", seconds=5)
    asking = asyncio.create_task(ask(panel, "reg_user/list"))
    await until(lambda: bool(panel.clock.sleepers))
    panel.clock.advance(5)
    assert (await asking).status == 200


async def test_a_ghost_writes_after_the_caller_is_gone() -> None:
    panel = a_panel()
    add_fault(panel, "ghost_write", delay=60)
    gone = asyncio.Event()
    asking = asyncio.create_task(ask(panel, "user/create", line_form(), gone=gone))
    for _ in range(50):
        await asyncio.sleep(0)
    assert not panel.clock.sleepers
    gone.set()
    await until(lambda: bool(panel.clock.sleepers))
    assert not len(panel.tables["users"])
    panel.clock.advance(60)
    answer = await asking
    assert answer.lost
    assert len(panel.tables["users"]) == 1
    record = panel.ledger.records[0]
    assert record.status is None
    assert record.gone_at is not None


@pytest.mark.parametrize("inside", [True, False])
async def test_a_request_waits_at_a_step_until_released(inside: bool) -> None:
    panel = a_panel()
    if inside:
        panel.world.pause_at.add("write_1")
    else:
        add_fault(panel, "pause_at", step="write_1")
    asking = asyncio.create_task(ask(panel, "user/create", line_form()))
    await until(lambda: bool(panel.world.gates.waiting))
    assert not len(panel.tables["users"])
    assert panel.world.gates.release() == 1
    assert (await asking).status == 200
    assert len(panel.tables["users"]) == 1


async def test_rules_are_ordered_counted_and_matched() -> None:
    panel = a_panel()
    second = add_fault(panel, "status", match=Match(action="user", sub="info", nth=2), code=502)
    add_fault(panel, "status", match=Match(field={"username": "^bob$"}), code=503)
    add_fault(panel, "status", match=Match(field="username=carol"), code=504)
    add_fault(panel, "status", match=Match(caller="127.0.0.2"), code=500, times=None)
    add_fault(panel, "status", match=Match(probability=0.0), times=None)
    pair = "username=alice&password=x"
    assert [(await ask(panel, "user/info", pair)).status for _ in range(3)] == [200, 502, 200]
    assert (await ask(panel, "user/create", "username=bob")).status == 503
    assert (await ask(panel, "user/create", "a[username]=carol&username=carol")).status == 504
    for _ in range(2):
        assert (await ask(panel, "reg_user/list", caller="127.0.0.2")).status == 500
    assert (second.matched, second.applied) == (3, 1)
    panel.faults.clear()
    assert (await ask(panel, "reg_user/list", caller="127.0.0.2")).status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (RuleForm("nonsense"), BadRule),
        (RuleForm("pause_at", params={"step": "nowhere"}), BadRule),
        (RuleForm("status", params={"after_step": "nowhere"}), BadRule),
        (RuleForm("status", params={"effect": "maybe"}), BadRule),
        (RuleForm("status", Match(field="(")), BadRule),
        (RuleForm("status", Match(field={"a": "("})), BadRule),
    ],
)
def test_rules_that_cannot_be(form: RuleForm, error: type[Exception]) -> None:
    with pytest.raises(error):
        a_panel().faults.add(form)


def test_rules_are_json() -> None:
    raw = b'{"match":{"action":"user","nth":2},"fault":"status","params":{"code":500},"times":1}'
    form = parse_rule(raw)
    assert (form.match.nth, form.times, form.params) == (2, 1, {"code": 500})
    for bad in (b"{", b'{"fault":1}', b'{"fault":"status","odd":1}'):
        with pytest.raises(BadRule):
            parse_rule(bad)


async def test_a_broken_connection_after_the_effect_only() -> None:
    panel = a_panel()
    add_fault(panel, "reset_at", k_out=0, effect="none")
    answer = await ask(panel, "user/create", line_form())
    assert (answer.reset_after, len(panel.tables["users"])) == (0, 0)
    assert isinstance(request("user/create"), PanelRequest)
