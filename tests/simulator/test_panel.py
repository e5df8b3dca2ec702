"""Rules of the panel that the recordings do not show, and the other profiles."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.simulator.actions.devices import shown_mac
from gateway.simulator.clock import Clock
from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.switches import UnknownSwitch, changed, profile
from tests.simulator.asking import a_panel, ask, info, line_form, request, told

CALLS = ["user/create", "user/edit", "user/info", "stb/create", "stb/edit", "stb/info"]


# --- inputs of any kind --------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from([*CALLS, "reg_user/credits", "reg_user/list", "stream/start", "x/y"]),
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "username",
                    "password",
                    "mac",
                    "user_data[username]",
                    "user_data[mac]",
                    "user_data[bouquet]",
                    "user_data[exp_date][]",
                    "user_data[id]",
                    "user_data[pair_id]",
                    "amount",
                    "id",
                    "user_data",
                ]
            ),
            st.text(max_size=12) | st.just("1"),
        )
    ),
    st.sampled_from(["v2", "v2-strict", "documented"]),
)
async def test_no_input_brings_the_panel_down(
    call: str, fields: list[tuple[str, str]], profile_name: str
) -> None:
    panel = a_panel(profile_name)
    form = "&".join(f"{name}={value}" for name, value in fields)
    raw = form.encode("utf-8", "surrogatepass")
    for _ in range(2):
        answer = await panel.handle(request(call, body=raw))
        assert answer.status in (200, 500)
        if answer.body:
            json.loads(answer.body)


async def test_a_deeply_nested_bouquet_is_answered() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    deep = "[" * 500 + "]" * 500
    form = f"username=alice&password=secret&user_data[bouquet]={deep}"
    assert await told(panel, "user/edit", form) == {"result": True}
    answer = await ask(panel, "user/info", "username=alice&password=secret")
    assert answer.status == 200


# --- switches ------------------------------------------------------------------------------------


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
    await asyncio.sleep(0)
    panel.clock.advance(1)
    await asyncio.gather(*asking)
    panel.switches = changed(panel.switches, {"workers": 2, "latency": 0})
    assert (await ask(panel, "reg_user/list")).status == 200


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


# --- strict SQL ----------------------------------------------------------------------------------


async def test_strict_sql_loses_the_device_and_still_answers_true() -> None:
    panel = a_panel("v2-strict")
    form = "user_data[mac]=00:1A:79:00:00:01" + "".join(
        f"&user_data[{name}]="
        for name in ("admin_notes", "reseller_notes", "forced_country", "play_token")
    )
    for lines in (1, 2):
        assert await told(panel, "stb/create", form) == {"result": True}
        assert len(panel.tables["users"]) == lines
    assert not len(panel.tables["mag_devices"])


async def test_strict_sql_crashes_on_what_its_log_cannot_hold() -> None:
    panel = a_panel("v2-strict")
    answer = await ask(panel, "user/create", line_form("😀"))
    assert (answer.status, answer.body) == (500, b"")
    answer = await ask(panel, "user/create", line_form(nonsense="😀"))
    assert answer.status == 500
    assert not len(panel.tables["panel_logs"])


# --- devices -------------------------------------------------------------------------------------


async def test_a_device_whose_line_is_gone() -> None:
    panel = a_panel()
    await ask(panel, "stb/create", "user_data[mac]=00:1A:79:00:00:01")
    panel.tables["users"].delete(1)
    found = await told(panel, "stb/info", "mac=00:1A:79:00:00:01")
    assert (found["user_info"], found["pair_line_info"]) == ([], [])
    edit = "mac=00:1A:79:00:00:01&user_data[enabled]=0"
    assert await told(panel, "stb/edit", edit) == {"result": False}
    create = await told(panel, "stb/create", "user_data[mac]=00:1A:79:00:00:01")
    assert create["error"] == "EXISTS"


async def test_a_paired_device_shows_the_other_line() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    await ask(panel, "stb/create", "user_data[mac]=00:1A:79:00:00:01&user_data[pair_id]=1")
    found = await told(panel, "stb/info", "mac=00:1A:79:00:00:01")
    assert found["pair_line_info"]["username"] == "alice"
    assert found["user_info"]["pair_line_info"]["max_connections"] == "1"


async def test_odd_macs_are_stored_and_shown() -> None:
    panel = a_panel()
    assert await told(panel, "stb/create", "user_data[mac][]=x") == {"result": True}
    assert panel.tables["mag_devices"].rows[1]["mac"] == ""
    assert await told(panel, "stb/edit", "mac[]=x&user_data[enabled]=0") == {"result": True}
    long = "A" * 37
    await ask(panel, "stb/create", f"user_data[mac]={long}")
    panel.tables["mag_devices"].update([2], {"mac": "QUFBQ"}, strict=False)
    panel.tables["mag_devices"].update([1], {"mac": "é"}, strict=False)
    assert shown_mac("QUFBQ") == "AAA"
    assert shown_mac("é") == ""


async def test_a_text_as_user_data() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    await ask(panel, "stb/create", "user_data[mac]=X")
    assert (await ask(panel, "user/create", "user_data=abc")).body == b""
    assert (await told(panel, "stb/create", "user_data=abc"))["error"] == "PARAMETER ERROR (mac)"
    pair = "username=alice&password=secret&user_data=abc"
    assert (await told(panel, "user/edit", pair))["error"] == "PARAMETER ERROR"
    assert (await told(panel, "stb/edit", "mac=X&user_data=abc"))["error"] == "PARAMETER ERROR"


async def test_outputs_and_bouquets_that_are_unknown() -> None:
    panel = a_panel()
    form = line_form(bouquet='[1,"2",99]') + "&user_data[output_formats]=x"
    await ask(panel, "user/create", form)
    panel.tables["user_output"].update([2], {"access_output_id": 9}, strict=False)
    panel.tables["users"].update([1], {"bouquet": '["x",null,[1],true,"2"]'}, strict=False)
    found = await info(panel)
    assert list(found["output_formats"]) == ["m3u8", "rtmp"]
    assert found["channel_ids"] == [1, 2, 3, 4]
    panel.switches = changed(panel.switches, {"new_sorting_bouquet": 0})
    assert (await info(panel))["channel_ids"] == {"0": 1, "1": 2, "2": 3, "4": 4}


async def test_allowed_lists_of_odd_items() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    form = "username=alice&password=secret&user_data[allowed_ips]=[5, true, null, [1], 1.5]"
    await ask(panel, "user/edit", form)
    assert (await info(panel))["allowed_ips"] == {"0": "5", "1": "1", "4": "1.5"}


async def test_a_broken_text_in_a_list_is_stored_empty() -> None:
    panel = a_panel()
    await panel.handle(request("user/create", line_form() + "&user_data[admin_notes][]=%FF"))
    assert (await info(panel))["admin_notes"] == ""
    answer = await panel.handle(request("user/create", "user_data[username]=%FF"))
    assert (answer.status, answer.body) == (200, b"")
    assert len(panel.tables["users"]) == 2


async def test_credits_of_odd_amounts() -> None:
    panel = a_panel()
    assert await told(panel, "reg_user/credits", "id[]=2&amount=1") == {
        "result": False,
        "error": "NOT EXISTS",
    }
    assert await told(panel, "reg_user/credits", "id=2x&amount[]=1") == {"result": True}
    assert panel.tables["reg_users"].rows[2]["credits"] == 11.5
    assert await told(panel, "reg_user/credits", "id=2&amount=1e400") == {"result": True}
    panel.tables["servers"].update([1], {"server_hardware": "broken"}, strict=False)
    assert (await told(panel, "server/list"))[0]["info"] is None


# --- races ---------------------------------------------------------------------------------------


async def test_checks_and_writes_are_not_one() -> None:
    """Over a few seeds both happen: one row only, and several."""
    rows = set()
    for seed in range(12):
        panel = SimulatedPanel(seed=seed, clock=Clock("virtual"))
        await asyncio.gather(*(ask(panel, "user/create", line_form()) for _ in range(4)))
        rows.add(len(panel.tables["users"]))
    assert max(rows) > 1
    panel = a_panel()
    await asyncio.gather(*(ask(panel, "reg_user/credits", "id=2&amount=1") for _ in range(16)))
    assert float(panel.tables["reg_users"].rows[2]["credits"] or 0) < 26.5


async def test_the_same_seed_gives_the_same_answers_and_ledger() -> None:
    async def run(seed: int) -> tuple[list[bytes], str]:
        panel = SimulatedPanel(seed=seed, clock=Clock("virtual"))
        answers = [
            (await ask(panel, call, form)).body
            for call, form in [
                ("user/create", ""),
                ("stb/create", "user_data[mac]=00:1A:79:00:00:01"),
                ("stb/info", "mac=00:1A:79:00:00:01"),
                ("user/create", line_form()),
            ]
        ]
        racing = [ask(panel, "user/create", line_form("bob")) for _ in range(8)]
        answers += [answer.body for answer in await asyncio.gather(*racing)]
        return answers, panel.ledger.digest()

    assert await run(5) == await run(5)
    assert await run(5) != await run(6)


# --- profile documented --------------------------------------------------------------------------


async def test_documented_lines() -> None:
    panel = a_panel("documented")
    made = await told(panel, "user/create", "user_data[username]=&user_data[exp_date]=")
    assert len(made["username"]) == len(made["password"]) == 10
    assert (await told(panel, "user/create", line_form(exp_date="2000000000")))["result"]
    again = await told(panel, "user/create", line_form(password="other"))
    assert again["error"] == "EXISTS"
    assert await told(panel, "user/info", "username=alice&password=x") == {"result": False}
    pair = "username=alice&password=secret"
    edit = f"{pair}&user_data[exp_date]=&user_data[admin_notes]=50% off&user_data[bouquet]="
    assert await told(panel, "user/edit", edit) == {"result": True}
    found = await info(panel)
    assert (found["exp_date"], found["admin_notes"], found["bouquet"]) == (None, "50% off", [])
    assert await told(panel, "user/edit", pair) == {"result": True}
    assert (await told(panel, "user/edit", "username=x"))["error"] == "PARAMETER ERROR (user/pass)"
    assert (await told(panel, "user/edit", "username=x&password=y"))["error"] == "NOT EXISTS"
    assert (await told(panel, "user/info", ""))["error"] == "PARAMETER ERROR (user/pass)"


@pytest.mark.parametrize(
    "field", ["nonsense=1", "bouquet=1,2", "admin_notes=%C3%A9", "id=1", "ena-bled=1"]
)
async def test_documented_parameter_errors(field: str) -> None:
    panel = a_panel("documented")
    await ask(panel, "user/create", line_form("first"))
    await ask(panel, "stb/create", "user_data[mac]=00:1A:79:00:00:01")
    name, _, value = field.partition("=")
    bad = f"user_data[{name}]={value}"
    refused = {"result": False, "error": "PARAMETER ERROR"}
    assert await told(panel, "user/create", f"{line_form()}&{bad}") == refused
    assert await told(panel, "stb/create", f"user_data[mac]=X&{bad}") == refused
    if name != "id":
        assert await told(panel, "user/edit", f"username=first&password=secret&{bad}") == refused
        assert await told(panel, "stb/edit", f"mac=00:1A:79:00:00:01&{bad}") == refused


async def test_documented_edits_that_the_database_refuses() -> None:
    panel = a_panel("documented", sql_mode="strict")
    await ask(panel, "user/create", line_form())
    await ask(panel, "stb/create", "user_data[mac]=00:1A:79:00:00:01")
    bad = "user_data[max_connections]=many"
    refused = {"result": False, "error": "PARAMETER ERROR"}
    assert await told(panel, "user/edit", f"username=alice&password=secret&{bad}") == refused
    assert await told(panel, "stb/edit", f"mac=00:1A:79:00:00:01&{bad}") == refused
    assert await told(panel, "user/create", "user_data=abc") == refused


async def test_documented_devices() -> None:
    panel = a_panel("documented")
    no_mac = {"result": False, "error": "PARAMETER ERROR (mac)"}
    for call in ("stb/create", "stb/edit", "stb/info"):
        assert await told(panel, call) == no_mac
    mac = "mac=00:1A:79:00:00:01"
    assert await told(panel, "stb/info", mac) == {"result": False}
    assert await told(panel, "stb/edit", f"{mac}&user_data[enabled]=0") == {"result": False}
    assert await told(panel, "stb/create", f"user_data[{mac.replace('=', ']=')}") == {
        "result": True
    }
    again = await told(panel, "stb/create", "user_data[mac]=00:1a:79:00:00:01")
    assert again["error"] == "EXISTS"
    assert await told(panel, "stb/edit", f"{mac}&user_data[enabled]=0") == {"result": True}
    assert await told(panel, "stb/edit", f"{mac}&user_data[enabled]=0") == {"result": False}
    assert (await told(panel, "stb/info", mac))["user_info"]["enabled"] == "0"


async def test_documented_knows_six_calls() -> None:
    panel = a_panel("documented", created_id_type="string")
    assert (await ask(panel, "reg_user/list")).body == b""
    assert (await told(panel, "user/create", line_form()))["created_id"] == "1"
