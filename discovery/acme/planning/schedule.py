"""When to renew a certificate, and when to try again after a failure."""

from __future__ import annotations

import hashlib

RENEWED_PART = 3
"""A certificate is renewed when a third of its life is left, unless the CA names another time."""
JITTER_PART = 30
"""Renewals are spread over a thirtieth of the life, so that certificates of one day do not stay together."""

FIRST_RETRY, RETRY_GROWTH, LAST_RETRY = 60.0, 4.0, 6 * 3600.0
"""Seconds between attempts at one certificate. Let's Encrypt allows five failed validations of a name in an
hour; these are four.
"""
RETRY_JITTER = 0.25

ASK_LATER = 24 * 3600.0
"""Seconds until a CA that says nothing about renewals is asked again."""

FIRST_OUTAGE_RETRY, OUTAGE_GROWTH, LAST_OUTAGE_RETRY = 5.0, 2.0, 300.0
"""Seconds between attempts to reach a CA that did not respond."""


def renewal_time(not_before: float, not_after: float, seed: str) -> float:
    """Return when to renew; certificates with different seeds get different times."""
    life = max(0.0, not_after - not_before)
    return not_after - life / RENEWED_PART - life / JITTER_PART * _fraction(seed)


def time_in_window(start: float, end: float, seed: str) -> float:
    """Return a time in the window that the CA suggests, as RFC 9773 §4.2 wants it chosen."""
    return start + max(0.0, end - start) * _fraction(seed)


def retry_delay(failures: int, seed: str) -> float:
    """Return the seconds to wait after `failures` attempts in a row that failed by the names or the order."""
    delay = min(FIRST_RETRY * RETRY_GROWTH ** min(failures - 1, 20), LAST_RETRY)
    return delay * (1 + RETRY_JITTER * _fraction(f"{seed} {failures}"))


def outage_delay(failures: int) -> float:
    """Return the seconds to wait after a CA did not respond `failures` times in a row."""
    return min(FIRST_OUTAGE_RETRY * OUTAGE_GROWTH ** min(failures - 1, 20), LAST_OUTAGE_RETRY)


def _fraction(seed: str) -> float:
    """Return a number from 0 to 1 that is always the same for a seed, also in the next leader."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6], "big") / 2**48
