"""The goals: what each demands, and how it is measured, or why it is not yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from benchmarks import cached_rest, miss, panel_calls
from benchmarks.outcome import Outcome, Part
from benchmarks.place import Place
from benchmarks.rounds import Rounds


class Measure(Protocol):
    """A measurement: the parts of a goal. Calls `step` as often as `steps` says."""

    def __call__(
        self, place: Place, rounds: Rounds, step: Callable[[], None]
    ) -> tuple[Part, ...]: ...


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal. `missing`: what of it is not measured yet; without a `measure`, all of it."""

    sentence: str
    missing: str = ""
    measure: Measure | None = None
    steps: Callable[[Rounds], int] = lambda _rounds: 0

    def left_out(self) -> Outcome:
        """Return the outcome of a goal that was not measured in this run."""
        return Outcome(
            sentence=self.sentence, missing="left out of this run" if self.measure else self.missing
        )


_NO_GRAPHQL: Final = "not measured yet: GraphQL is not there"
GOALS: Final[dict[str, Goal]] = {
    "P1": Goal("cached GraphQL info: >= 100 % of the floor at c=64, >= 80 % at c=1", _NO_GRAPHQL),
    "P2": Goal(
        "cached REST info: >= 180 % of the floor at c=64",
        measure=cached_rest.measure,
        steps=cached_rest.steps,
    ),
    "P3": Goal("cached GraphQL: >= 65 % of our own cached REST", _NO_GRAPHQL),
    "P4": Goal(">= 20x Strawberry by default, >= 6x with both its caches", _NO_GRAPHQL),
    "P5": Goal("against Hive Gateway: >= 3x req/s, p99 <= 1/5, memory <= 1/4", _NO_GRAPHQL),
    "P6": Goal(
        "with the first level on: >= 50 % of Tailcall, >= 20 % of nginx proxy_cache",
        "not measured yet: the first level is not there",
    ),
    "P7": Goal(
        "a miss adds <= 1.5 ms median and <= 6 ms p99 to a panel of 50 ms, c=1 and 15 req/s",
        measure=miss.measure,
        steps=miss.steps,
    ),
    "P8": Goal(
        "64 readers of a cold line: 1 panel call; >= 4x fewer calls on the mix; none stale",
        "the mix of reads and writes is not measured yet",
        measure=panel_calls.measure,
        steps=panel_calls.steps,
    ),
    "P9": Goal(
        "audit adds <= 1 ms to a change; >= 5x rows/s of plain inserts; nothing lost",
        "not measured yet: group commit is not there",
    ),
    "P10": Goal(
        "cost by size: within 2x from 10 to 1,000,000 lines",
        "not measured yet: needs a large database",
    ),
    "P11": Goal(
        "a panel at 20 req/s under 500 reads/s and 6 edits/s: no 503, no ban",
        "not measured yet: needs minutes of load",
    ),
    "P12": Goal(
        "memory per worker <= 128 MiB after 1,000,000 requests; ready in < 2 s",
        "not measured yet: needs minutes of load",
    ),
}
