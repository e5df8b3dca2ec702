"""What rounds of measurement come to: medians, percentiles and paired ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least *percent* % of *values* do not exceed.

    Raises:
        ValueError: there are no values, or *percent* is not over 0 and up to 100.
    """
    if not values or not 0 < percent <= 100:
        raise ValueError(f"no percentile {percent} of {len(values)} values")
    rank = math.ceil(len(values) * percent / 100)
    return sorted(values)[rank - 1]


def paired_ratio(ours: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median of the ratios of each round.

    The two sides of one round ran one after the other, so what else the machine did at that time
    slowed both; the ratio of two medians would lose that.

    Raises:
        ValueError: the sides have not as many rounds, or none.
    """
    if len(ours) != len(floor) or not ours:
        raise ValueError(f"{len(ours)} rounds of ours beside {len(floor)} of the floor")
    return median(mine / other for mine, other in zip(ours, floor, strict=True))


def paired_difference(ours: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median of the differences of each round; see `paired_ratio`.

    Raises:
        ValueError: the sides have not as many rounds, or none.
    """
    if len(ours) != len(floor) or not ours:
        raise ValueError(f"{len(ours)} rounds of ours beside {len(floor)} of the floor")
    return median(mine - other for mine, other in zip(ours, floor, strict=True))
