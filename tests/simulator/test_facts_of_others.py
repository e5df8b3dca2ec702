"""Protocol 2.1, 2.2, 2.7, 2.8 and 2.12, row by row: devices, accounts, streams, shapes."""

import json
from typing import Any

import pytest

from gateway.simulator.panel import SimulatedPanel
from gateway.simulator.tables import Row
from tests.simulator.asking import a_panel, ask, info, line_form, told

MAC = "00:1A:79:AA:BB:CC"
NO_MAC = "PARAMETER ERROR (mac)"
NO_USER = "PARAMETER ERROR (user/pass)"
SHORT = "PARAMETER ERROR (amount & id||username)"


async def with_device(**fields: str) -> SimulatedPanel:
    panel = a_panel()
    form = "&".join(f"user_data[{name}]={value}" for name, value in ({"mac": MAC} | fields).items())
    assert await told(panel, "stb/create", form) == {"result": True}
    return panel


# --- 2.7: devices --------------------------------------------------------------------------------


@pytest.mark.parametrize("mac", ["00-1A-79-AA-BB-CC", "00:1A:79", "NOT A MAC", "00:1A:79:ZZ:ZZ:ZZ"])
async def test_any_text_is_a_mac_and_spellings_are_devices_of_their_own(mac: str) -> None:
    panel = await with_device()
    assert await told(panel, "stb/create", f"user_data[mac]={mac}") == {"result": True}
    assert (await told(panel, "stb/info", f"mac={mac}"))["mag_device"]["mac"] == mac


async def test_a_long_mac_is_cut_in_the_database() -> None:
    panel = a_panel()
    mac = "AB" * 30
    assert await told(panel, "stb/create", f"user_data[mac]={mac}") == {"result": True}
    assert len(str(panel.tables["mag_devices"].rows[1]["mac"])) == 50
    assert (await told(panel, "stb/info", f"mac={mac}"))["error"] == "NOT EXISTS"


async def test_create_and_edit_make_a_mac_upper_case_and_info_does_not() -> None:
    panel = a_panel()
    await ask(panel, "stb/create", f"user_data[mac]={MAC.lower()}")
    edit = f"mac={MAC.lower()}&user_data[max_connections]=2"
    assert await told(panel, "stb/edit", edit) == {"result": True}
    assert (await told(panel, "stb/info", f"mac={MAC.lower()}"))["error"] == "NOT EXISTS"
    assert (await told(panel, "stb/info", f"mac={MAC}"))["mag_device"]["mac"] == MAC


@pytest.mark.parametrize("form", ["", f"mac={MAC}", "user_data[mac]=0", "user_data[mac]="])
async def test_a_creation_without_its_mac(form: str) -> None:
    panel = a_panel()
    assert await told(panel, "stb/create", form) == {"result": False, "error": NO_MAC}


@pytest.mark.parametrize("more", ["", "&user_data[nonsense]=1"])
async def test_a_known_mac_wins_over_a_bad_column(more: str) -> None:
    panel = await with_device()
    answer = await told(panel, "stb/create", f"user_data[mac]={MAC.lower()}{more}")
    assert answer["error"] == "EXISTS"


@pytest.mark.parametrize("column", ["sn", "stb_type", "nonsense"])
async def test_a_column_of_the_device_table_is_refused_and_nothing_is_written(column: str) -> None:
    panel = a_panel()
    form = f"user_data[mac]={MAC}"
    answer = await told(panel, "stb/create", f"{form}&user_data[{column}]=1")
    assert answer["error"] == "PARAMETER ERROR"
    assert not len(panel.tables["users"])
    assert await told(panel, "stb/create", form) == {"result": True}


async def test_what_a_device_decides_itself() -> None:
    panel = await with_device(
        username="mine", password="mine", is_mag="0", created_by="9", admin_notes="kept"
    )
    row = panel.tables["users"].rows[1]
    assert (row["is_mag"], row["created_by"], row["admin_notes"]) == (1, 0, "kept")
    assert "mine" not in (row["username"], row["password"])
    assert len(panel.tables["user_output"]) == 3
    (log,) = panel.tables["reg_userlog"]
    assert log["type"] == "[API->New MAG Device]"


