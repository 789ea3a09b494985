"""Replaces matches of a user's regular expression, with Go's replacement syntax."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import re2

from rondpoint.rules.patterns import options as pattern_options

# Go's `Regexp.Expand`: $1, $name, ${name}, and $$ for a dollar sign.
_VARIABLE = re.compile(rb"\$(?:(\$)|\{(\w+)\}|(\w+))")

Replace = Callable[[bytes], bytes | None]
"""Returns a text with all matches replaced; None if there is no match."""


def compile_replacement(regex: str, replacement: str) -> Replace:
    """Compile an expression and its replacement. Raises ValueError for an invalid expression."""
    template = replacement.encode()
    try:
        pattern = re2.compile(regex.encode(), pattern_options())
    except re2.error as error:
        raise ValueError(f"{regex!r} is no regular expression: {error}") from None

    def replace(text: bytes) -> bytes | None:
        if pattern.search(text) is None:
            return None
        pieces: list[bytes] = []
        end = 0
        for match in pattern.finditer(text):
            # As in Go, an empty match right after another one does not count: `.*` matches once.
            if match.end() > end or match.start() == 0:
                pieces += (text[end : match.start()], _expand(template, match))
                end = match.end()
        return b"".join((*pieces, text[end:]))

    return replace


def _expand(template: bytes, match: Any) -> bytes:
    """Insert the groups of `match` in the template; a missing group is empty."""

    def value(variable: re.Match[bytes]) -> bytes:
        if variable[1]:
            return b"$"
        name = variable[2] or variable[3]
        try:
            caught: bytes | None = match.group(int(name) if name.isdigit() else name)
        except (IndexError, KeyError):
            return b""
        return caught or b""

    return _VARIABLE.sub(value, template)
