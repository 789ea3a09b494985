"""The smooth weighted round-robin sequence of a service's servers, computed once per change.

At each step every server gains its weight; the one with most is next and pays the total. Over one
period each server comes exactly as often as its weight says, and spread as evenly as can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

# The period is the sum of the weights; beyond this they are scaled down to it.
MAX_PERIOD = 10_000
# Steps times servers: what a worker may spend on it between two requests.
MAX_STEPS = 200_000


def schedule(weights: Sequence[int]) -> tuple[int, ...]:
    """Indexes into `weights`, one period long; empty where no weight is positive."""
    parts = _reduce(weights)
    if max(parts, default=0) == 1:
        return tuple(index for index, part in enumerate(parts) if part)
    total = sum(parts)
    current = [0] * len(parts)
    sequence: list[int] = []
    for _ in range(total):
        best = -1
        for index, part in enumerate(parts):
            if part:
                current[index] += part
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
