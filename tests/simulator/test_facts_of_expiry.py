"""Protocol 2.5 and 2.6, row by row: expiry and lists."""

import pytest

from tests.simulator.asking import (
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
EXP = "user_data[exp_date]"


# --- 2.5: exp_date --------------------------------------------------------------------------------

NOT_RUN = "not run"
REFUSED = "refused"
TRUTH: list[tuple[str, object, object, object]] = [
    # sent, created, edited, edited under strict SQL
    ("", None, None, None),
    (f"&{EXP}=", None, 0, REFUSED),
    (f"&{EXP}=0", None, 0, 0),
    (f"&{EXP}=NULL", 0, 0, REFUSED),
    (f"&{EXP}=null", 0, 0, REFUSED),
    (f"&{EXP}=never", 0, 0, REFUSED),
    (f"&{EXP}=00", 0, 0, NOT_RUN),
    (f"&{EXP}=0.0", 0, 0, NOT_RUN),
    (f"&{EXP}=0x10", 0, 0, NOT_RUN),
    (f"&{EXP}=1893456000", 1893456000, 1893456000, 1893456000),
    (f"&{EXP}=1000", 1000, 1000, 1000),
    (f"&{EXP}=-5", -5, -5, -5),
    (f"&{EXP}=2027-01-31 12:00:00", 2027, 2027, REFUSED),
    (f"&{EXP}=12abc", 12, 12, REFUSED),
    (f"&{EXP}=%2B1 month", 1, 1, REFUSED),
    (f"&{EXP}=1e9", 1000000000, 1000000000, 1000000000),
    (f"&{EXP}=1893456000.9", 1893456000, 1893456001, 1893456001),
    (f"&{EXP}=1893456000000", 2147483647, 2147483647, REFUSED),
    (f"&{EXP}=4102444800", 2147483647, 2147483647, REFUSED),
    (f"&{EXP}[]=", 1, 0, NOT_RUN),
]


@pytest.mark.parametrize(("sent", "created", "edited", "strict"), TRUTH)
async def test_the_truth_table_of_expiry(
    sent: str, created: object, edited: object, strict: object
) -> None:
    panel = a_panel()
    await ask(panel, "user/create", line_form() + sent)
    assert row(panel)["exp_date"] == created
    await ask(panel, "stb/create", "user_data[mac]=X" + sent)
    assert row(panel, 2)["exp_date"] == created
    for call, form, key in (("user/edit", PAIR, 1), ("stb/edit", "mac=X", 2)):
        panel.tables["users"].update([key], {"exp_date": None}, strict=False)
        await ask(panel, call, f"{form}&user_data[max_connections]=2{sent}")
        assert row(panel, key)["exp_date"] == edited
    if strict != NOT_RUN:
        await under_strict_sql(sent, strict)


async def under_strict_sql(sent: str, expected: object) -> None:
    panel = await with_alice("v2-strict")
    answer = await told(panel, "user/edit", f"{PAIR}&user_data[max_connections]=2{sent}")
    assert answer == (ERROR if expected == REFUSED else {"result": True})
    assert row(panel)["exp_date"] == (None if expected == REFUSED else expected)


@pytest.mark.parametrize("trick", ["NULL", "null", "", "0", "None", "0000-00-00"])
async def test_an_edit_cannot_write_null(trick: str) -> None:
    panel = await with_alice(exp_date="1893456000")
    await ask(panel, "user/edit", f"{PAIR}&{EXP}={trick}")
    assert row(panel)["exp_date"] == 0
    assert (await info(panel))["exp_date"] == "0"


# --- 2.6: lists -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "created", "edited"),
    [
        ("=[1,2]", "[1,2]", "[1,2]"),
        ('=["1","x",2]', "[1,0,2]", '["1","x",2]'),
        ('=[[1,2],null,true,2.7,"3x"]', "[1,0,1,2,3]", '[[1,2],null,true,2.7,"3x"]'),
        ('={"a":1}', '{"a":1}', '{"a":1}'),
        ("=[99,1,1]", "[99,1,1]", "[99,1,1]"),
        ("=[]", "[]", "[]"),
        ("[]=1", "[]", '["1"]'),
        ("=1,2", "[]", "1,2"),
        ("=5", "[]", "5"),
        ("=", "[]", ""),
    ],
)
async def test_the_bouquet_table(sent: str, created: str, edited: str) -> None:
    panel = a_panel()
    assert (await told(panel, "user/create", f"{line_form()}&user_data[bouquet]{sent}"))["result"]
    assert row(panel)["bouquet"] == created
    form = f"{PAIR}&user_data[bouquet]{sent}"
    assert await told(panel, "user/edit", form) == {"result": True}
    assert row(panel)["bouquet"] == edited


@pytest.mark.parametrize("field", ["allowed_ips", "allowed_ua"])
@pytest.mark.parametrize(
    ("sent", "created"),
    [
        ('=["1.1.1.1"," 2.2.2.2 ",""]', '["1.1.1.1"," 2.2.2.2 ",""]'),
        ('={"x":"1.1.1.1"}', '{"x":"1.1.1.1"}'),
        ("=1.1.1.1", "[]"),
        ("=5", "[]"),
        ("[]=1.1.1.1", "[]"),
        ("=", "[]"),
    ],
)
async def test_a_malformed_lock_vanishes_on_create_only(
    field: str, sent: str, created: str
) -> None:
    panel = a_panel()
    await ask(panel, "user/create", f"{line_form()}&user_data[{field}]{sent}")
    assert row(panel)[field] == created
    await ask(panel, "user/edit", f"{PAIR}&user_data[{field}]{sent}")
    stored = '["1.1.1.1"]' if sent.startswith("[]") else sent[1:]
    assert row(panel)[field] == stored


async def test_a_device_never_gets_allowed_agents() -> None:
    panel = a_panel()
    await ask(panel, "stb/create", 'user_data[mac]=X&user_data[allowed_ua]=["a"]')
    assert row(panel)["allowed_ua"] == "[]"
