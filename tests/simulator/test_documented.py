"""Profile `documented`: part 1 of the protocol, taken at its word."""

import pytest

from gateway.simulator.panel import SimulatedPanel
from tests.simulator.asking import a_panel, ask, info, line_form, row, told


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


# --- part 1, row by row --------------------------------------------------------------------------

PAIR = "username=alice&password=secret"
MAC = "00:1A:79:79:79:79"
ERROR = {"result": False, "error": "PARAMETER ERROR"}
NO_USER = {"result": False, "error": "PARAMETER ERROR (user/pass)"}
NO_MAC = {"result": False, "error": "PARAMETER ERROR (mac)"}


async def stocked() -> SimulatedPanel:
    """A panel with one line and one device."""
    panel = a_panel("documented")
    await ask(panel, "user/create", line_form())
    await ask(panel, "stb/create", f"user_data[mac]={MAC}")
    return panel


async def test_the_pages_own_example_of_a_line() -> None:
    panel = a_panel("documented")
    form = line_form("test_username", "test_password", max_connections="1", is_restreamer="1")
    form += "&user_data[exp_date]=2000000000&user_data[bouquet]=[1,2,3]"
    answer = await ask(panel, "user/create", form)
    assert answer.body == (
        b'{"result":true,"created_id":1,"username":"test_username","password":"test_password"}'
    )
    found = await info(panel, "test_username", "test_password")
    assert (found["exp_date"], found["bouquet"], found["channel_ids"]) == (
        "2000000000",
        [1, 2, 3],
        [1, 2, 3, 4, "5"],
    )


@pytest.mark.parametrize(
    ("form", "generated"),
    [
        ("", {"username", "password"}),
        ("user_data[username]=", {"username", "password"}),
        ("user_data[username]=bob", {"password"}),
        ("user_data[username]=bob&user_data[password]=", {"password"}),
        ("user_data[password]=x", {"username"}),
        ("user_data[username]=bob&user_data[password]=x", set()),
    ],
)
async def test_what_is_left_empty_is_generated(form: str, generated: set[str]) -> None:
    made = await told(a_panel("documented"), "user/create", form)
    assert {name for name in ("username", "password") if len(made[name]) == 10} == generated


@pytest.mark.parametrize(
    ("column", "default"),
    [
        ("max_connections", 1),
        ("enabled", 1),
        ("admin_enabled", 1),
        ("is_restreamer", 0),
        ("exp_date", None),
        ("member_id", None),
        ("force_server_id", 0),
        ("bouquet", "[]"),
        ("allowed_ips", "[]"),
        ("admin_notes", ""),
    ],
)
async def test_an_empty_field_takes_the_default_of_its_column(column: str, default: object) -> None:
    panel = a_panel("documented")
    await ask(panel, "user/create", line_form(**{column: ""}))
    assert row(panel)[column] == default
    panel.tables["users"].update([1], {column: "7"}, strict=False)
    assert await told(panel, "user/edit", f"{PAIR}&user_data[{column}]=") == {"result": True}
    assert row(panel)[column] == default


@pytest.mark.parametrize("sent", ["", "&user_data[exp_date]=", "&user_data[exp_date]=0"])
@pytest.mark.parametrize("call", ["user/create", "stb/create"])
async def test_how_to_make_something_unlimited(call: str, sent: str) -> None:
    panel = a_panel("documented")
    form = line_form() if call == "user/create" else f"user_data[mac]={MAC}"
    await ask(panel, call, form + sent)
    assert row(panel)["exp_date"] is None


@pytest.mark.parametrize(
    ("call", "form", "answer"),
    [
        ("user/create", line_form(), {"result": False, "error": "EXISTS"}),
        ("user/create", line_form("Alice", "other"), {"result": False, "error": "EXISTS"}),
        ("user/create", line_form("\u00e9"), ERROR),
        ("user/create", line_form(nonsense="1"), ERROR),
        ("user/create", line_form(mac="1"), ERROR),
        ("user/create", line_form(bouquet="1,2"), ERROR),
        ("user/create", line_form(allowed_ips="1.1.1.1"), ERROR),
        ("user/edit", f"{PAIR}&user_data[max_connections]=10", {"result": True}),
        ("user/edit", f"{PAIR}&user_data[max_connections]=1", {"result": True}),
        ("user/edit", PAIR, {"result": True}),
        ("user/edit", "", NO_USER),
        ("user/edit", "username=alice&user_data[enabled]=0", NO_USER),
        ("user/edit", "username=alice&password=x", {"result": False, "error": "NOT EXISTS"}),
        ("user/edit", f"{PAIR}&user_data[nonsense]=1", ERROR),
        ("user/info", "username=alice", NO_USER),
        ("user/info", "username=bob&password=x", {"result": False}),
        ("stb/create", "", NO_MAC),
        ("stb/create", f"mac={MAC}", NO_MAC),
        ("stb/create", f"user_data[mac]={MAC}", {"result": False, "error": "EXISTS"}),
        ("stb/create", "user_data[mac]=X&user_data[sn]=1", ERROR),
        ("stb/create", "user_data[mac]=X", {"result": True}),
        ("stb/edit", "", NO_MAC),
        ("stb/edit", f"mac={MAC}&user_data[max_connections]=5", {"result": True}),
        ("stb/edit", f"mac={MAC}&user_data[max_connections]=1", {"result": False}),
        ("stb/edit", "mac=X&user_data[max_connections]=5", {"result": False}),
        ("stb/edit", f"mac={MAC}&user_data[nonsense]=5", ERROR),
        ("stb/info", "", NO_MAC),
        ("stb/info", "mac=X", {"result": False}),
    ],
)
async def test_the_answers_that_the_page_promises(call: str, form: str, answer: object) -> None:
    assert await told(await stocked(), call, form) == answer


@pytest.mark.parametrize(
    "call", ["reg_user/list", "reg_user/credits", "server/list", "stream/list", "user/delete"]
)
async def test_other_calls_are_answered_with_nothing(call: str) -> None:
    answer = await ask(await stocked(), call)
    assert (answer.status, answer.body) == (200, b"")


async def test_what_the_sample_reads_of_a_device() -> None:
    found = (await told(await stocked(), "stb/info", f"mac={MAC}"))["user_info"]
    assert (found["active_cons"], found["exp_date"], found["channel_ids"]) == ("0", None, [])
    assert found["max_connections"] == "1"


async def test_an_emptied_expiry_is_unlimited_for_devices_too() -> None:
    panel = await stocked()
    await ask(panel, "stb/edit", f"mac={MAC}&user_data[exp_date]=1000")
    assert await told(panel, "stb/edit", f"mac={MAC}&user_data[exp_date]=") == {"result": True}
    assert row(panel, 2)["exp_date"] is None
