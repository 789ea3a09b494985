"""When to renew a certificate in the window of its CA, and when to try again after a failure."""

from __future__ import annotations

from rondpoint.tls.renewal import fraction

FIRST_RETRY, RETRY_GROWTH, LAST_RETRY = 60.0, 4.0, 6 * 3600.0
"""Seconds between attempts at one certificate. Let's Encrypt allows five failed validations of a name in an
hour; these are four.
"""
RETRY_JITTER = 0.25

ASK_LATER = 24 * 3600.0
"""Seconds until a CA that says nothing about renewals is asked again."""

FIRST_OUTAGE_RETRY, OUTAGE_GROWTH, LAST_OUTAGE_RETRY = 5.0, 2.0, 300.0
"""Seconds between attempts to reach a CA that did not respond."""


def time_in_window(start: float, end: float, seed: str) -> float:
    """Return a time in the window that the CA suggests, as RFC 9773 §4.2 wants it chosen."""
    return start + max(0.0, end - start) * fraction(seed)


def retry_delay(failures: int, seed: str) -> float:
    """Return the seconds to wait after `failures` attempts in a row that failed by the names or the order."""
    delay = min(FIRST_RETRY * RETRY_GROWTH ** min(failures - 1, 20), LAST_RETRY)
    return delay * (1 + RETRY_JITTER * fraction(f"{seed} {failures}"))


def outage_delay(failures: int) -> float:
    """Return the seconds to wait after a CA did not respond `failures` times in a row."""
    return min(FIRST_OUTAGE_RETRY * OUTAGE_GROWTH ** min(failures - 1, 20), LAST_OUTAGE_RETRY)
