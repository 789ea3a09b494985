"""The generic cell rate algorithm: a token bucket whose whole state is one time.

A bucket is full from its *theoretical arrival time* (TAT) on; before that, one token is missing for each
interval until then, in parts too. A token taken moves the TAT one interval ahead. `lease_tokens.lua` does the
same arithmetic in the store. All times of a call have one unit, and one clock.
"""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """One request per `interval`, `burst` of them at once; one up to `max_delay` early is held back."""

    interval: float
    burst: int
    max_delay: float


class Grant(NamedTuple):
    """Tokens taken at one moment.

    `tat` is the bucket's new TAT. `early` is the delay of one further token, taken before its time, or -1.
    """

    tat: float
    granted: int
    early: float


PORTION_DIVISOR = 8
"""A worker takes at most this part of a bucket's remaining tokens for requests that are still to come."""


def take_tokens(limit: Limit, tat: float, now: float, waiting: int, portion: int, returned: int = 0) -> Grant:
    """Give back `returned` tokens, then take one for each of `waiting` requests, and `portion` more.

    A negative number of `returned` tokens is charged, until the bucket is empty. The waiting requests get all
    tokens that there are. The further ones come from the rest, and are fewer the emptier the bucket is.
    """
    interval, burst, max_delay = limit
    # A clock that was set back, or a smaller limit, must not close a bucket for long.
    tat = min(max(tat - returned * interval, now), now + (burst + 1) * interval)
    # The tolerance keeps rounding from hiding a whole token.
    available = max(0, int((now + burst * interval - tat) / interval + 1e-6))
    granted = min(available, waiting)
    granted += min(portion, (available - granted) // PORTION_DIVISOR)
    tat += granted * interval
    early = -1.0
    if waiting > granted and (wait := time_to_next_token(limit, tat, now)) <= max_delay:
        early = wait
        tat += interval
    return Grant(tat, granted, early)


def time_to_next_token(limit: Limit, tat: float, now: float) -> float:
    """Return the time until a bucket with this TAT has a token; 0 if it has one."""
    return max(0.0, tat + limit.interval - limit.burst * limit.interval - now)


def fair_share(limit: Limit, workers: int) -> Limit:
    """Return the part of the limit that one of so many workers applies if it cannot ask the store."""
    return Limit(limit.interval * workers, max(1, limit.burst // workers), limit.max_delay)
