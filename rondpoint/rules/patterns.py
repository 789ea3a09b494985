"""Regular expressions that users write, on RE2: in linear time, so that no label can hang a worker."""

from __future__ import annotations

import re
from typing import Protocol

import re2

MEMORY = 1 << 20
"""Bytes that one expression may take, with what it remembers while matching."""


class PatternError(ValueError):
    """An expression that RE2 does not take."""


class Pattern(Protocol):
    """A compiled expression; `search` gives a match object or None."""

    def search(self, text: str) -> object | None: ...


def options() -> re2.Options:
    """How all expressions are read: RE2's own syntax, which is Go's; nothing is printed on errors."""
    chosen = re2.Options()
    chosen.log_errors = False
    chosen.max_mem = MEMORY
    return chosen


def compile_pattern(text: str) -> Pattern:
    """The expression, to be searched for anywhere. Raises PatternError."""
    try:
        compiled: Pattern = re2.compile(text, options())
    except re2.error as error:
        raise PatternError(_reason(error)) from None
    return compiled


def literal(text: str) -> str:
    """An expression for just this text."""
    return re.escape(text)


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)
