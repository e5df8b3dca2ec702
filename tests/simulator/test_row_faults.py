"""Faults that change rows: half, lost and wrong writes, and other operators at work."""

from typing import Any

import pytest

from gateway.simulator.panel import SimulatedPanel
from tests.simulator.asking import a_panel, add_fault, ask, info, line_form, told

MAC = "00:1A:79:00:00:01"
STB = f"user_data[mac]={MAC}"
PAIR = "username=alice&password=secret"


def count(panel: SimulatedPanel) -> tuple[int, ...]:
    return tuple(len(panel.tables[name]) for name in ("users", "user_output", "mag_devices"))


# --- half effects ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "call", "rows", "answer"),
    [
        ({}, "stb/create", (1, 3, 0), b'{"result":true}'),
        ({"answer": "500"}, "stb/create", (1, 3, 0), b""),
        ({"answer": 500}, "stb/create", (1, 3, 0), b""),
        ({"answer": "reset"}, "stb/create", (1, 3, 0), b""),
        ({"missing": "outputs"}, "stb/create", (1, 0, 0), b'{"result":true}'),
        ({"missing": "outputs", "answer": "500"}, "user/create", (1, 0, 0), b""),
        ({"missing": "outputs"}, "user/create", (1, 0, 0), None),
    ],
)
async def test_half_a_creation(
    params: dict[str, Any], call: str, rows: tuple[int, ...], answer: bytes | None
) -> None:
    panel = a_panel()
    add_fault(panel, "half_mag", **params)
    found = await ask(panel, call, STB if call == "stb/create" else line_form())
    assert count(panel) == rows
    assert answer is None or found.body == answer
    assert found.status == (500 if "500" in str(params) or "reset" in str(params) else 200)
    assert panel.ledger.records[0].matched is False


@pytest.mark.parametrize("fault", ["db_down", "db_auth", "no_config", "status", "reset_at"])
async def test_a_panel_that_breaks_between_two_writes(fault: str) -> None:
    panel = a_panel()
    add_fault(panel, fault, after_step="write 1")
    answer = await ask(panel, "stb/create", STB)
    assert count(panel) == (1, 0, 0)
    assert b'"result":true' not in answer.body
    assert await told(panel, "stb/create", STB) == {"result": True}


async def test_a_break_after_a_write_that_never_comes_does_nothing() -> None:
    panel = a_panel()
    add_fault(panel, "status", after_step="write_3")
    assert (await told(panel, "user/create", line_form()))["result"] is True


async def test_half_mag_leaves_other_calls_alone() -> None:
    panel = a_panel()
    rule = add_fault(panel, "half_mag")
    await ask(panel, "user/info", PAIR)
    assert rule.matched == 0


# --- lost, doubled and wrong values ---------------------------------------------------------------


@pytest.mark.parametrize(("params", "balance"), [({}, 10.5), ({"applied": 2}, 20.5)])
async def test_credits_lost_or_applied_twice(params: dict[str, Any], balance: float) -> None:
    panel = a_panel()
    add_fault(panel, "lost_credit", **params)
    assert await told(panel, "reg_user/credits", "id=2&amount=5") == {"result": True}
    assert panel.tables["reg_users"].rows[2]["credits"] == balance
    assert len(panel.tables["reg_userlog"]) == 1
    assert panel.ledger.records[0].matched is False


async def test_values_cut_and_clamped() -> None:
    panel = a_panel()
    add_fault(panel, "wrong_write")
    form = line_form("a-long-username", max_connections="500", exp_date="0")
    assert (await told(panel, "user/create", form))["username"] == "a-long-username"
    row = panel.tables["users"].rows[1]
    assert (row["username"], row["max_connections"], row["exp_date"]) == ("a-long-u", 127, None)
    assert row["created_at"] == int(panel.clock.now())


@pytest.mark.parametrize(
    ("params", "stored"),
    [
        ({"cut": 3, "columns": ["admin_notes"]}, ("abc", 2)),
        ({"clamp": 1, "column": "max_connections"}, ("abcdef", 1)),
        ({"set": {"max_connections": 99, "nonsense": 1}}, ("abcdef", 99)),
        ({"sql_mode": "strict"}, ("abcdef", 2)),
    ],
)
async def test_values_that_are_not_what_was_sent(
    params: dict[str, Any], stored: tuple[str, int]
) -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    add_fault(panel, "wrong_write", **params)
    edit = f"{PAIR}&user_data[admin_notes]=abcdef&user_data[max_connections]=2"
    assert await told(panel, "user/edit", edit) == {"result": True}
    row = panel.tables["users"].rows[1]
    assert (row["admin_notes"], row["max_connections"]) == stored


