"""The patterns of the OpenAPI document say what is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from gateway.api.rest import patterns, wire
from gateway.domain import panel_text
from gateway.domain.periods import Period

#: Pieces that rules are about, mixed with anything.
PIECES: Final = st.lists(
    st.sampled_from(
        (
            *("\\", "../", "<Script", "<!--", "-->", "&#", '"', " ", "\n", "\t", "\r", "a", "ä"),
            *("\x00", "\x85", "\xa0", "\u200b", "\u2028", "\u202e", "\ufeff", "\ud7ff", "😀"),
        )
    )
    | st.text(max_size=2),
    max_size=4,
).map("".join)


def panel_lines(text: str) -> str | None:
    return panel_text.value_faults(text, max_length=panel_text.LONG_TEXT_MAX, lines=True)


@pytest.mark.parametrize(
    ("pattern", "find_fault"),
    [
        (patterns.PANEL_TEXT, panel_text.value_faults),
        (patterns.PANEL_LINES, panel_lines),
        (patterns.PANEL_ITEM, panel_text.list_item_faults),
    ],
)
@given(text=PIECES)
@example(text="a\n")
@example(text="")
def test_what_a_panel_keeps(
    pattern: str, find_fault: Callable[[str], str | None], text: str
) -> None:
    assert (re.fullmatch(pattern, text) is None) is (find_fault(text) is not None)


@given(text=PIECES)
def test_what_a_name_is(text: str) -> None:
    name: TypeAdapter[Any] = TypeAdapter(Annotated[str, wire.checked(wire._name_fault)])
    is_name = re.fullmatch(patterns.NAME, text) is not None
    try:
        name.validate_python(text)
    except ValidationError:
        assert not is_name
    else:
        assert is_name
    assert not is_name or text == text.strip()


@given(text=st.from_regex(patterns.PERIOD, fullmatch=True))
def test_what_a_period_is(text: str) -> None:
    assert is_period(text)


@given(text=st.text("P0129YMWDTHS", max_size=7).map("P".__add__))
def test_what_no_period_is(text: str) -> None:
    assert (re.fullmatch(patterns.PERIOD, text) is not None) is is_period(text)


def is_period(text: str) -> bool:
    """Tell whether a text is a duration, even one that is zero or too long."""
    try:
        Period.parse(text)
    except ValueError as error:
        return not str(error).startswith("not an ISO 8601 duration")
    return True


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2027-01-31T00:00:00Z", True),
        ("1970-01-01t00:00:00.123456789-01:30", True),
        ("1969-12-31T23:59:59Z", False),
        ("2027-01-31 00:00:00Z", False),
        ("2027-01-31T00:00:00", False),
    ],
)
def test_what_a_time_is(*, text: str, is_one: bool) -> None:
    assert bool(re.fullmatch(patterns.TIME, text)) is is_one
    adapter: TypeAdapter[Any] = TypeAdapter(wire.Time)
    if is_one:
        adapter.validate_python(text)
    else:
        with pytest.raises(ValidationError):
            adapter.validate_python(text)
