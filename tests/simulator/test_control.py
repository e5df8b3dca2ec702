"""The control surface, over its own port."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.simulator import surface
from gateway.simulator.running import RunningSimulator, running_simulator
from tests.simulator import replay
from tests.simulator.asking import ask, info, line_form


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator(control_bind="127.0.0.1:0", clock="virtual") as running:
        yield running


async def call(
    simulator: RunningSimulator, method: str, path: str, value: Any = None
) -> tuple[int, Any]:
    assert simulator.control_url is not None
    return await replay.control(simulator.control_url, method, path, value)


async def test_tables_and_ledger_can_be_read(simulator: RunningSimulator) -> None:
    await ask(simulator.panel, "user/create", line_form())
    status, answer = await call(simulator, "GET", "/tables/users")
    assert status == 200
    assert [row["username"] for row in answer["rows"]] == ["alice"]
    _, answer = await call(simulator, "GET", "/ledger")
    (record,) = answer["records"]
    assert (record["seq"], record["action"], record["sub"]) == (1, "user", "create")
    assert (record["caller"], record["status"], record["fault"]) == ("127.0.0.1", 200, None)
    assert record["sent_bytes"] == len(record["answer"])
    assert record["body"] == line_form()
    assert {
        "table": "users",
        "id": 1,
        "column": "username",
        "before": None,
        "after": "alice",
    } in record["effects"]
    assert (await call(simulator, "GET", "/ledger?since=1"))[1] == {"records": []}


@pytest.mark.parametrize(
    ("method", "path", "value", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("PUT", "/setup", None, 404),
        ("GET", "/tables/nothing", None, 404),
        ("GET", "/ledger?since=x", None, 400),
        ("POST", "/setup", {"nonsense": 1}, 501),
        ("POST", "/setup", {"sql_mode": "loose"}, 400),
        ("POST", "/setup", {"pair": {"username": "a", "with_username": "b"}}, 400),
        ("POST", "/setup", {"stream_rows": [{}]}, 400),
        ("POST", "/setup", [], 400),
        ("POST", "/setup", {"mac_rows": {"mac": "x", "rows": "many"}}, 400),
        ("GET", "/ledger?since=" + "9" * 5000, None, 400),
        ("POST", "/clock", {"advance_seconds": 1e300}, 400),
        ("POST", "/switches", {"nonsense": 1}, 400),
        ("POST", "/clock", {"advance_seconds": -1}, 400),
        ("POST", "/clock", {"advance_seconds": "x"}, 400),
        ("POST", "/faults", {"fault": "nonsense"}, 400),
        ("POST", "/faults", {"fault": "status", "params": {"effect": "maybe"}}, 400),
        ("POST", "/restore", None, 404),
    ],
)
async def test_what_cannot_be_done(
    simulator: RunningSimulator, method: str, path: str, value: Any, status: int
) -> None:
    found, answer = await call(simulator, method, path, value)
    assert found == status
    assert answer["error"]


async def test_an_unsupported_marker_changes_nothing(simulator: RunningSimulator) -> None:
    await call(simulator, "POST", "/setup", {"api_pass": "x", "nonsense": 1})
    assert simulator.panel.switches.api_pass == ""


async def test_switches_can_be_set(simulator: RunningSimulator) -> None:
    status, answer = await call(
        simulator, "POST", "/switches", {"profile": "v2-strict", "rate_limit": {"burst": 1}}
    )
    assert status == 200
    assert answer["sql_mode"] == "strict"
    assert simulator.panel.switches.rate_limit is not None
    await call(simulator, "POST", "/switches", {"rate_limit": None})
    assert simulator.panel.switches.strict
    assert simulator.panel.switches.rate_limit is None


async def test_time_can_be_moved(simulator: RunningSimulator) -> None:
    _, before = await call(simulator, "POST", "/clock", {})
    _, after = await call(simulator, "POST", "/clock", {"advance_seconds": 60})
    assert after["now"] == before["now"] + 60


async def test_faults_can_be_added_and_cleared(simulator: RunningSimulator) -> None:
    rule = {"match": {"action": "user"}, "fault": "status", "params": {"code": 500}, "times": 1}
    assert await call(simulator, "POST", "/faults", rule) == (200, {"id": 1})
    assert (await ask(simulator.panel, "user/info")).status == 500
    _, listed = await call(simulator, "GET", "/faults")
    assert (listed["faults"][0]["applied"], listed["faults"][0]["fault"]) == (1, "status")
    assert await call(simulator, "DELETE", "/faults") == (200, {})
    assert (await call(simulator, "GET", "/faults"))[1] == {"faults": []}


async def test_held_requests_can_be_released(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface, "IDLE_TIMEOUT", 0.02)
    rule = {"fault": "pause_at", "params": {"step": "check"}, "times": 1}
    await call(simulator, "POST", "/faults", rule)
    raw = replay.build_request(
        {"method": "GET", "query": "action=user&sub=info&username=a&password=b", "body": None}
        | {"headers": None},
        replay.Learned(),
    )
    with pytest.raises(TimeoutError):
        await replay.raw_request(simulator.base_url, raw, seconds=0.05)
    assert (await call(simulator, "GET", "/idle"))[1] == {"idle": False, "active": 1}
    assert (await call(simulator, "POST", "/release", {"count": 0}))[1] == {"released": 0}
    assert (await call(simulator, "POST", "/release"))[1] == {"released": 1}
    assert (await call(simulator, "GET", "/idle"))[1] == {"idle": True, "active": 0}


async def test_reset_empties_tables_and_ledger_but_keeps_switches(
    simulator: RunningSimulator,
) -> None:
    await ask(simulator.panel, "user/create", line_form())
    await call(simulator, "POST", "/switches", {"created_id_type": "string"})
    await call(simulator, "POST", "/reset")
    assert not len(simulator.panel.tables["users"])
    assert simulator.panel.ledger.next_seq == 1
    assert simulator.panel.switches.created_id_type == "string"


async def test_the_reset_marker_sets_settings_back(simulator: RunningSimulator) -> None:
    await call(simulator, "POST", "/setup", {"api_pass": "x", "sql_mode": "strict"})
    await call(simulator, "POST", "/setup", {"api_ips": "10.0.0.1", "reset": True})
    found = simulator.panel.switches
    assert (found.api_pass, found.strict, found.api_ips) == ("", False, "10.0.0.1")
    await ask(simulator.panel, "user/create", line_form())
    await call(simulator, "POST", "/setup", {"reset": False})
    assert len(simulator.panel.tables["users"]) == 1


async def test_snapshots(simulator: RunningSimulator) -> None:
    assert (await call(simulator, "POST", "/snapshot"))[1] == {"id": "1"}
    await ask(simulator.panel, "user/create", line_form())
    assert (await call(simulator, "POST", "/snapshot"))[1] == {"id": "2"}
    assert (await call(simulator, "POST", "/restore", {"id": "1"}))[1] == {"id": "1"}
    assert (await info(simulator.panel))["error"] == "NOT EXISTS"
    assert (await call(simulator, "POST", "/restore"))[1] == {"id": "2"}
    assert (await info(simulator.panel))["username"] == "alice"


async def test_markers_that_add_and_remove_rows(simulator: RunningSimulator) -> None:
    panel = simulator.panel
    mac = {"mac": "00:1A:79:00:00:01"}
    for rows in (2, 3, 1, 0):
        await call(simulator, "POST", "/setup", {"mac_rows": mac | {"rows": rows}})
        assert len(panel.tables["mag_devices"]) == rows
    await ask(panel, "user/create", line_form())
    await ask(panel, "user/create", line_form("bob"))
    setup = {
        "active_connections": [{"username": "alice", "password": "secret"}, {"username": "alice"}],
        "pair": {"username": "bob", "with_username": "alice"},
    }
    assert (await call(simulator, "POST", "/setup", setup))[0] == 200
    assert (await info(panel))["active_cons"] == "2"
    assert (await info(panel, "bob"))["pair_line_info"]["active_cons"] == "2"


async def test_a_callers_address_holds_for_one_request(simulator: RunningSimulator) -> None:
    await call(simulator, "POST", "/setup", {"caller_ip": "127.0.0.2"})
    assert b"IP FORBIDDEN" in (await ask(simulator.panel, "reg_user/list")).body
    assert b"reseller1" in (await ask(simulator.panel, "reg_user/list")).body


async def test_a_mistake_of_ours_is_an_answer_too(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(simulator.panel.world, "reset", None)
    assert (await call(simulator, "POST", "/reset"))[0] == 500
    assert "control surface failed" in caplog.text


async def test_bytes_that_are_no_request(simulator: RunningSimulator) -> None:
    assert simulator.control_url is not None
    assert (await replay.raw_request(simulator.control_url, b"x\r\n\r\n")).startswith(
        b"HTTP/1.1 400 "
    )


# --- bans, restarts, checks ----------------------------------------------------------------------


async def test_bans_can_be_made_seen_and_lifted(simulator: RunningSimulator) -> None:
    ban = {"caller": "10.0.0.1", "style": "silent"}
    assert await call(simulator, "POST", "/bans", ban) == (200, {})
    await call(simulator, "POST", "/bans", {"caller": "10.0.0.2", "seconds": 5})
    _, answer = await call(simulator, "GET", "/bans")
    assert [(b["caller"], b["style"]) for b in answer["bans"]] == [
        ("10.0.0.1", "silent"),
        ("10.0.0.2", "drop"),
    ]
    assert (answer["bans"][0]["until"], answer["made"]) == (None, 2)
    assert (await call(simulator, "DELETE", "/bans/10.0.0.1"))[1] == {"lifted": 1}
    await call(simulator, "POST", "/clock", {"advance_seconds": 5})
    assert (await call(simulator, "GET", "/bans"))[1] == {"bans": [], "made": 2}
    assert (await call(simulator, "POST", "/bans", {"style": "loud"}))[0] == 400
    assert (await call(simulator, "POST", "/restart", {"seconds": "x"}))[0] == 400


async def test_time_can_be_set_to_a_later_moment(simulator: RunningSimulator) -> None:
    moment = simulator.panel.clock.now() + 500
    assert (await call(simulator, "POST", "/clock", {"now": moment}))[1] == {"now": moment}
    assert (await call(simulator, "POST", "/clock", {"now": moment - 1}))[0] == 400


async def test_the_checks_are_served(simulator: RunningSimulator) -> None:
    await ask(simulator.panel, "user/create", line_form())
    await ask(simulator.panel, "user/create", line_form("bob"))
    path = "/ledger/checks?since=1&window=60&allow=user_data[username],user_data[password]"
    status, answer = await call(simulator, "GET", path)
    assert status == 200
    assert (answer["records"], answer["rows_per_username"]) == (1, {"bob": [2]})
    assert answer["foreign_fields"] == []
    assert answer["digest"] == simulator.panel.ledger.digest()
    assert (await call(simulator, "GET", "/ledger/checks?window=x"))[0] == 400


async def test_tables_go_back_by_seconds(simulator: RunningSimulator) -> None:
    await ask(simulator.panel, "user/create", line_form())
    await call(simulator, "POST", "/clock", {"advance_seconds": 10})
    await ask(simulator.panel, "user/edit", "username=alice&password=secret&user_data[enabled]=0")
    assert (await call(simulator, "POST", "/restore", {"seconds": 5}))[1]["changed"] > 0
    assert (await info(simulator.panel))["enabled"] == "1"


async def test_switches_can_be_read_and_one_rule_taken_away(simulator: RunningSimulator) -> None:
    assert (await call(simulator, "GET", "/switches"))[1]["profile"] == "v2"
    await call(simulator, "POST", "/faults", {"fault": "status"})
    assert (await call(simulator, "DELETE", "/faults/7"))[0] == 404
    assert (await call(simulator, "DELETE", "/faults/1"))[0] == 200
    assert (await call(simulator, "GET", "/faults"))[1] == {"faults": []}


async def test_how_long_to_wait_for_idle_can_be_said(simulator: RunningSimulator) -> None:
    assert (await call(simulator, "GET", "/idle?timeout=1"))[1]["idle"] is True
    simulator.panel._enter()
    answer = (await call(simulator, "GET", "/idle?timeout=0.01"))[1]
    simulator.panel._leave()
    assert answer == {"idle": False, "active": 1}
