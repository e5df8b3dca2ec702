"""Rules of the panel that the recordings do not show."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.simulator.actions.devices import shown_mac
from gateway.simulator.switches import changed
from tests.simulator.asking import a_panel, ask, info, line_form, request, told

CALLS = ["user/create", "user/edit", "user/info", "stb/create", "stb/edit", "stb/info"]


# --- inputs of any kind ---------------------------------------------------------------------------


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


# --- strict SQL -----------------------------------------------------------------------------------


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


# --- devices --------------------------------------------------------------------------------------


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
