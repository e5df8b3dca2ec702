"""ISO 8601 durations, with calendar months that keep the day and clamp at the month's end."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_DURATION: Final = re.compile(
    r"P(?=.)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?"
    r"(?:T(?=.)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,8})S)?)?",
    re.ASCII,
)
MONTHS_MAX: Final = 1_200
SECONDS_MAX: Final = 100 * 366 * 86_400


class PeriodOutOfRange(ValueError):
    """A duration, but zero long or over 100 years."""


@dataclass(frozen=True, slots=True)
class Period:
    """A term such as `P1M` or `PT24H`: calendar months first, then exact seconds."""

    months: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read an ISO 8601 duration.

        Raises:
            PeriodOutOfRange: zero long, or over 100 years.
            ValueError: not a duration, or one with fractions.
        """
        match = _DURATION.fullmatch(text)
        if match is None:
            message = "not an ISO 8601 duration such as P1M, P30D or PT24H"
            raise ValueError(message)
        years, months, weeks, days, hours, minutes, seconds = (
            int(part or 0) for part in match.groups()
        )
        period = cls(
            months=years * 12 + months,
            seconds=(weeks * 7 + days) * 86_400 + hours * 3_600 + minutes * 60 + seconds,
        )
        if period.months > MONTHS_MAX or period.seconds > SECONDS_MAX:
            message = "longer than 100 years"
            raise PeriodOutOfRange(message)
        if not period.months and not period.seconds:
            message = "zero long"
            raise PeriodOutOfRange(message)
        return period

    def after(self, start: datetime) -> datetime:
        """Return the moment this long after *start*.

        31 January plus one month is the last day of February.

        Raises:
            OverflowError: the result lies beyond the year 9999.
        """
        return _months_later(start, self.months) + timedelta(seconds=self.seconds)

    def before(self, end: datetime) -> datetime:
        """Return the moment this long before *end*: months first, as in `after`.

        Raises:
            OverflowError: the result lies before the year 1.
        """
        return _months_later(end, -self.months) - timedelta(seconds=self.seconds)

    def __str__(self) -> str:
        months = f"{self.months}M" if self.months else ""
        days, rest = divmod(self.seconds, 86_400)
        dates = f"{months}{days}D" if days else months
        return f"P{dates}" + (f"T{rest}S" if rest else "")


def _months_later(start: datetime, count: int) -> datetime:
    """Return the same day so many months later, or the last one of a shorter month.

    Raises:
        OverflowError: outside of the years 1 to 9999.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        message = "outside of the calendar"
        raise OverflowError(message)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)
