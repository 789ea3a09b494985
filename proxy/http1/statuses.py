"""Sets of status codes from options such as `404` and `500-599`."""

from __future__ import annotations

from collections.abc import Iterable


def parse_statuses(texts: Iterable[str]) -> frozenset[int]:
    """Return the status codes that these codes and ranges name. Raises ValueError."""
    return frozenset(code for text in texts for code in status_range(text))


def status_range(text: str) -> range:
    """Return the status codes that a code or a range names: `503`, `500-599`. Raises ValueError."""
    low, dash, high = text.partition("-")
    return range(int(low), int(high if dash else low) + 1)