async def test_a_database_that_changes_its_mode_for_one_request() -> None:
    panel = a_panel("v2-strict")
    form = line_form(admin_notes="", reseller_notes="", forced_country="GERMANY", play_token="")
    add_fault(panel, "wrong_write", sql_mode="non-strict")
    assert (await told(panel, "user/create", form))["result"] is True
    assert panel.tables["users"].rows[1]["forced_country"] == "GER"
    assert (await told(panel, "user/create", form + "2"))["error"] == "EXISTS"


# --- others at work -------------------------------------------------------------------------------


async def test_a_second_line_appears() -> None:
    panel = a_panel()
    add_fault(panel, "dup_row")
    await ask(panel, "user/create", line_form())
    assert count(panel) == (2, 6, 0)
    record = panel.ledger.records[0]
    assert {effect.id for effect in record.effects if effect.table == "users"} == {1}
    assert {effect.id for effect in record.outside if effect.table == "users"} == {2}
    edit = f"{PAIR}&user_data[max_connections]=5"
    assert await told(panel, "user/edit", edit) == {"result": True}
    assert [row["max_connections"] for row in panel.tables["users"]] == [5, 5]


@pytest.mark.parametrize("call", ["stb/create", "stb/info"])
async def test_a_second_device_appears_as_after_a_race(call: str) -> None:
    panel = a_panel()
    if call == "stb/info":
        await ask(panel, "stb/create", STB)
    add_fault(panel, "dup_row")
    await ask(panel, call, STB if call == "stb/create" else f"mac={MAC}")
    assert count(panel) == (2, 6, 2)
    answer = await told(panel, "stb/edit", f"mac={MAC}&user_data[enabled]=0")
    assert answer["error"] == "PARAMETER ERROR"
    assert (await told(panel, "stb/info", f"mac={MAC}"))["mag_device"]["mag_id"] == "1"


async def test_rows_of_nobody_are_not_doubled() -> None:
    panel = a_panel()
    add_fault(panel, "dup_row", times=3)
    await ask(panel, "user/info", PAIR)
    await ask(panel, "reg_user/list")
    await ask(panel, "stb/create", STB)
    panel.tables["users"].delete(1)
    add_fault(panel, "dup_row")
    await ask(panel, "stb/info", f"mac={MAC}")
    assert panel.tables["mag_devices"].rows[3]["user_id"] == 1


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"admin_notes": "edited by another operator"}),
        ({"set": {"password": "changed", "nonsense": 1}}, {"password": "changed"}),
        ({"set": {"enabled": 0}, "where": {"username": "alice"}}, {"enabled": 0}),
        ({"set": {"enabled": 0}, "where": {"username": "bob"}}, {"enabled": 1}),
        ({"set": {"id": 2}, "where": {"id": 1}}, {"enabled": 1}),
        ({"table": "nowhere"}, {"enabled": 1}),
    ],
)
async def test_another_operator_edits(params: dict[str, Any], expected: dict[str, Any]) -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    await ask(panel, "user/create", line_form("carol"))
    add_fault(panel, "edit_by_other", **params)
    assert (await info(panel))["username"] == "alice"
    row = panel.tables["users"].rows[1]
    assert {name: row[name] for name in expected} == expected
    assert panel.ledger.records[-1].effects == []


async def test_another_operator_is_faster() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    await ask(panel, "stb/create", STB)
    add_fault(panel, "edit_by_other", when="before", set={"password": "changed"})
    assert (await info(panel))["error"] == "NOT EXISTS"
    add_fault(panel, "edit_by_other", table="mag_devices", delete=True)
    assert (await told(panel, "stb/info", f"mac={MAC}"))["result"] is True
    assert (await told(panel, "stb/info", f"mac={MAC}"))["error"] == "NOT EXISTS"
    assert panel.ledger.records[-2].outside
