"""Tests of percentiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quantiles import percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0, 7.0),
        ([7.0], 50, 7.0),
        ([7.0], 100, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0, 4.0], 75, 3.0),
        ([1.0, 2.0, 3.0, 4.0], 76, 4.0),
        (range(1, 21), 50, 10),
        (range(1, 21), 90, 18),
        (range(1, 101), 99, 99),
        (range(1, 101), 100, 100),
        (range(1, 101), 0, 1),
    ],
)
def test_a_percentile_is_the_value_at_the_nearest_rank(values, share, expected):
    assert percentile(values, share) == expected


@pytest.mark.parametrize(("values", "share"), [([], 50), ([1.0], -1), ([1.0], 100.5)])
def test_no_values_and_impossible_shares_are_refused(values, share):
    with pytest.raises(ValueError, match=r"no values|share must be"):
        percentile(values, share)


@given(st.lists(st.integers(), min_size=1), st.integers(0, 100))
def test_a_percentile_is_the_least_value_that_enough_values_do_not_exceed(values, share):
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= share * len(values)
    lower = [value for value in values if value < found]
    assert not lower or len(lower) * 100 < share * len(values)
