"""How long to measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Sizes of a run. Rounds are interleaved: floor, ours, ours, floor, ..."""

    rounds: int
    seconds: float
    """Of one throughput measurement."""
    warm_seconds: float
    lines: int
    """How many different lines are read."""
    misses: int
    """One after the other, in each round."""
    paced_seconds: float
    """Of one measurement at a fixed pace."""
    herds: int
    """How often 64 readers come at once."""
    writes: int
    """Own writes that must be seen."""


FULL: Final = Rounds(
    rounds=5,
    seconds=2.0,
    warm_seconds=0.5,
    lines=128,
    misses=40,
    paced_seconds=5.0,
    herds=5,
    writes=40,
)
#: To see that everything works; the figures mean little.
QUICK: Final = Rounds(
    rounds=2,
    seconds=0.5,
    warm_seconds=0.2,
    lines=16,
    misses=8,
    paced_seconds=0.8,
    herds=1,
    writes=5,
)
