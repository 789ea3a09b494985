"""Hashes for rendezvous hashing; every process computes the same values."""

from __future__ import annotations

from hashlib import blake2b
from math import log

from proxy.balancing.weighted_draw import mix64

_TWO_TO_64 = float(1 << 64)


def rendezvous_score(client: int, server: int) -> float:
    """Return the score of a server for a client, above 0; both are given as 64-bit hashes.

    For random clients 1/score is exponentially distributed, so that score times weight meets the weights.
    """
    # Half a step away from 0 and from 1: the logarithm of 0 is undefined, and that of 1 is 0.
    fraction = (mix64(client ^ server) + 0.5) / _TWO_TO_64
    return -1.0 / log(fraction) if fraction < 1.0 else _TWO_TO_64


def stable_hash(text: str) -> int:
    """Return a 64-bit hash that is the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
