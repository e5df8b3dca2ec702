"""Ids: a prefix that says what, a body that says when, and nothing that can be guessed."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.ids import ALPHABET, BODY_LENGTH, IdKind, is_id, kind_of, new_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = st.sampled_from(list(IdKind))
MILLISECONDS = st.integers(0, 2**46)
RANDOM = st.binary(min_size=10, max_size=10)


def at(milliseconds: int) -> datetime:
    # Half a millisecond inside, so that no rounding of floats crosses a border.
    return EPOCH + timedelta(milliseconds=milliseconds % 2**43, microseconds=500)


def test_an_id_has_the_prefix_of_the_contract() -> None:
    made = {kind: new_id(kind, at(1), secrets.token_bytes) for kind in IdKind}
    prefixes = {text.partition("_")[0] for text in made.values()}
    contract = "line dev rsl pnl key op aud drf idk doc cli tok evt whe dlv att src inb"
    assert prefixes == set(contract.split())
    for kind, text in made.items():
        assert len(text.partition("_")[2]) == BODY_LENGTH
        assert kind_of(text) is kind


@given(KINDS, MILLISECONDS, MILLISECONDS, RANDOM, RANDOM)
def test_later_ids_sort_later_whatever_their_random_part(
    kind: IdKind, first: int, second: int, one: bytes, other: bytes
) -> None:
    earlier, later = sorted((at(first), at(second)))
    before, after = new_id(kind, earlier, lambda _: one), new_id(kind, later, lambda _: other)
    if later - earlier >= timedelta(milliseconds=1):
        assert before < after


@given(KINDS, MILLISECONDS, RANDOM)
def test_every_made_id_is_recognised(kind: IdKind, milliseconds: int, random: bytes) -> None:
    text = new_id(kind, at(milliseconds), lambda _: random)
    assert [other for other in IdKind if is_id(other, text)] == [kind]


@given(RANDOM, RANDOM)
def test_ids_of_one_moment_differ_by_their_random_part(one: bytes, other: bytes) -> None:
    same = new_id(IdKind.LINE, at(7), lambda _: one) == new_id(IdKind.LINE, at(7), lambda _: other)
    assert same == (one == other)


GOOD = new_id(IdKind.LINE, at(1), lambda count: b"7" * count)


@pytest.mark.parametrize(
    "text",
    [
        *("", "line", "line_", GOOD[:-1], GOOD + "0", GOOD.upper(), GOOD.replace("_", "-")),
        *(" " + GOOD, GOOD + "\n", "op" + GOOD, GOOD[5:], "line__" + GOOD[6:]),
        *(GOOD[:-1] + letter for letter in "iloué٣-/'\x00"),
    ],
)
def test_another_text_is_no_id(text: str) -> None:
    assert not is_id(IdKind.LINE, text)
    assert kind_of(text) is None


@pytest.mark.parametrize("value", [None, 7, b"line_", ["line_"], True])
def test_what_is_no_text_is_no_id(value: object) -> None:
    assert kind_of(value) is None


def test_the_alphabet_can_be_read_aloud_and_sorts_by_value() -> None:
    assert not set("ilou") & set(ALPHABET)
    assert list(ALPHABET) == sorted(set(ALPHABET))
    assert len(ALPHABET) == 32
