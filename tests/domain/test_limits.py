"""The arithmetic of limits: what buckets let through, and how long locks last."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.limits import (
    MICROSECONDS,
    Charge,
    Guesses,
    LockRule,
    Rate,
    after_failure,
    decide,
    standing_of,
)

RATES = st.builds(Rate, st.integers(1, 500), st.integers(1, 100))
#: Microseconds between two requests, and what each costs.
HISTORIES = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(1, 5)), max_size=80)


def one(rate: Rate, cost: int = 1) -> Charge:
    return Charge(policy="default", key="a", rate=rate, cost=cost)


def admitted(rate: Rate, history: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Play a history on one bucket; return moment and cost of all that was let through."""
    now = full_at = 0
    taken = []
    for gap, wanted in history:
        now += gap
        cost = min(wanted, rate.quota)
        is_taken, (full_at,), _ = decide(now, [one(rate, cost)], [full_at])
        if is_taken:
            taken.append((now, cost))
    return taken


@given(RATES, HISTORIES)
def test_no_span_lets_more_through_than_a_full_bucket_and_what_flows_in(
    rate: Rate, history: list[tuple[int, int]]
) -> None:
    taken = admitted(rate, history)
    for first in range(len(taken)):
        total = 0
        for moment, cost in taken[first:]:
            total += cost
            flowed = (moment - taken[first][0]) // rate.interval
            assert total <= rate.window // rate.interval + flowed + 1


@given(RATES)
def test_a_fresh_bucket_holds_the_quota_and_fills_one_token_an_interval(rate: Rate) -> None:
    full_at = 0
    for number in range(rate.quota):
        taken, (full_at,), _ = decide(0, [one(rate)], [full_at])
        assert taken
        assert standing_of(one(rate), full_at, 0).remaining >= rate.quota - number - 1
    held = rate.window // rate.interval
    for _ in range(held - rate.quota):  # What the rounding of the interval gives.
        _, (full_at,), _ = decide(0, [one(rate)], [full_at])
    taken, _, (wait,) = decide(0, [one(rate)], [full_at])
    assert not taken
    assert 0 < wait <= rate.interval
    assert not decide(wait - 1, [one(rate)], [full_at])[0]
    assert decide(wait, [one(rate)], [full_at])[0]


@given(RATES, HISTORIES)
def test_who_waits_as_long_as_he_is_told_is_let_through(
    rate: Rate, history: list[tuple[int, int]]
) -> None:
    now = full_at = 0
    for gap, cost in history:
        now += gap
        charge = one(rate, cost)
        taken, (full_at,), (wait,) = decide(now, [charge], [full_at])
        if not taken:
            assert decide(now + wait, [charge], [full_at])[0]


def test_the_first_of_six_thousand_leaves_the_rest_and_is_back_soon() -> None:
    charge = one(Rate.parse("6000/60"))
    _, (full_at,), _ = decide(0, [charge], [0])
    standing = standing_of(charge, full_at, 0)
    assert (standing.remaining, standing.full_in_seconds) == (5999, 1)


def test_one_empty_bucket_keeps_the_others_as_they_are() -> None:
    small, large = one(Rate(1, 60)), one(Rate(10, 60))
    _, full_at, _ = decide(0, [small, large], [0, 0])
    taken, after, waits = decide(0, [small, large], full_at)
    assert not taken
    assert after == full_at
    assert waits == (60 * MICROSECONDS, 0)


def test_what_costs_more_than_a_bucket_needs_a_full_one_and_leaves_a_debt() -> None:
    charge = one(Rate(10, 10), cost=15)
    taken, (full_at,), _ = decide(0, [charge], [0])
    assert taken
    assert standing_of(charge, full_at, 0).remaining == 0
    _, _, (wait,) = decide(0, [one(Rate(10, 10))], [full_at])
    assert wait == 6 * MICROSECONDS


def test_a_moment_far_ahead_is_of_a_clock_that_was_set_back() -> None:
    rate = Rate(10, 10)
    _, (full_at,), _ = decide(0, [one(rate)], [10**15])
    assert full_at == 2 * rate.window


@pytest.mark.parametrize("text", ["6000/60", "1/1", "1/86400", "10000/1", "600000/60"])
def test_a_rate_is_read_as_it_is_written(text: str) -> None:
    assert str(Rate.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "6000", "0/60", "60/0", "-1/60", "60/-1", " 1/1", "1/1 ", "1.5/1", "01/1", "a/b"]
)
def test_another_form_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="requests/seconds"):
        Rate.parse(text)


@pytest.mark.parametrize("text", ["1/86401", "10001/1", "999999999/60"])
def test_a_rate_has_bounds(text: str) -> None:
    with pytest.raises(ValueError, match="at most"):
        Rate.parse(text)


def test_a_higher_rate_is_faster_or_lets_more_through_at_once() -> None:
    own = Rate(600, 60)
    assert Rate(601, 60).exceeds(own)
    assert Rate(600, 59).exceeds(own)
    assert Rate(6_000, 600).exceeds(own)
    assert not Rate(600, 60).exceeds(own)
    assert not Rate(10, 1).exceeds(own)


# --- locks ---------------------------------------------------------------------------------------

RULE = LockRule()


def fail(known: Guesses | None, now: int) -> Guesses:
    return after_failure(known, now * MICROSECONDS, RULE)


def test_ten_wrong_guesses_lock_and_each_further_one_twice_as_long() -> None:
    known, now, locks = None, 0, []
    for number in range(9):
        known = fail(known, number)
        assert known.locked_until == 0
    now = 9
    for _ in range(13):
        known = fail(known, now)
        locks.append(known.locked_until // MICROSECONDS - now)
        now += locks[-1]
    assert locks == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]


def test_a_guess_under_way_when_the_lock_falls_makes_it_no_longer() -> None:
    known = None
    for _ in range(40):
        known = fail(known, 0)
    assert known is not None
    assert (known.level, known.locked_until) == (1, MICROSECONDS)


def test_slow_mistakes_do_not_lock() -> None:
    known = None
    for number in range(100):
        known = fail(known, number * 7)
        assert known.level == 0


def test_after_a_long_quiet_time_it_begins_anew() -> None:
    known = None
    for _ in range(10):
        known = fail(known, 0)
    assert fail(known, 900).level == 2
    again = fail(known, 902)
    assert (again.level, again.failures) == (0, 1)
