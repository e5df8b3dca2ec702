"""A line's state: what a caller sees, in the order of the contract."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from gateway.domain.errors import StateConflict
from gateway.domain.lines import Line, normal_username
from gateway.domain.panels import SuspendBy
from gateway.domain.secrets import Secret
from gateway.domain.subscriptions import SENTINEL, State, Status
from tests.factories import NOW, a_line

SOON = NOW + timedelta(microseconds=1)
PAST = NOW - timedelta(days=1)


def first_that_fits(line: Line) -> State:
    """The contract's sentence, written the other way round."""
    facts = {
        State.PENDING: line.status is Status.PENDING,
        State.UNKNOWN: line.status is Status.UNKNOWN,
        State.TERMINATED: line.status is Status.TERMINATED,
        State.BANNED: line.is_banned,
        State.SUSPENDED: line.suspended_by is not None,
        State.EXPIRED: line.expires_at is not None and line.expires_at <= NOW,
        State.ACTIVE: True,
    }
    assert list(facts) == list(State)
    return next(state for state, fits in facts.items() if fits)


@pytest.mark.parametrize(
    ("status", "banned", "suspended", "expires_at"),
    list(product(Status, (False, True), (None, *SuspendBy), (None, PAST, NOW, SOON))),
)
def test_the_first_state_that_fits_is_shown(
    status: Status, banned: bool, suspended: SuspendBy | None, expires_at: object
) -> None:
    line = a_line(status=status, is_banned=banned, suspended_by=suspended, expires_at=expires_at)
    assert line.state_at(NOW) is first_that_fits(line)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.PENDING, "not settled"),
        (Status.UNKNOWN, "not settled"),
        (Status.TERMINATED, "terminated"),
    ],
)
def test_what_is_not_live_cannot_be_changed(status: Status, word: str) -> None:
    with pytest.raises(StateConflict, match=word):
        a_line(status=status).must_be_changeable()


def test_a_live_line_can_be_changed_in_any_state() -> None:
    a_line(is_banned=True, suspended_by=SuspendBy.ENABLED, expires_at=PAST).must_be_changeable()


def test_a_change_is_one_version_and_one_epoch() -> None:
    line = a_line(version=3, epoch=8)
    changed = line.changed(SOON)
    assert (changed.version, changed.epoch, changed.updated_at) == (4, 9, SOON)
    assert changed.id == line.id


def test_the_panel_finds_a_line_by_its_pair() -> None:
    line = a_line(username="anna", password=Secret("pw"))
    assert (line.credentials.username, line.credentials.password) == ("anna", Secret("pw"))


@pytest.mark.parametrize(
    ("one", "other"), [("anna", "ANNA"), ("anna", " anna "), ("straße", "STRASSE"), ("ÄB", "äb")]
)
def test_usernames_are_one_whatever_case_and_blanks(one: str, other: str) -> None:
    assert normal_username(one) == normal_username(other)


def test_never_begins_with_2038() -> None:
    assert SENTINEL.isoformat() == "2038-01-01T00:00:00+00:00"
