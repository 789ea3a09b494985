"""Many regular expressions at once: an RE2 set tells in one pass over a text which of them match.

A set of hundreds costs no more than one expression does, and less than asking that one by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import re2

from rondpoint.rules.patterns import compile_pattern, options

MEMORY = 16 << 20
"""Bytes that a set may take, with what it remembers while matching."""


def matching(patterns: Sequence[str]) -> Callable[[str], Iterable[int]]:
    """A function that tells the places of those that match anywhere in a text, in no particular order.

    Raises PatternError for one that RE2 does not take.
    """
    chosen = options()
    chosen.max_mem = MEMORY
    together = re2.Set.SearchSet(chosen)
    try:
        for pattern in patterns:
            together.Add(pattern)
        together.Compile()
    except re2.error:
        # Wrong, or too large together; the one who is wrong is named here.
        return _one_by_one(patterns)
    match = together.Match
    return lambda text: match(text) or ()


def any_of(patterns: Sequence[str]) -> Callable[[str], bool]:
    """A function that tells whether one of them matches anywhere in a text. Raises PatternError."""
    places = matching(patterns)
    return lambda text: bool(places(text))


def _one_by_one(patterns: Sequence[str]) -> Callable[[str], Iterable[int]]:
    searches = [compile_pattern(pattern).search for pattern in patterns]
    return lambda text: [place for place, search in enumerate(searches) if search(text)]
