"""Lots that are drawn by name: the same for the same two in every process."""

from __future__ import annotations

from hashlib import blake2b
from math import log

from proxy.balancing.weighted_draw import mix64

_WHOLE = float(1 << 64)


def rendezvous_score(client: int, server: int) -> float:
    """Above 0; for random clients exponentially distributed in 1/luck, so that weights are met."""
    # Half a step away from 0 and from 1, whose logarithms would be of no use.
    part = (mix64(client ^ server) + 0.5) / _WHOLE
    return -1.0 / log(part) if part < 1.0 else _WHOLE


def stable_hash(text: str) -> int:
    """64 bits that are the same in every process."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")
