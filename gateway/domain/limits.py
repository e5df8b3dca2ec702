"""How much a caller may ask: token buckets, and locks after wrong guesses. Arithmetic only.

A bucket holds `quota` tokens and fills evenly, all of it in `window_seconds`. It is kept as one
number, the moment at which it will be full again (GCRA): a full bucket is a moment in the past. All
moments and spans are whole microseconds, so that each implementation comes to the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

MICROSECONDS: Final = 1_000_000
#: Requests a second that one bucket can count exactly enough.
PER_SECOND_MAX: Final = 10_000
WINDOW_SECONDS_MAX: Final = 86_400
#: A bucket owes at most so many windows, whatever one request cost.
WINDOWS_MAX: Final = 2

_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/([1-9][0-9]{0,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds; written `6000/60`."""

    quota: int
    window_seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `quota/seconds`.

        Raises:
            ValueError: another form, a window over a day, or more than 10,000 a second.
        """
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError("must be requests/seconds, such as 600/60")
        rate = cls(int(match[1]), int(match[2]))
        if rate.window_seconds > WINDOW_SECONDS_MAX:
            raise ValueError(f"must have a window of at most {WINDOW_SECONDS_MAX} seconds")
        if rate.quota > PER_SECOND_MAX * rate.window_seconds:
            raise ValueError(f"must be at most {PER_SECOND_MAX} requests a second")
        return rate

    def __str__(self) -> str:
        return f"{self.quota}/{self.window_seconds}"

    @property
    def window(self) -> int:
        """Return the window; microseconds."""
        return self.window_seconds * MICROSECONDS

    @property
    def interval(self) -> int:
        """Return how long one token takes; microseconds."""
        return self.window // self.quota

    def share(self, parts: int) -> Rate:
        """Return the rate of one of so many *parts*; at least one token a window."""
        return Rate(max(1, self.quota // parts), self.window_seconds)

    def exceeds(self, other: Rate) -> bool:
        """Tell whether it lets through more than *other*: at once, or over time."""
        faster = self.quota * other.window_seconds > other.quota * self.window_seconds
        return faster or self.quota > other.quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """So many tokens to take from the bucket called `key`. `policy` is the name shown outside."""

    policy: str
    key: str
    rate: Rate
    cost: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a bucket stands after a charge, or after its refusal.

    `remaining`: tokens left. `full_in`, `wait`: microseconds until it is full again, and until
    what was refused fits; `wait` 0: this bucket had enough.
    """

    policy: str
    rate: Rate
    remaining: int
    full_in: int
    wait: int

    @property
    def full_in_seconds(self) -> int:
        """Return when the bucket is full again; whole seconds, rounded up."""
        return math.ceil(self.full_in / MICROSECONDS)

    @property
    def wait_seconds(self) -> int:
        """Return when to come back; whole seconds, at least one."""
        return max(1, math.ceil(self.wait / MICROSECONDS))


def decide(
    now: int, charges: Sequence[Charge], full_at: Sequence[int]
) -> tuple[bool, tuple[int, ...], tuple[int, ...]]:
    """Take from all buckets, or from none.

    What costs more than a whole bucket needs a full one, and leaves it in debt.

    Args:
        now: the moment.
        charges: what to take.
        full_at: when each bucket is full again.

    Returns:
        Whether it was taken; when each bucket is full again; how long each makes it wait.
    """
    known, waits = [], []
    for charge, moment in zip(charges, full_at, strict=True):
        window = charge.rate.window
        present = min(max(moment, now), now + WINDOWS_MAX * window)
        needed = min(charge.cost * charge.rate.interval, window)
        known.append(present)
        waits.append(max(0, present + needed - window - now))
    if any(waits):
        return False, tuple(known), tuple(waits)
    taken = (
        min(moment + charge.cost * charge.rate.interval, now + WINDOWS_MAX * charge.rate.window)
        for charge, moment in zip(charges, known, strict=True)
    )
    return True, tuple(taken), tuple(waits)


def standing_of(charge: Charge, full_in: int, wait: int) -> Standing:
    """Return how a bucket stands that is full again in *full_in* microseconds."""
    rate = charge.rate
    left = max(0, rate.window - full_in) // rate.interval
    return Standing(
        policy=charge.policy,
        rate=rate,
        remaining=min(left, rate.quota),
        full_in=full_in,
        wait=wait,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LockRule:
    """When wrong guesses lock, and for how long.

    `free_max` wrong guesses within `window_seconds` are free. The next lock takes
    `first_seconds`, each one after it twice as long, up to `longest_seconds`. Who makes no wrong
    guess for `longest_seconds` after the end of a lock begins anew.
    """

    free_max: int = 10
    window_seconds: int = 60
    first_seconds: int = 1
    longest_seconds: int = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """What is known of one who guesses: microseconds; `level` counts the locks so far."""

    failures: int
    since: int
    level: int
    locked_until: int

    def is_over(self, now: int, rule: LockRule) -> bool:
        """Tell whether all this is so long ago that it counts no more."""
        if self.level == 0:
            return now >= self.since + rule.window_seconds * MICROSECONDS
        return now >= self.locked_until + rule.longest_seconds * MICROSECONDS


def after_failure(known: Guesses | None, now: int, rule: LockRule) -> Guesses:
    """Return what is known after one more wrong guess.

    A guess that was under way when the lock fell makes it no longer.
    """
    if known is None or known.is_over(now, rule):
        known = Guesses(failures=0, since=now, level=0, locked_until=0)
    if now < known.locked_until:
        return known
    failures = known.failures + 1
    if failures < rule.free_max:
        return Guesses(failures=failures, since=known.since, level=0, locked_until=0)
    seconds = min(rule.longest_seconds, rule.first_seconds * 2 ** min(known.level, 30))
    return Guesses(
        failures=failures,
        since=known.since,
        level=known.level + 1,
        locked_until=now + seconds * MICROSECONDS,
    )
