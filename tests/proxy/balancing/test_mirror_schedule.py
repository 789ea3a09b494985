"""The numbers of the requests that are copied."""

from itertools import pairwise

import pytest

from proxy.balancing.mirror_schedule import gets_copy


@pytest.mark.parametrize("percent", range(101))
def test_of_any_hundred_requests_exactly_the_percentage_is_copied(percent: int) -> None:
    chosen = [gets_copy(number, percent) for number in range(1, 301)]
    assert {sum(chosen[start : start + 100]) for start in range(200)} == {percent}


@pytest.mark.parametrize("percent", range(1, 100))
def test_copies_are_spread_evenly(percent: int) -> None:
    chosen = [number for number in range(1, 301) if gets_copy(number, percent)]
    assert chosen[0] == 1
    assert {after - before for before, after in pairwise(chosen)} <= {100 // percent, 100 // percent + 1}
