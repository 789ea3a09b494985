"""Maps a number to a server by weights and by the fraction of its share that each server gets.

The same number gives every worker the same server, as far as the workers agree about the fractions. A number
first goes to its position in the rotation, which keeps the rotation's even spread. A server with a fraction
below 1 declines that part of its numbers, and a declined number goes to a pseudo-random position. Declined
numbers so spread over all other servers by weight, and do not fall upon the next server of the rotation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Target

ShareFraction = Callable[["Target"], float]
"""Returns the fraction of its share that a server gets, above 0 and up to 1."""

MAX_DRAWS = 32
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def draw(rotation: Sequence[Target], number: int, fraction: ShareFraction) -> Target:
    """Return the target for this number; the rotation must not be empty."""
    length = len(rotation)
    lap, position = divmod(number, length)
    first = rotation[position]
    share = fraction(first)
    # The golden ratio spreads successive laps as evenly as possible; each position has its own start.
    if share >= 1.0 or (lap * _GOLDEN + mix64(position)) & _MASK < share * _MASK:
        return first
    random_bits = mix64(number)
    for _ in range(MAX_DRAWS):
        target = rotation[(random_bits >> 32) % length]
        random_bits = mix64(random_bits)
        if random_bits < fraction(target) * _MASK:
            return target
    return first


def mix64(number: int) -> int:
    """Return 64 bits that each depend on every bit of the number (the finalizer of SplitMix64)."""
    number = (number + _GOLDEN) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