@pytest.mark.parametrize(
    ("form", "answer"),
    [
        ("", {"result": False, "error": NO_USER}),
        ("mac=0&user_data[enabled]=0", {"result": False, "error": NO_USER}),
        (f"user_data[mac]={MAC}", {"result": False, "error": NO_USER}),
        (f"mac={MAC}&user_data[enabled]=0", {"result": True}),
        (f"mac={MAC}&user_data[enabled]=1", {"result": False}),
        (f"mac={MAC}", {"result": False}),
        (f"mac={MAC}&user_data[is_mag]=0", {"result": False}),
        ("mac=X&user_data[enabled]=0", {"result": False}),
        (f"mac={MAC}&user_data[nonsense]=0", {"result": False, "error": "PARAMETER ERROR"}),
        ("mac=X&user_data[nonsense]=0", {"result": False, "error": "PARAMETER ERROR"}),
        (f"mac={MAC}&user_data[mac]=Y", {"result": False, "error": "PARAMETER ERROR"}),
        (f"mac={MAC}&user_data[admin_notes]=5%25", {"result": False, "error": "PARAMETER ERROR"}),
        (f"mac={MAC}&user_data[admin_notes]=5%25%25", {"result": True}),
        (f"mac={MAC}&user_data[username]=new", {"result": True}),
    ],
)
async def test_what_editing_a_device_answers(form: str, answer: dict[str, Any]) -> None:
    panel = await with_device()
    assert await told(panel, "stb/edit", form) == answer
    logs = [row["type"] for row in panel.tables["reg_userlog"]]
    assert ("[API->Edit MAG Device]" in logs) is (answer == {"result": True})


@pytest.mark.parametrize(
    ("form", "error"),
    [("", NO_MAC), ("mac=0", NO_MAC), (f"user_data[mac]={MAC}", NO_MAC), ("mac=X", "NOT EXISTS")],
)
async def test_what_info_of_a_device_refuses(form: str, error: str) -> None:
    panel = await with_device()
    assert (await told(panel, "stb/info", form))["error"] == error


async def test_user_calls_work_on_the_hidden_line_of_a_device() -> None:
    panel = await with_device()
    row = panel.tables["users"].rows[1]
    pair = f"username={row['username']}&password={row['password']}"
    assert await told(panel, "user/edit", f"{pair}&user_data[enabled]=0") == {"result": True}
    assert (await told(panel, "stb/info", f"mac={MAC}"))["user_info"]["enabled"] == "0"


# --- 2.8: accounts, servers, streams -------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "answer", "balance"),
    [
        ("id=2", {"result": False, "error": SHORT}, 10.5),
        ("amount=0&id=2", {"result": False, "error": SHORT}, 10.5),
        ("amount=5", {"result": False, "error": SHORT}, 10.5),
        ("amount=5&id=0&username=0", {"result": False, "error": SHORT}, 10.5),
        ("amount=5&id=99", {"result": False, "error": "NOT EXISTS"}, 10.5),
        ("amount=5&id=x&username=reseller1", {"result": False, "error": "NOT EXISTS"}, 10.5),
        ("amount=-11&id=2", {"result": True, "error": "NOT ENOUGH CREDITS"}, 10.5),
        ("amount=-10.5&id=2", {"result": True}, 0),
        ("amount=5&id=2", {"result": True}, 15.5),
        ("amount=5&username=RESELLER1", {"result": True}, 15.5),
        ("amount=5&id=0&username=reseller1", {"result": True}, 15.5),
        ("amount=abc&id=2", {"result": True}, 10.5),
        ("amount=1,5&id=2", {"result": True}, 11.5),
        ("amount=1e1&id=2", {"result": True}, 20.5),
        ("amount=2.555&id=2", {"result": True}, 13.06),
        ("amount=0.004&id=2", {"result": True}, 10.5),
    ],
)
async def test_the_credits_table(form: str, answer: dict[str, Any], balance: float) -> None:
    panel = a_panel()
    assert await told(panel, "reg_user/credits", form) == answer
    assert panel.tables["reg_users"].rows[2]["credits"] == balance


async def test_a_balance_has_six_digits() -> None:
    panel = a_panel()
    await ask(panel, "reg_user/credits", "id=2&amount=17")
    for amount, shown in (("123456.78", "123484"), ("-123456.78", "27.22")):
        await ask(panel, "reg_user/credits", f"id=2&amount={amount}")
        assert (await told(panel, "reg_user/list"))[1]["credits"] == shown
    assert list(panel.tables["reg_userlog"])[-1]["type"] == "[API->ADD Credits -123456.78]"


async def test_where_streams_run_is_an_empty_list_or_an_object() -> None:
    panel = a_panel()
    assert (await ask(panel, "stream/online")).body == b"[]"
    for stream, pid, state in ((1, 5, 0), (2, 0, 1), (5, 9, 0), (3, None, 0)):
        row: Row = {"stream_id": stream, "server_id": 1, "pid": pid, "stream_status": state}
        panel.tables["streams_sys"].insert(row, strict=False)
    assert (await ask(panel, "stream/online")).body == b'{"1":[1]}'
    assert (await ask(panel, "stream/offline")).body == b'{"2":[1]}'


