"""Medians, percentiles and paired ratios."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import paired_difference, paired_ratio, percentile

VALUES = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=50)


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1), (50, 50), (50.1, 51), (99, 99), (100, 100)]
)
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([float(it) for it in range(100, 0, -1)], percent) == expected


@given(VALUES, st.floats(0.1, 100))
def test_as_many_as_asked_do_not_exceed_a_percentile(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert sum(it <= found for it in values) >= len(values) * percent / 100 - 1e-9


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_there_is_no_percentile_of_nothing(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, percent)


def test_rounds_are_compared_pair_by_pair() -> None:
    # In the second round the machine was ten times slower; that says nothing of either side.
    ours, floor = [200.0, 20.0, 210.0], [100.0, 10.0, 100.0]
    assert paired_ratio(ours, floor) == 2
    assert paired_difference(ours, floor) == 100


@pytest.mark.parametrize("compare", [paired_ratio, paired_difference])
@pytest.mark.parametrize(("ours", "floor"), [([], []), ([1.0], [1.0, 2.0])])
def test_rounds_that_do_not_pair_are_refused(
    compare: object, ours: list[float], floor: list[float]
) -> None:
    assert callable(compare)
    with pytest.raises(ValueError, match="rounds of"):
        compare(ours, floor)
