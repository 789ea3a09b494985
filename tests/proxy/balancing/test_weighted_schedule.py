"""The weighted schedule is exact and smooth."""

from collections import Counter
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.balancing.weighted_schedule import MAX_PERIOD, MAX_STEPS, schedule


@pytest.mark.parametrize(
    ("weights", "sequence"),
    [
        ([], ()),
        ([0], ()),
        ([0, 0], ()),
        ([-1], ()),
        ([7], (0,)),
        ([1, 1, 1], (0, 1, 2)),
        ([4, 4], (0, 1)),
        ([2, 1], (0, 1, 0)),
        ([5, 1, 1], (0, 0, 1, 0, 2, 0, 0)),
        ([1, 0, 1], (0, 2)),
        ([10, 20], (1, 0, 1)),
    ],
)
def test_sequences(weights: list[int], sequence: tuple[int, ...]) -> None:
    assert schedule(weights) == sequence


weight_lists = st.lists(st.integers(0, 20), max_size=12)


@given(weight_lists)
def test_each_server_comes_as_often_as_its_weight_says(weights: list[int]) -> None:
    divisor = gcd(*weights) or 1
    counts = Counter(schedule(weights))
    assert [counts[index] for index in range(len(weights))] == [weight // divisor for weight in weights]


@given(weight_lists)
def test_at_any_point_each_server_has_had_its_share(weights: list[int]) -> None:
    sequence = schedule(weights)
    total = sum(weights)
    had: Counter[int] = Counter()
    for count, index in enumerate(sequence, 1):
        had[index] += 1
        for server, weight in enumerate(weights):
            # No server is behind or ahead by more than the other servers could take at once.
            assert abs(had[server] - count * weight / total) < max(1, len(weights) - 1)


@given(st.integers(1, 50), st.integers(1, 1000))
def test_equal_weights_give_strict_round_robin(servers: int, weight: int) -> None:
    assert schedule([weight] * servers) == tuple(range(servers))


@pytest.mark.parametrize(
    "weights", [[10**9, 10**9 + 1], [10**12, 1, 3], [999_983, 1_000_003, 7], [10**6, 0, 10**6 - 1]]
)
def test_huge_weights_are_scaled_and_every_server_stays(weights: list[int]) -> None:
    sequence = schedule(weights)
    assert len(sequence) <= MAX_PERIOD + len(weights)
    counts = Counter(sequence)
    total = sum(weights)
    for index, weight in enumerate(weights):
        assert (counts[index] > 0) == (weight > 0)
        assert abs(counts[index] / len(sequence) - weight / total) < 0.001


def test_many_servers_with_odd_weights_are_scheduled_within_bounds() -> None:
    weights = [10_007 + 2 * index for index in range(200)]
    sequence = schedule(weights)
    assert len(weights) <= len(sequence) <= MAX_STEPS // len(weights)
    assert set(sequence) == set(range(200))
