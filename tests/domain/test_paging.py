"""Cursors: opaque, of one list only, and never a way in."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.errors import Fault, InvalidRequest
from gateway.domain.ids import IdKind
from gateway.domain.paging import Page, PageRequest, decode_cursor, encode_cursor, page_of
from tests.factories import an_id


@dataclass
class Row:
    id: str


@pytest.mark.parametrize("kind", IdKind)
def test_a_cursor_leads_back_to_its_row_in_its_own_list_only(kind: IdKind) -> None:
    row_id = an_id(kind)
    cursor = encode_cursor(row_id)
    assert row_id not in cursor
    assert decode_cursor(cursor, kind) == row_id
    for other in set(IdKind) - {kind}:
        with pytest.raises(InvalidRequest):
            decode_cursor(cursor, other)


@given(st.text())
def test_any_other_text_is_refused_at_its_place(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_cursor(text, IdKind.LINE)
    detail = "The cursor is not one that this list gave."
    assert caught.value.faults == (Fault("?cursor", "invalid_cursor", detail),)


@given(st.binary())
def test_any_other_bytes_in_the_right_wrapping_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        decode_cursor(urlsafe_b64encode(data).decode().rstrip("="), IdKind.LINE)


@pytest.mark.parametrize(("fetched", "shown", "more"), [(0, 0, False), (2, 2, False), (3, 2, True)])
def test_a_page_holds_the_limit_and_knows_whether_there_is_more(
    fetched: int, shown: int, more: bool
) -> None:
    rows = [Row(an_id(IdKind.LINE)) for _ in range(fetched)]
    expected = Page(
        items=tuple(rows[:shown]), next_cursor=encode_cursor(rows[1].id) if more else None
    )
    assert page_of(rows, PageRequest(limit=2)) == expected
