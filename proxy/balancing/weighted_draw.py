"""From a number to a server: by weights, and by the part of its share that each server is to have.

The same number gives every worker the same server, as far as they agree about the parts. The first look goes
to the rotation, and so keeps its even spread; a server may turn a number down, as often as its part is
below 1, and the number then goes through the rotation as if by lot. What is turned down thus spreads over all
others by their weights, and does not fall upon the next in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.upstream.endpoint import Target

ShareFraction = Callable[["Target"], float]
"""What part of its share a server is to have, above 0 and up to 1."""

MAX_DRAWS = 32
_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def draw(rotation: Sequence[Target], number: int, part: ShareFraction) -> Target:
    """The target that this number means, of a rotation that is not empty."""
    length = len(rotation)
    lap, position = divmod(number, length)
    first = rotation[position]
    share = part(first)
    # Successive laps are spread as evenly as can be by the golden ratio, each position from where it likes.
    if share >= 1.0 or (lap * _GOLDEN + mix64(position)) & _MASK < share * _MASK:
        return first
    lot = mix64(number)
    for _ in range(MAX_DRAWS):
        target = rotation[(lot >> 32) % length]
        lot = mix64(lot)
        if lot < part(target) * _MASK:
            return target
    return first


def mix64(number: int) -> int:
    """64 bits in which every bit of the number counts (the finalizer of SplitMix64)."""
    number = (number + _GOLDEN) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return number ^ (number >> 31)
