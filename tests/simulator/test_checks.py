"""The ledger's judgement on each request, and the questions a checker asks."""

import asyncio
from typing import Any

import pytest

from gateway.simulator import checks
from gateway.simulator.messages import PanelAnswer
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.verdict import told as answer_says
from tests.simulator.asking import a_panel, add_fault, ask, line_form, until

MAC = "00:1A:79:00:00:01"
PAIR = "username=alice&password=secret"


async def verdict(panel: SimulatedPanel, call: str, form: str = "") -> bool | None:
    await ask(panel, call, form)
    return panel.ledger.records[-1].matched


@pytest.mark.parametrize(
    ("fault", "params", "matched"),
    [
        (None, {}, True),
        ("status", {"effect": "before"}, False),
        ("status", {"effect": "none"}, True),
        ("reset_at", {"k_out": 3}, False),
        ("truncate", {"bytes": 5}, False),
        ("truncate", {"bytes": 5000}, True),
        ("truncate", {"bytes": 5000, "effect": "none"}, False),
        ("empty_200", {"effect": "before"}, False),
        ("php_noise", {}, True),
        ("slow_drip", {"stall_after": 9}, False),
        ("lost_write", {}, False),
        ("wrong_write", {}, False),
        ("half_mag", {"missing": "outputs"}, False),
        ("refuse", {"effect": "before"}, False),
        ("refuse", {}, True),
        ("dup_row", {}, True),
    ],
)
async def test_whether_the_answer_is_true(
    fault: str | None, params: dict[str, Any], matched: bool
) -> None:
    panel = a_panel()
    if fault is not None:
        add_fault(panel, fault, **params)
    assert await verdict(panel, "user/create", line_form()) is matched


async def test_ordinary_answers_are_true() -> None:
    panel = a_panel()
    for call, form in [
        ("user/create", line_form()),
        ("user/create", line_form()),
        ("user/info", PAIR),
        ("user/info", "username=x&password=y"),
        ("user/edit", f"{PAIR}&user_data[enabled]=0"),
        ("user/edit", f"{PAIR}&user_data[enabled]=0"),
        ("user/edit", PAIR),
        ("stb/create", f"user_data[mac]={MAC}"),
        ("stb/edit", f"mac={MAC}&user_data[enabled]=0"),
        ("stb/edit", f"mac={MAC}&user_data[enabled]=0"),
        ("reg_user/credits", "id=2&amount=1"),
        ("reg_user/credits", "id=2&amount=-100"),
        ("reg_user/list", ""),
        ("stream/start", ""),
        ("nonsense/x", ""),
    ]:
        assert await verdict(panel, call, form) is True, (call, form)


async def test_strict_sql_lies_about_devices() -> None:
    panel = a_panel("v2-strict")
    form = f"user_data[mac]={MAC}" + "".join(
        f"&user_data[{name}]="
        for name in ("admin_notes", "reseller_notes", "forced_country", "play_token")
    )
    assert await verdict(panel, "stb/create", form) is False
    assert checks.answers_without_effect(panel.ledger.records) == [1]


async def test_broken_text_in_the_answer_hides_an_effect() -> None:
    panel = a_panel()
    assert await verdict(panel, "user/create", "user_data[username]=%FF") is False
    assert checks.effects_without_answer(panel.ledger.records) == [1]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"result":true}', True),
        ('<br />{"result":true}junk', True),
        ('{"result":true,"error":"NOT ENOUGH CREDITS"}', False),
        ('{"result":false}', False),
        ('{"error":"MySQL: Connection refused"}', None),
        ('{"result":', None),
        ('{"a":' * 100_000, None),
        ("[]", None),
        ("", None),
    ],
)
def test_what_an_answer_says(body: str, says: bool | None) -> None:
    assert answer_says(body) is says


def test_an_answer_that_is_not_sent_is_not_whole() -> None:
    assert not PanelAnswer(200, silent=True).is_whole
    assert PanelAnswer(200).is_whole


# --- the questions -------------------------------------------------------------------------------


async def test_rows_ever_of_a_name_and_of_a_mac() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form("Älice"))
    await ask(panel, "user/create", line_form("alice", "other"))
    await ask(panel, "user/create", line_form("bob"))
    await ask(panel, "user/edit", "username=bob&password=secret&user_data[username]=carol")
    add_fault(panel, "dup_row")
    await ask(panel, "stb/create", f"user_data[mac]={MAC.lower()}")
    panel.tables["users"].delete(1)
    names = checks.rows_per_username(panel.ledger.records)
    assert names["alice"] == [1, 2]
    assert names["bob"] == names["carol"] == [3]
    assert checks.rows_per_mac(panel.ledger.records) == {MAC: [1, 2]}


