"""The smooth weighted round-robin sequence of a service's servers, computed once per change.

At each step every server gains its weight. The server with the highest sum is next, and pays the total of all
weights. Over one period each server comes exactly as often as its weight says, spread as evenly as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

# The period is the sum of the weights. If it is longer than this, the weights are scaled down.
MAX_PERIOD = 10_000
# Steps times servers: the most work that a worker may do for a schedule between two requests.
MAX_STEPS = 200_000


def schedule(weights: Sequence[int]) -> tuple[int, ...]:
    """Return indexes into `weights`, one period long; empty if no weight is positive."""
    reduced = _reduce(weights)
    if max(reduced, default=0) == 1:
        return tuple(index for index, weight in enumerate(reduced) if weight)
    total = sum(reduced)
    current = [0] * len(reduced)
    sequence: list[int] = []
    for _ in range(total):
        best = -1
        for index, weight in enumerate(reduced):
            if weight:
                current[index] += weight
                if best < 0 or current[index] > current[best]:
                    best = index
        current[best] -= total
        sequence.append(best)
    return tuple(sequence)


def _reduce(weights: Sequence[int]) -> list[int]:
    positive = [max(weight, 0) for weight in weights]
    divisor = gcd(*positive)
    if not divisor:
        return positive
    reduced = [weight // divisor for weight in positive]
    total = sum(reduced)
    longest = max(len(reduced), min(MAX_PERIOD, MAX_STEPS // len(reduced)))
    if total <= longest:
        return reduced
    return [max(1, weight * longest // total) if weight else 0 for weight in reduced]
