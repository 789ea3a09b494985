"""Suggests the nearest valid name for a mistyped one ("did you mean …?")."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

MAX_LENGTH = 200
"""Characters of the longest name for which a suggestion is searched; a longer one is no typing error."""


def find_nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most similar to `name`, whatever its case; None if none is similar."""
    return _nearest(name, tuple(known)) if len(name) <= MAX_LENGTH else None


# A search takes milliseconds, and a container that restarts repeatedly has its labels read each time.
@lru_cache(maxsize=4096)
def _nearest(name: str, known: tuple[str, ...]) -> str | None:
    by_lower = {candidate.lower(): candidate for candidate in known}
    found = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for an unknown name: the nearest known one, or else all of them."""
    names = sorted(known)
    near = find_nearest(name, names)
    return f"did you mean {near}?" if near else f"known: {', '.join(names)}"
