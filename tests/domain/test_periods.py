"""Terms: months keep the day, ends of months clamp, and nothing but ISO 8601 is read."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.periods import MONTHS_MAX, SECONDS_MAX, Period

PERIODS = st.builds(
    Period, months=st.integers(0, MONTHS_MAX), seconds=st.integers(0, SECONDS_MAX)
).filter(lambda period: period.months or period.seconds)
MOMENTS = st.datetimes(
    datetime(1970, 1, 1),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    datetime(2200, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("start", "term", "end"),
    [
        ("2027-01-31", "P1M", "2027-02-28"),
        ("2028-01-31", "P1M", "2028-02-29"),
        ("2028-01-29", "P1M", "2028-02-29"),
        ("2027-03-31", "P1M", "2027-04-30"),
        ("2027-12-31", "P2M", "2028-02-29"),
        ("2027-12-15", "P1M", "2028-01-15"),
        ("2028-02-29", "P1Y", "2029-02-28"),
        ("2028-02-29", "P4Y", "2032-02-29"),
        ("2027-01-31", "P30D", "2027-03-02"),
        ("2027-01-31", "P2W", "2027-02-14"),
        ("2027-01-31", "P1M1D", "2027-03-01"),
        ("2027-01-31", "P1Y1M1W1DT24H", "2028-03-09"),
        ("2027-03-27", "PT48H", "2027-03-29"),
    ],
)
def test_a_term_ends_on_the_day_that_people_expect(start: str, term: str, end: str) -> None:
    at = timedelta(hours=23, minutes=59, seconds=58)
    began = datetime.fromisoformat(start).replace(tzinfo=UTC) + at
    ended = datetime.fromisoformat(end).replace(tzinfo=UTC) + at
    assert Period.parse(term).after(began) == ended


@pytest.mark.parametrize(
    "text",
    [
        *("", "P", "PT", "1M", "P1", "M1", "P1M ", " P1M", "P1M\n", "p1m", "P1m", "P-1M", "-P1M"),
        *("+P1M", "P1.5M", "P1,5D", "P0D", "P0M0D", "PT0S", "P1H", "PT1D", "P1MT", "P1DT", "P1D1M"),
        *("P1M1M", "P\u0661M", "P\uff11M", "P1\u00a0M", "P101Y", "P100Y1M", "P1201M", "P9999Y"),
        *("PT99999999999S", "P99999D", "P1M/P2M", "1 month", "null", "P1MT1H1H"),
    ],
)
def test_anything_else_is_no_term(text: str) -> None:
    with pytest.raises(ValueError, match=r"ISO 8601|zero|100 years"):
        Period.parse(text)


@given(PERIODS)
def test_a_term_is_read_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(PERIODS, MOMENTS)
def test_a_term_leads_forward(period: Period, start: datetime) -> None:
    assert period.after(start) > start


@given(st.integers(1, MONTHS_MAX), MOMENTS)
def test_months_keep_the_day_or_take_the_last_of_the_month(months: int, start: datetime) -> None:
    end = Period(months=months).after(start)
    last = calendar.monthrange(end.year, end.month)[1]
    assert end.day == min(start.day, last)
    assert end.time() == start.time()
    assert (end.year * 12 + end.month) - (start.year * 12 + start.month) == months


@given(PERIODS, MOMENTS, MOMENTS)
def test_who_starts_later_never_ends_earlier(
    period: Period, first: datetime, second: datetime
) -> None:
    first, second = sorted((first, second))
    assert period.after(first) <= period.after(second)


@pytest.mark.parametrize("period", [Period(months=1), Period(seconds=86_400 * 31)])
def test_time_ends_with_the_year_9999(period: Period) -> None:
    with pytest.raises(OverflowError):
        period.after(datetime(9999, 12, 31, tzinfo=UTC))
