"""Protocol 2.3 and 2.4, row by row: what becomes of a line's fields."""

import json

import pytest

from tests.simulator.asking import (
    STRICT_TEXTS,
    a_panel,
    ask,
    info,
    line_form,
    row,
    told,
    with_alice,
)

PAIR = "username=alice&password=secret"
ERROR = {"result": False, "error": "PARAMETER ERROR"}


# --- 2.4: create, edit, info ----------------------------------------------------------------------


@pytest.mark.parametrize("form", ["", "user_data=", "user_data=0"])
async def test_nothing_sent_makes_a_random_unlimited_line_without_bouquets(form: str) -> None:
    panel = a_panel()
    made = await told(panel, "user/create", form)
    assert [len(made[name]) for name in ("username", "password")] == [10, 10]
    assert (row(panel)["exp_date"], row(panel)["bouquet"]) == (None, "[]")


async def test_an_empty_name_is_stored_empty_and_cannot_be_asked_for() -> None:
    panel = a_panel()
    made = await told(panel, "user/create", "user_data[username]=&user_data[password]=")
    assert (made["username"], made["password"]) == ("", "")
    again = await told(panel, "user/create", "user_data[username]=&user_data[password]=")
    assert again["error"] == "EXISTS"
    asked = await told(panel, "user/info", "username=&password=")
    assert asked["error"] == "PARAMETER ERROR (user/pass)"


@pytest.mark.parametrize(
    ("username", "password", "error"),
    [
        ("alice", "secret", "EXISTS"),
        ("ALICE", "Secret", "EXISTS"),
        ("alice ", "secret ", "EXISTS"),
        ("àlice", "secret", "EXISTS"),
        ("alice", "other", None),
        ("alice", "", None),
    ],
)
async def test_only_the_pair_is_unique(username: str, password: str, error: str | None) -> None:
    panel = await with_alice()
    answer = await told(panel, "user/create", line_form(username, password))
    assert answer.get("error") == error


@pytest.mark.parametrize(
    ("given", "outputs"),
    [("", 3), ("&user_data[output_formats][]=1", 3), ("&user_data[output_formats]=[1]", 0)],
)
async def test_output_formats_on_create(given: str, outputs: int) -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form() + given)
    assert len(panel.tables["user_output"]) == outputs


async def test_side_rows_of_a_create() -> None:
    panel = await with_alice(member_id="999", created_at="5", created_by="7")
    found = row(panel)
    assert (found["member_id"], found["created_by"]) == (999, 0)
    assert found["created_at"] == int(panel.clock.now())
    (log,) = panel.tables["reg_userlog"]
    assert log["type"] == "[API->New Line]"
    assert panel.tables["reg_users"].rows[2]["credits"] == 10.5


async def test_the_answer_shows_what_was_cleaned_not_what_was_stored() -> None:
    panel = a_panel()
    made = await told(panel, "user/create", line_form("L" * 300, "p"))
    assert len(made["username"]) == 300
    assert len(row(panel)["username"]) == 255
    made = await told(panel, "user/create", line_form("a😀", "p"))
    assert made["username"] == "a😀"
    assert (await info(panel, "a😀", "p"))["error"] == "NOT EXISTS"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ("username=alice", "PARAMETER ERROR (user/pass)"),
        ("password=secret&user_data[enabled]=0", "PARAMETER ERROR (user/pass)"),
        ("username=alice&password=0&user_data[enabled]=0", "PARAMETER ERROR (user/pass)"),
        ("username=nobody&password=x&user_data[nonsense]=1", "NOT EXISTS"),
        ("username=alice&password=wrong&user_data[enabled]=0", "NOT EXISTS"),
        (PAIR, "PARAMETER ERROR"),
        (f"{PAIR}&user_data=", "PARAMETER ERROR"),
        (f"{PAIR}&user_data[nonsense]=1&user_data[enabled]=0", "PARAMETER ERROR"),
        (f"{PAIR}&user_data[output_formats]=[1]", "PARAMETER ERROR"),
        (f"{PAIR}&user_data[admin_notes]=100%25 ok", "PARAMETER ERROR"),
        (f"{PAIR}&user_data[id]=2", "PARAMETER ERROR"),
        ("username=ALICE&password=SECRET&user_data[enabled]=0", None),
        (f"{PAIR}&user_data[enabled]=1", None),
        (f"{PAIR}&user_data[ena-bled]=1&user_data[enabled]=0", None),
        (f"{PAIR}&user_data[max%255Fconnections]=9", None),
        (f"{PAIR}&user_data[is_mag]=1&user_data[created_at]=5", None),
    ],
)
async def test_what_an_edit_answers(form: str, error: str | None) -> None:
    panel = await with_alice()
    await ask(panel, "user/create", line_form("bob"))
    before = dict(row(panel))
    answer = await told(panel, "user/edit", form)
    assert answer == ({"result": True} if error is None else {"result": False, "error": error})
    if error is not None:
        assert row(panel) == before


async def test_an_edit_hits_every_row_with_the_pair() -> None:
    panel = await with_alice()
    await ask(panel, "user/create", line_form("bob"))
    rename = "username=bob&password=secret&user_data[username]=alice"
    assert await told(panel, "user/edit", rename) == {"result": True}
    await ask(panel, "user/edit", f"{PAIR}&user_data[max_connections]=7")
    assert [line["max_connections"] for line in panel.tables["users"]] == [7, 7]
    assert (await info(panel))["id"] == "1"


