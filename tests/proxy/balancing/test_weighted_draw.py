"""The weighted draw: even, and by weights and share fractions."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.balancing.weighted_draw import draw
from proxy.upstream.endpoint import Target
from rondpoint.model import Service
from tests.proxy.balancing.serving import built, servers

MANY = 20_000


def drawn(weights: tuple[int, ...], fractions: tuple[float, ...], numbers: range) -> Counter[str]:
    with built(Service("s", servers(*weights))) as service:
        rotation = service.served.rotation
        by_name = dict(zip((f"s{number}" for number in range(len(weights))), fractions, strict=True))

        def fraction(target: Target) -> float:
            return by_name[target.server.name]

        return Counter(draw(rotation, number, fraction).server.name for number in numbers)


@settings(deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 1 << 70))
def test_full_shares_follow_the_rotation(weights: list[int], start: int) -> None:
    with built(Service("s", servers(*weights))) as service:
        rotation = service.served.rotation
        length = len(rotation)
        for number in range(start, start + 2 * length):
            assert draw(rotation, number, lambda _: 1.0) is rotation[number % length]


@pytest.mark.parametrize(
    ("weights", "fractions"),
    [
        ((1, 1), (1.0, 0.5)),
        ((1, 1, 1), (0.1, 1.0, 1.0)),
        ((1, 1, 1), (0.1, 0.1, 1.0)),
        ((4, 1), (0.25, 1.0)),
        ((3, 2, 1), (0.3, 0.7, 0.05)),
        ((1, 1), (0.2, 0.2)),
    ],
)
def test_fractions_change_weights_in_proportion(
    weights: tuple[int, ...], fractions: tuple[float, ...]
) -> None:
    counts = drawn(weights, fractions, range(MANY))
    total = sum(weight * fraction for weight, fraction in zip(weights, fractions, strict=True))
    for number, (weight, fraction) in enumerate(zip(weights, fractions, strict=True)):
        assert counts[f"s{number}"] / MANY == pytest.approx(weight * fraction / total, abs=0.015)


def test_declined_numbers_spread_over_all_other_servers() -> None:
    counts = drawn((1,) * 5, (0.1, 1.0, 1.0, 1.0, 1.0), range(MANY))
    others = [counts[f"s{number}"] for number in range(1, 5)]
    assert max(others) / min(others) < 1.1


def test_a_small_fraction_comes_at_even_distances() -> None:
    with built(Service("s", servers(1, 1))) as service:
        rotation = service.served.rotation
        times = [
            number
            for number in range(0, 4000, 2)
            if draw(rotation, number, lambda target: 0.1 if target is rotation[0] else 1.0) is rotation[0]
        ]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    # A tenth of every second number.
    assert max(gaps) <= 60
