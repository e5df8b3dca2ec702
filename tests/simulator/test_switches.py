"""Every switch by itself: what changes when it is set."""

import asyncio
import random

import pytest

from gateway.simulator.switches import Latency, UnknownSwitch, changed, profile
from tests.simulator.asking import a_panel, ask, info, line_form, told, until

# --- switches -------------------------------------------------------------------------------------


async def test_later_revisions_answer_with_other_types() -> None:
    panel = a_panel(created_id_type="string", number_types="native")
    assert (await told(panel, "user/create", line_form()))["created_id"] == "1"
    found = await info(panel)
    assert (found["id"], found["max_connections"], found["exp_date"]) == (1, 1, None)
    accounts = await told(panel, "reg_user/list")
    assert accounts[1]["credits"] == 10.5


@pytest.mark.parametrize(
    ("rule", "username", "password", "found"),
    [
        ("either", "ALICE", "secret", True),
        ("either", "ALICE", "SECRET", False),
        ("both exact", "ALICE", "secret", False),
        ("both exact", "alice", "secret", True),
        ("none", "ALICE", "SECRET", True),
    ],
)
async def test_the_case_rule_of_info(rule: str, username: str, password: str, found: bool) -> None:
    panel = a_panel(case_rule=rule)
    await ask(panel, "user/create", line_form())
    assert ("id" in await info(panel, username, password)) is found


async def test_percent_is_harmless_where_the_switch_is_off() -> None:
    panel = a_panel(percent_on_edit=False)
    await ask(panel, "user/create", line_form())
    form = "username=alice&password=secret&user_data[admin_notes]=100%25 ok"
    assert await told(panel, "user/edit", form) == {"result": True}
    assert (await info(panel))["admin_notes"] == "100% ok"


async def test_exists_by_username_alone() -> None:
    panel = a_panel(exists_rule="username")
    await ask(panel, "user/create", line_form())
    answer = await told(panel, "user/create", line_form(password="other"))
    assert answer == {"result": False, "error": "EXISTS"}


async def test_the_404_of_an_expiry_in_the_past() -> None:
    panel = a_panel(past_exp_404=True)
    await ask(panel, "user/create", line_form())
    past = "username=alice&password=secret&user_data[exp_date]=1000"
    future = "username=alice&password=secret&user_data[exp_date]=2000000000"
    refused = await ask(panel, "user/edit", past)
    assert (refused.status, refused.body) == (404, b"")
    assert await told(panel, "user/edit", future) == {"result": True}
    assert (await ask(panel, "user/info", past)).status == 200


async def test_added_columns_can_be_written_and_are_shown() -> None:
    columns = ["contact", {"name": "package_id", "type": "int32", "default": 0}]
    panel = a_panel(extra_columns=columns)
    await ask(panel, "user/create", line_form(contact="x@example.org", package_id="7"))
    found = await info(panel)
    assert (found["contact"], found["package_id"]) == ("x@example.org", "7")
    panel.switches = changed(panel.switches, {"extra_columns": []})
    assert "contact" not in await info(panel)


async def test_no_mag_mark_without_mag_security() -> None:
    panel = a_panel(mag_security=0)
    await ask(panel, "stb/create", "user_data[mac]=00:1A:79:00:00:01")
    found = await told(panel, "stb/info", "mac=00:1A:79:00:00:01")
    assert "mag_invalid_token" not in found["user_info"]


async def test_callers_are_trusted_by_address() -> None:
    panel = a_panel()
    for caller, allowed in [("192.0.2.2", True), ("203.0.113.5", False), ("::1", True)]:
        answer = await told(panel, "reg_user/list", caller=caller)
        assert isinstance(answer, list) is allowed
    panel.switches = changed(panel.switches, {"trusted_ips": ["*"]})
    assert isinstance(await told(panel, "reg_user/list", caller="203.0.113.5"), list)


