"""What the simulated database does to values, and when it refuses."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.simulator import sqltext
from gateway.simulator.coercion import Column, SqlFailed, coerce, float32, leading_number
from gateway.simulator.collation import search_key, sort_key
from gateway.simulator.schema import fresh_tables
from gateway.simulator.tables import Table

INT = Column("n", "int32")
TINY = Column("t", "int8")
TEXT = Column("s", "text", length=3)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("three", 0),
        ("3abc", 3),
        ("", 0),
        ("1.5", 2),
        ("-1.5", -2),
        ("0.4", 0),
        (".5", 1),
        ("1e9", 1_000_000_000),
        ("+77", 77),
        ("0x10", 0),
        ("99999999999", 2**31 - 1),
        ("-3000000000", -(2**31)),
        ("1e999999999", 2**31 - 1),
        ("0e999999999", 0),
        ("1e-999999999", 0),
    ],
)
def test_non_strict_numbers(text: str, number: int) -> None:
    assert coerce(INT, text, strict=False) == number


@pytest.mark.parametrize("text", ["three", "3abc", "", "99999999999", "2027-01-31"])
def test_strict_numbers_refuse(text: str) -> None:
    with pytest.raises(SqlFailed):
        coerce(INT, text, strict=True)


def test_strict_numbers_take_fractions_and_exponents() -> None:
    assert coerce(INT, "1893456000.9", strict=True) == 1893456001
    assert coerce(INT, " 1e9 ", strict=True) == 1_000_000_000


@settings(deadline=None)
@given(st.text(), st.booleans())
def test_any_text_becomes_a_number_or_is_refused(text: str, strict: bool) -> None:
    try:
        found = coerce(TINY, text, strict=strict)
    except SqlFailed:
        assert strict
    else:
        assert isinstance(found, int)
        assert -128 <= found <= 127
    leading_number(text)


def test_texts_are_cut_and_four_byte_characters_are_marked() -> None:
    assert coerce(TEXT, "GERMANY", strict=False) == "GER"
    assert coerce(Column("x", "text"), "a😀\udcff", strict=False) == "a?????"
    assert coerce(TEXT, "abc  ", strict=True) == "abc"
    for text in ("GERMANY", "😀"):
        with pytest.raises(SqlFailed):
            coerce(TEXT, text, strict=True)
    with pytest.raises(SqlFailed):
        coerce(TEXT, None, strict=False)


def test_text_is_compared_without_case_accents_and_trailing_blanks() -> None:
    assert sort_key("ÄB  ") == sort_key("ab") == sort_key("äb")
    assert sort_key("a b") != sort_key("ab")
    assert sort_key("ł") != sort_key("l")
    assert search_key("😀") is None
    assert search_key("x" * 300 + "É") == "x" * 300 + "e"


def test_floats_read_with_six_digits() -> None:
    assert float32(123484.28) == 123484
    assert float32(27.22) == 27.22
    assert float32(1e300) == pytest.approx(3.40282e38)


# --- tables --------------------------------------------------------------------------------------


def a_table() -> Table:
    columns = (Column("id", "int32", 0), Column("name", "text", None, required=True), INT)
    return Table("things", columns, text_index="name")


def test_ids_go_on_from_the_highest_ever() -> None:
    table = a_table()
    assert table.insert({"name": "a", "n": 1}, strict=False)[0] == 1
    assert table.insert({"id": 10, "name": "b", "n": 1}, strict=False)[0] == 10
    table.delete(10)
    assert table.insert({"name": "c", "n": 1}, strict=False)[0] == 11
    with pytest.raises(SqlFailed):
        table.insert({"id": 11, "name": "d", "n": 1}, strict=False)
    assert table.insert({"id": 0, "name": "d", "n": 1}, strict=False)[0] == 12
    table.insert({"id": 2**31 - 1, "name": "last", "n": 1}, strict=False)
    with pytest.raises(SqlFailed):
        table.insert({"name": "none left", "n": 1}, strict=False)
    assert table.delete(999) == []


def test_a_missing_column_is_refused_only_by_strict_sql() -> None:
    table = a_table()
    with pytest.raises(SqlFailed, match="doesn't have a default"):
        table.insert({"n": 1}, strict=True)
    table.insert({"n": 1}, strict=False)
    assert table.rows[1]["name"] == ""


def test_an_update_is_all_or_nothing() -> None:
    table = a_table()
    for name in ("a", "b"):
        table.insert({"name": name, "n": 1}, strict=False)
    with pytest.raises(SqlFailed, match="Duplicate"):
        table.update([1, 2], {"id": 7}, strict=False)
    assert sorted(table.rows) == [1, 2]
    with pytest.raises(SqlFailed):
        table.update([1], {"id": 2}, strict=False)
    effects = table.update([1, 2], {"name": "A"}, strict=False)
    assert [(e.id, e.before, e.after) for e in effects] == [(1, "a", "A"), (2, "b", "A")]
    assert [row["id"] for row in table.find("a")] == [1, 2]
    table.update([1], {"id": 7}, strict=False)
    assert table.next_id == 8
    assert [row["id"] for row in table] == [2, 7]


def test_tables_go_back_to_a_snapshot() -> None:
    tables = fresh_tables()
    saved = tables.snapshot()
    tables["users"].insert({"username": "x"}, strict=False)
    tables["reg_users"].update([2], {"credits": 99.0}, strict=False)
    tables.restore(saved)
    assert not len(tables["users"])
    assert tables["users"].next_id == 1
    assert tables["reg_users"].rows[2]["credits"] == 10.5
    assert tables["reg_users"].find("RESELLER1")
    assert "nonsense" not in tables


# --- the text of an edit -------------------------------------------------------------------------

ARGUMENTS = ("it's", "12.5pass")


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("plain", "plain"),
        ("100%% ok", "100% ok"),
        ("%1$s-%2$s", "it's-12.5pass"),
        ("%2$d", "12"),
        ("%2$+d", "+12"),
        ("%2$05d|%2$-5d", "00012|12   "),
        ("%2$.1f", "12.5"),
        ("%2$.2s", "12"),
        ("%2$x%2$o%2$b%2$X%2$u", "c141100C12"),
        ("%2$e", "1.250000e+01"),
        ("%2$c", "\x0c"),
        ("%1$%", "%"),
        ("a%1$zb", "ab"),
        ('"%%"', '"%"'),
        ("line\n%%", "line\n%"),
    ],
)
def test_formats_that_work_in_an_edit(value: str, stored: str) -> None:
    assert sqltext.formatted(value, ARGUMENTS) == stored


@pytest.mark.parametrize(
    "value",
    [
        "100% ok",
        "100%",
        "a%s",
        "%3$s",
        "%0$s",
        "%1$",
        "%1$'x9s",
        "%2$'*5d",
        "%1$99999999s",
        "%%%1$5",
        "%" + "9" * 5000 + "$s",
        "%1$" + "9" * 5000 + "d",
        "%1$s%",
    ],
)
def test_formats_that_break_an_edit(value: str) -> None:
    with pytest.raises(SqlFailed):
        sqltext.formatted(value, ARGUMENTS)


@settings(deadline=None)
@given(st.text())
def test_a_doubled_percent_is_stored_as_sent(text: str) -> None:
    assert sqltext.formatted(text.replace("%", "%%"), ("u", "p")) == text


@settings(deadline=None)
@given(st.text(alphabet="%12$s'dx.0 -+\\\"", max_size=12))
def test_any_value_of_an_edit_is_stored_or_refused(text: str) -> None:
    with contextlib.suppress(SqlFailed):
        sqltext.formatted(text, ("u", "p"))


def test_a_text_that_ends_in_an_escape_is_broken() -> None:
    assert sqltext.unescape(sqltext.escape("a'\"\\\0\n\r\x1a")) == "a'\"\\\0\n\r\x1a"
    with pytest.raises(SqlFailed):
        sqltext.unescape("a\\")
