"""Chooses the content coding of a response by `Accept-Encoding` (RFC 9110 §12.5.3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

_ITEM = re.compile(
    rb"[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]*)?|1(?:\.0*)?)[ \t]*)?"
)
# Clients mostly send one of a few short values.
_CACHED_VALUES = 64
_LONGEST_CACHED = 256


def compile_choice(encodings: Sequence[str], default: str) -> Callable[[bytes], str]:
    """Return the function that chooses one of `encodings` for a value of `Accept-Encoding`.

    It returns the acceptable one with the highest weight; of equals the first in `encodings`, or `default` if
    `*` has that weight. It returns "" if the client prefers none of them.
    """

    def choose(value: bytes) -> str:
        weights = _weights(value)
        others = weights.get("*", 0.0)
        by_encoding = {each: weights.get(each, others) for each in encodings}
        best = max(by_encoding.values())
        if best == 0 or weights.get("identity", 0.0) > best:
            return ""
        candidates = [each for each, weight in by_encoding.items() if weight == best]
        return default if default in candidates and others == best else candidates[0]

    cached = lru_cache(maxsize=_CACHED_VALUES)(choose)
    return lambda value: cached(value) if len(value) <= _LONGEST_CACHED else choose(value)


def _weights(value: bytes) -> dict[str, float]:
    """Return the weight of each listed name; malformed items are ignored."""
    weights: dict[str, float] = {}
    for item in value.split(b","):
        match = _ITEM.fullmatch(item)
        if match is not None:
            name = match[1].decode().lower()
            weights[name] = max(weights.get(name, 0.0), 1.0 if match[2] is None else float(match[2]))
    return weights
