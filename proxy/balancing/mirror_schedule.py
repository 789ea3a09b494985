"""Chooses the requests that are copied to a mirror, by the numbers of the requests."""

from __future__ import annotations


def gets_copy(number: int, percent: int) -> bool:
    """Return whether the request with this number is copied: of any 100 numbers in a row, `percent` are.

    They are spread evenly. As in Traefik, request 1 is copied unless `percent` is 0.
    """
    return _copies_of(number, percent) > _copies_of(number - 1, percent)


def _copies_of(requests: int, percent: int) -> int:
    """Return how many of the first `requests` are copied, rounded up."""
    return -(-requests * percent // 100)