@pytest.mark.parametrize("call", ["stream/start", "stream/stop", "vod/start", "vod/stop"])
@pytest.mark.parametrize("form", ["", "stream_ids[]=1&servers[]=1", "stream_ids[]=999"])
async def test_starting_and_stopping_is_always_true(call: str, form: str) -> None:
    assert await told(a_panel(), call, form) == {"result": True}


# --- 2.1, 2.2: dispatch and access ---------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    ["user/delete", "User/info", "user/INFO", "user/", "/info", "reg_user/info", "vod/list"],
)
async def test_unknown_calls_are_answered_with_nothing(call: str) -> None:
    answer = await ask(a_panel(), call)
    assert (answer.status, answer.body, answer.content_type) == (
        200,
        b"",
        "text/html; charset=UTF-8",
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_are_answered_with_nothing(method: str) -> None:
    answer = await ask(a_panel(), "reg_user/list", method=method)
    assert (answer.status, answer.body, answer.content_type) == (
        200,
        b"",
        "application/octet-stream",
    )


@pytest.mark.parametrize(
    ("settings", "form", "caller", "refusal"),
    [
        ({"api_ips": "10.0.0.1, 10.0.0.2"}, "", "10.0.0.1", None),
        ({"api_ips": "10.0.0.1, 10.0.0.2"}, "", "10.0.0.2", "IP FORBIDDEN"),
        ({"api_pass": "k"}, "api_pass=k", "10.0.0.1", "IP FORBIDDEN"),
        ({"api_pass": "k"}, "", "127.0.0.1", "KEY WRONG"),
        ({"api_pass": "k"}, "api_pass=K", "127.0.0.1", "KEY WRONG"),
        ({"api_pass": "k"}, "api_pass[]=k", "127.0.0.1", "KEY WRONG"),
        ({"api_pass": "k"}, "api_pass=k", "127.0.0.1", None),
        ({"api_pass": "1e3"}, "api_pass=1000", "127.0.0.1", None),
        ({"api_pass": "0"}, "", "127.0.0.1", None),
    ],
)
async def test_who_may_call(
    settings: dict[str, str], form: str, caller: str, refusal: str | None
) -> None:
    panel = a_panel(**settings)
    answer = await told(panel, "reg_user/list", form, caller=caller)
    assert (
        isinstance(answer, list) if refusal is None else answer == {"result": False, "0": refusal}
    )


# --- 2.12: shapes --------------------------------------------------------------------------------

KEYS = """
id member_id username password exp_date admin_enabled enabled admin_notes reseller_notes bouquet
max_connections is_restreamer allowed_ips allowed_ua is_trial created_at created_by pair_id is_mag
is_e2 force_server_id is_isplock as_number isp_desc forced_country is_stalker bypass_ua play_token
active_cons pair_line_info output_formats con_isp_type con_isp_name isp_violate isp_is_server
channel_ids series_ids
"""


async def test_the_keys_of_a_line_in_their_order() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    assert list(await info(panel)) == KEYS.split()
    answer = await ask(await with_device(), "stb/info", f"mac={MAC}")
    found = json.loads(answer.body)
    assert list(found) == ["result", "mag_device", "user_info", "pair_line_info"]
    assert len(found["mag_device"]) == 74
    with_mark = list(found["user_info"])
    assert with_mark[with_mark.index("play_token") + 1] == "mag_invalid_token"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ('[" 9.9.9.9 ","8.8.8.8"]', ["9.9.9.9", "8.8.8.8"]),
        ('["","9.9.9.9"]', {"1": "9.9.9.9"}),
        ('["9.9.9.9",""]', ["9.9.9.9"]),
        ("9.9.9.9", None),
        ("", None),
    ],
)
async def test_lists_of_addresses_are_trimmed_and_gaps_stay(stored: str, shown: object) -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    panel.tables["users"].update([1], {"allowed_ips": stored}, strict=False)
    assert (await info(panel))["allowed_ips"] == shown


@pytest.mark.parametrize(
    ("stored", "bouquet", "channels"),
    [
        ("[1,3]", [1, 3], [1, 2, 3, "5"]),
        ('["1","2"]', ["1", "2"], [1, 2, 3, 4]),
        ('{"a":1}', {"a": 1}, [1, 2, 3]),
        ("5", 5, []),
        ("1,2", None, []),
    ],
)
async def test_bouquets_as_they_are_shown(
    stored: str, bouquet: object, channels: list[Any]
) -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form())
    panel.tables["users"].update([1], {"bouquet": stored}, strict=False)
    found = await info(panel)
    assert (found["bouquet"], found["channel_ids"]) == (bouquet, channels)


async def test_a_paired_line_that_is_gone() -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form(pair_id="77"))
    assert (await info(panel))["pair_line_info"] == {"active_cons": "0", "max_connections": False}