async def test_warnings_of_a_broken_database_can_be_hidden() -> None:
    panel = a_panel(database="down", hide_php_warnings=True)
    assert (await ask(panel, "reg_user/list")).body == b'{"error":"MySQL: Connection refused"}'
    panel.switches = changed(panel.switches, {"config": "missing"})
    assert (await ask(panel, "reg_user/list")).body == b"no config found"
    panel.switches = changed(panel.switches, {"php": "down"})
    assert (await ask(panel, "reg_user/list")).status == 502


async def test_the_rate_limit_lets_a_burst_through_and_leaks() -> None:
    panel = a_panel(rate_limit={"per_second": 20, "burst": 8})
    statuses = [(await ask(panel, "reg_user/list")).status for _ in range(60)]
    assert (statuses.count(200), statuses.count(503)) == (9, 51)
    panel.clock.advance(0.11)
    assert [(await ask(panel, "reg_user/list")).status for _ in range(3)] == [200, 200, 503]
    assert (await ask(panel, "reg_user/list", caller="127.0.0.9")).status == 200


async def test_workers_make_others_wait() -> None:
    panel = a_panel(workers=1, latency=1)
    asking = [asyncio.create_task(ask(panel, "reg_user/list")) for _ in range(3)]
    await until(lambda: panel.world.workers.waiting == 2)
    for done in (1, 2, 3):
        await panel.clock.travel(1)
        assert sum(task.done() for task in asking) == done
    panel.switches = changed(panel.switches, {"workers": 2, "latency": 0})
    assert (await ask(panel, "reg_user/list")).status == 200


@pytest.mark.parametrize("distribution", ["uniform", "normal", "exponential", "lognormal"])
async def test_latency_is_drawn_from_a_distribution(distribution: str) -> None:
    panel = a_panel(latency={"base": 1, "spread": 0.5, "distribution": distribution})
    drawn = [panel.switches.latency.drawn(random.Random(seed)) for seed in range(200)]
    assert min(drawn) >= 0
    assert len(set(drawn)) > 100
    asking = asyncio.create_task(ask(panel, "reg_user/list"))
    await until(lambda: panel.clock.sleepers == 1)
    await panel.clock.travel(100)
    assert (await asking).status == 200
    constant = Latency(base=2, distribution="exponential")
    assert constant.drawn(random.Random(0)) == 2


async def test_settings_work_only_after_a_while() -> None:
    panel = a_panel(settings_lag_seconds=10)
    panel.clock.advance(10)
    panel.switches = changed(panel.switches, {"api_pass": "x", "created_id_type": "string"})
    assert panel.switches.api_pass == "x"
    assert (await told(panel, "user/create", line_form()))["created_id"] == "1"
    panel.clock.advance(10)
    assert await told(panel, "reg_user/list") == {"result": False, "0": "KEY WRONG"}


async def test_output_formats_are_cached() -> None:
    panel = a_panel(output_cache_seconds=800)
    await ask(panel, "user/create", line_form())
    assert list((await info(panel))["output_formats"]) == ["m3u8", "ts", "rtmp"]
    panel.tables["user_output"].delete(2)
    assert list((await info(panel))["output_formats"]) == ["m3u8", "ts", "rtmp"]
    panel.clock.advance(800)
    assert list((await info(panel))["output_formats"]) == ["m3u8", "rtmp"]


@pytest.mark.parametrize(
    "change",
    [{"nonsense": 1}, {"sql_mode": "loose"}, {"profile": "xui"}, {"profile": "x"}, {"workers": []}],
)
def test_switches_that_do_not_exist(change: dict[str, object]) -> None:
    with pytest.raises(UnknownSwitch):
        changed(profile("v2"), change)


def test_switches_are_read_kindly() -> None:
    found = changed(
        profile("v2"),
        {"profile": "v2-strict", "firewall": "on", "case_rule": "both", "latency": 0.5},
    )
    assert found.strict
    assert found.firewall
    assert found.case_rule == "both exact"
    assert found.latency.base == 0.5
