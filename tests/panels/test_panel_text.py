"""Texts that a panel keeps as they are."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.panel_text import (
    column_faults,
    credential_faults,
    list_item_faults,
    value_faults,
)


def cleaned(text: str) -> str:
    """Clean as the panel does, by its observed rules."""
    text = text.replace("\0", "").replace("&#032;", " ").replace("\\", "")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("<!--", "&#60;&#33;--").replace("-->", "--&#62;")
    text = re.sub("<script", "&#60;script", text, flags=re.IGNORECASE)
    text = text.replace("../", "&#46;&#46;/")
    text = re.sub(r"&#(\d+?)([^\d;])", r"&#\1;\2", text)
    return text.strip(" \t\n\r\0\x0b")


SNIPPETS = [
    "<",
    "script",
    "<!--",
    "--",
    ">",
    "..",
    "/",
    "&",
    "#",
    "123",
    "\\",
    " ",
    "\n",
    "\r",
    "ü",
]
NASTY = st.lists(st.sampled_from([*SNIPPETS, "a", "\u00a0"]), max_size=10).map("".join) | st.text(
    alphabet=string.printable + "\0é\U0001f600\ud800", max_size=20
)


@given(NASTY)
def test_what_passes_is_what_the_panel_stores(text: str) -> None:
    if value_faults(text, lines=True) is None:
        assert cleaned(text) == text
        assert text.encode("utf-8").decode() == text
        assert all(len(character.encode()) < 4 for character in text)


@pytest.mark.parametrize(
    "text",
    ["a\\b", "../x", "<SCRIPT>", "a<!--", "-->", "&#12", " a", "a ", "a\u00a0", "a\tb", "a\nb",
     "a\x7fb", "a\x85b", "\U0001f600", "\ud800", "x" * 256],
)  # fmt: skip
def test_what_a_panel_would_change_is_named(text: str) -> None:
    fault = value_faults(text)
    assert fault is not None
    assert fault.startswith("It ")


@pytest.mark.parametrize("text", ["", "a", "<b>&%$`'\"", "żółć ж", "a..b/c", "&amp;", "x" * 255])
def test_ordinary_texts_pass(text: str) -> None:
    assert value_faults(text) is None


def test_line_feeds_pass_where_lines_are_allowed() -> None:
    assert value_faults("a\nb", lines=True) is None
    assert value_faults("a\rb", lines=True) is not None


def test_a_longer_text_passes_where_the_column_is_longer() -> None:
    assert value_faults("x" * 256, max_length=300) is None


@pytest.mark.parametrize(
    "text", ["", "0", "a/b", "a?b", "a#b", "a&b", "a%b", "é", "b\n", "x" * 256]
)
def test_what_cannot_be_a_credential(text: str) -> None:
    assert credential_faults(text) is not None


@pytest.mark.parametrize("text", ["00", "bob", "a.b_c-d@e", "p~$*()=w", "x" * 255])
def test_what_can_be_a_credential(text: str) -> None:
    assert credential_faults(text) is None


@pytest.mark.parametrize(
    ("text", "good"), [("1.2.3.4", True), ("", False), ('a"b', False), (" a", False)]
)
def test_an_item_of_a_list_needs_no_escape(text: str, *, good: bool) -> None:
    assert (list_item_faults(text) is None) is good


@pytest.mark.parametrize(
    ("name", "good"),
    [("is_stalker", True), ("Custom_1", True), ("", False), ("a-b", False), ("a b", False),
     ("x" * 65, False), ("id", False), ("Id", False), ("created_by", False), ("is_mag", False),
     ("output_formats", False), ("username", False), ("żółć", False)],
)  # fmt: skip
def test_an_extra_column_is_a_plain_name_that_is_not_taken(name: str, *, good: bool) -> None:
    assert (column_faults(name) is None) is good
