"""The base of answers, and what several of them share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from gateway.domain.subscriptions import ObservedInfo

#: RFC 3339 in UTC, with `Z`.
Time = Annotated[datetime, msgspec.Meta(tz=True)]
#: A number that is shown without a fraction when it has none.
Number = int | float


class Out(msgspec.Struct, frozen=True, kw_only=True):
    """The base of answers; fields are written in the order of the class."""


class ObservedOut(Out, frozen=True, kw_only=True):
    """When the panel said what is shown. `stale`: it could not be asked again."""

    at: Time
    age_seconds: int
    stale: bool


def observed_out(info: ObservedInfo | None) -> ObservedOut | None:
    """Return the age of what the panel said, or None when it was not asked."""
    if info is None:
        return None
    return ObservedOut(at=info.at, age_seconds=info.age_seconds, stale=info.stale)


def number(value: float) -> Number:
    """Return 5 for 5.0, and 0.5 for 0.5."""
    return int(value) if float(value).is_integer() else value
