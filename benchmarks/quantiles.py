"""Computes percentiles of small samples."""

from __future__ import annotations

import math
from collections.abc import Iterable


def percentile(values: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile: the least value that `share` (0 to 100) percent do not exceed.

    It is always one of the values. Raises ValueError for no values or for another `share`.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    if not 0 <= share <= 100:
        raise ValueError(f"share must be from 0 to 100, not {share}")
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]