@pytest.mark.parametrize(
    ("value", "stored"),
    [("100%25%25 ok", "100% ok"), ("x%251$sx", "xalicex"), ("x%252$sx", "xsecretx")],
)
async def test_percent_in_an_edit_is_a_format(value: str, stored: str) -> None:
    panel = await with_alice()
    await ask(panel, "user/edit", f"{PAIR}&user_data[admin_notes]={value}")
    assert row(panel)["admin_notes"] == stored
    await ask(panel, "user/create", line_form("50%25", admin_notes="100%25 ok"))
    assert row(panel, 2)["admin_notes"] == "100% ok"


@pytest.mark.parametrize("field", ["enabled", "admin_enabled"])
async def test_any_state_is_shown(field: str) -> None:
    panel = await with_alice(**{field: "0", "exp_date": "1000"})
    found = await info(panel)
    assert (found[field], found["exp_date"]) == ("0", "1000")


# --- 2.3: values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("nu%00l", "nul"),
        ("a%5Cb", "ab"),
        ("%5Cu00e9", "u00e9"),
        ("%3CScRiPt>", "&#60;script>"),
        ("a<!--b-->c", "a&#60;&#33;--b--&#62;c"),
        ("../x", "&#46;&#46;/x"),
        ("a%0D%0Ab%0Dc", "a\nb\nc"),
        ("%26%23123x", "&#123;x"),
        ("%20%09%0A%0Bx%0D", "x"),
        ("%C2%A0x", "\xa0x"),
        ("'\"<b>%26%25$%60", "'\"<b>&%$`"),
        ("a+b", "a b"),
    ],
)
async def test_how_values_are_cleaned(sent: str, stored: str) -> None:
    panel = a_panel()
    await ask(panel, "user/create", f"{line_form()}&user_data[admin_notes]={sent}")
    assert row(panel)["admin_notes"] == stored


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("max_connections", "three", 0),
        ("max_connections", "3abc", 3),
        ("max_connections", "true", 0),
        ("max_connections", "", 0),
        ("max_connections", "1.5", 2),
        ("max_connections", "99999999999", 2147483647),
        ("max_connections", "-99999999999", -2147483648),
        ("is_trial", "300", 127),
        ("is_trial", "-300", -128),
        ("forced_country", "GERMANY", "GER"),
        ("admin_notes", "😀", "????"),
        ("max-conn%60ections", "5", None),
        ("maxconn", "5", None),
    ],
)
async def test_what_the_database_makes_of_values(name: str, value: str, stored: object) -> None:
    panel = a_panel()
    answer = await told(panel, "user/create", f"{line_form()}&user_data[{name}]={value}")
    assert answer["result"] is (stored is not None)
    if stored is not None:
        assert row(panel)[name] == stored


async def test_bodies_that_are_no_forms_count_for_nothing() -> None:
    panel = a_panel()
    body = json.dumps({"user_data": {"username": "x", "password": "y"}})
    for number, kind in enumerate(("application/json", "text/plain"), 1):
        await ask(panel, "user/create", body, content_type=kind)
        assert row(panel, number)["username"] != "x"
    await ask(panel, "user/create", "username=x&password=y")
    assert row(panel, 3)["username"] != "x"


async def test_the_body_wins_for_each_top_level_key() -> None:
    panel = await with_alice()
    query = "action=user&sub=create&username=wrong&user_data[enabled]=0"
    body = f"sub=edit&{PAIR}&user_data[max_connections]=5"
    assert await told(panel, "x/y", body, query=query) == {"result": True}
    assert (row(panel)["enabled"], row(panel)["max_connections"]) == (1, 5)


async def test_only_five_hundred_variables_are_read() -> None:
    panel = a_panel()
    many = "&".join(f"x{number}=1" for number in range(500))
    await ask(panel, "user/create", f"{many}&{line_form()}")
    assert row(panel)["username"] != "alice"


async def test_a_name_spelt_twice_breaks_a_create() -> None:
    panel = a_panel()
    form = line_form(enabled="0") + "&user_data[ena-bled]=1"
    assert await told(panel, "user/create", form) == ERROR


# --- strict SQL -----------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", list(STRICT_TEXTS))
async def test_strict_sql_wants_four_texts_on_create(missing: str) -> None:
    panel = a_panel("v2-strict")
    most = {name: "" for name in STRICT_TEXTS if name != missing}
    assert await told(panel, "user/create", line_form(**most)) == ERROR
    assert (await told(panel, "user/create", line_form(**STRICT_TEXTS)))["result"] is True
    assert not len(panel.tables["reg_userlog"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_connections", "three"),
        ("max_connections", "99999999999"),
        ("max_connections", ""),
        ("forced_country", "GERMANY"),
        ("is_trial", "300"),
    ],
)
async def test_strict_sql_refuses_what_does_not_fit(name: str, value: str) -> None:
    panel = await with_alice("v2-strict")
    assert await told(panel, "user/edit", f"{PAIR}&user_data[{name}]={value}") == ERROR


async def test_strict_sql_crashes_on_a_name_in_four_byte_characters() -> None:
    panel = a_panel("v2-strict")
    answer = await ask(panel, "user/create", line_form("😀", **STRICT_TEXTS))
    assert (answer.status, answer.body, len(panel.tables["users"])) == (500, b"", 0)