async def test_effects_and_answers_that_have_lost_each_other() -> None:
    panel = a_panel()
    ordered: list[tuple[str, dict[str, Any]]] = [
        ("status", {"effect": "before"}),
        ("lost_write", {}),
        ("status", {}),
    ]
    for fault, params in ordered:
        add_fault(panel, fault, **params)
        await ask(panel, "user/create", line_form(fault))
    records = panel.ledger.records
    assert checks.effects_without_answer(records) == [1]
    assert checks.answers_without_effect(records) == [2]


async def test_credits_that_moved_and_credits_that_were_answered() -> None:
    panel = a_panel()
    await ask(panel, "reg_user/credits", "id=2&amount=2.555")
    await ask(panel, "reg_user/credits", "id=2&amount=-1000")
    await ask(panel, "reg_user/credits", "username=ADMIN&amount=1")
    sums = checks.credit_sums(panel.ledger.records)
    assert sums["account:2"] == {"changed": 2.56, "answered": 2.56, "agree": True}
    add_fault(panel, "lost_credit")
    await ask(panel, "reg_user/credits", "username=admin&amount=1")
    sums = checks.credit_sums(panel.ledger.records)
    assert sums["account:1"] == {"changed": 1.0, "answered": 2.0, "agree": False}


async def test_calls_in_flight_at_once() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    await ask(panel, "user/info", PAIR)
    racing = [ask(panel, "user/edit", f"{PAIR}&user_data[enabled]=1") for _ in range(3)]
    racing += [ask(panel, "user/info", "username=ALICE&password=x")]
    racing += [
        ask(panel, "stb/info", f"mac={MAC}"),
        ask(panel, "reg_user/credits", "id=2&amount=1"),
    ]
    await asyncio.gather(*racing)
    found = checks.in_flight(panel.ledger.records)
    assert found == {"user:alice": 4, f"mac:{MAC}": 1, "account:2": 1}
    assert checks.in_flight(panel.ledger.records, writes_only=True)["user:alice"] == 3


async def test_a_call_is_over_when_its_caller_has_gone() -> None:
    panel = a_panel()
    add_fault(panel, "ghost_write", seconds=60)
    gone = asyncio.Event()
    first = asyncio.create_task(ask(panel, "user/create", line_form(), gone=gone))
    await until(lambda: bool(panel.ledger.records))
    assert checks.in_flight(panel.ledger.records) == {"user:alice": 1}
    gone.set()
    await until(lambda: panel.clock.sleepers == 1)
    panel.ledger.close(panel.ledger.records[0])
    await ask(panel, "user/create", line_form())
    panel.clock.advance(60)
    await first
    assert checks.in_flight(panel.ledger.records) == {"user:alice": 1}


async def test_calls_of_each_caller_within_a_window() -> None:
    panel = a_panel()
    for gap in (0, 0.5, 0.4, 0.2, 3):
        panel.clock.advance(gap)
        await ask(panel, "reg_user/list")
    await ask(panel, "reg_user/list", caller="127.0.0.2")
    records = panel.ledger.records
    assert checks.calls_per_window(records, 1) == {"127.0.0.1": 3, "127.0.0.2": 1}
    assert checks.longest_close_run(records) == {"127.0.0.1": 4, "127.0.0.2": 1}


async def test_fields_that_nobody_allowed() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form(bouquet="[1]", id="7") + "&user_data[x][]=1&up=2")
    await ask(panel, "user/info", PAIR + "&api_pass=x")
    allowed = ["username", "password", "user_data[username]", "user_data[password]"]
    found = checks.foreign_fields(panel.ledger.records, [*allowed, "user_data[bouquet]"])
    assert found == [{"seq": 1, "fields": ["user_data[id]", "user_data[x][0]", "up"]}]
    assert checks.foreign_fields(panel.ledger.records, ["*"]) == []


async def test_everything_at_once() -> None:
    panel = a_panel(flood=True, flood_limit=1)
    for _ in range(3):
        await ask(panel, "reg_user/list")
    found = checks.report(panel.ledger.records, allowed=[])
    assert (found["bans"], found["while_banned"]) == ([2], [3])
    assert found["statuses"] == {"200": 2, "none": 1}
    assert found["foreign_fields"] == []
    assert "foreign_fields" not in checks.report(panel.ledger.records)
