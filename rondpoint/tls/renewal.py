"""When certificates of resolvers are renewed, if the certificate authority names no time."""

from __future__ import annotations

import hashlib

RENEWED_PART = 3
"""A certificate is renewed when a third of its life is left."""
JITTER_PART = 30
"""Renewals are spread over a thirtieth of the life, so that certificates of one day do not stay together."""


def renewal_time(not_before: float, not_after: float, seed: str) -> float:
    """Return when to renew; certificates with different seeds get different times."""
    life = max(0.0, not_after - not_before)
    return not_after - life / RENEWED_PART - life / JITTER_PART * fraction(seed)


def fraction(seed: str) -> float:
    """Return a number from 0 to 1 that is always the same for a seed, in every process."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6], "big") / 2**48
