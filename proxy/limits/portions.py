"""The number of tokens that a worker leases for requests that are still to come."""

from __future__ import annotations

LEAD = 0.01
"""Seconds for which a portion lasts at the present rate of requests."""

MAX_PORTION = 1000


def next_portion(last: int, used: int, elapsed: float) -> int:
    """Return the next portion, after `used` tokens in `elapsed` seconds since the portion `last`.

    A portion at most doubles, so that a single burst of requests leases little. It shrinks at once.
    """
    if elapsed <= 0.0:
        return min(last, MAX_PORTION)
    return min(int(used / elapsed * LEAD), 2 * last + 1, MAX_PORTION)
