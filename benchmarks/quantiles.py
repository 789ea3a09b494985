"""Percentiles of small samples."""

from __future__ import annotations

import math
from collections.abc import Iterable


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 100) percent of `values` do not exceed: nearest rank.

    Always one of the values, never between two. Raises ValueError for none or for another `share`.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    if not 0 <= share <= 100:
        raise ValueError(f"share must be from 0 to 100, not {share}")
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]
