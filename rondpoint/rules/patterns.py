"""Compiles users' regular expressions with RE2, whose linear time keeps any label from blocking a worker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import re2

MAX_MEMORY = 1 << 20
"""Bytes that one compiled expression may take, including its cache of states."""


class PatternError(ValueError):
    """An expression that RE2 does not accept."""


class Pattern(Protocol):
    """A compiled expression; `search` returns a match object or None."""

    def search(self, text: str) -> object | None: ...


def options() -> re2.Options:
    """Return the options for all expressions: RE2's own syntax, which is also Go's, without logging."""
    import re2  # noqa: PLC0415 - as in compile_pattern

    chosen = re2.Options()
    chosen.log_errors = False
    chosen.max_mem = MAX_MEMORY
    return chosen


def compile_pattern(text: str) -> Pattern:
    """Compile an expression; without anchors it matches anywhere. Raises PatternError."""
    # It takes 2 MB of an agent whose routers have no regular expressions.
    import re2  # noqa: PLC0415

    try:
        compiled: Pattern = re2.compile(text, options())
    except re2.error as error:
        raise PatternError(_reason(error)) from None
    return compiled


def literal(text: str) -> str:
    """Return an expression for exactly this text."""
    return re.escape(text)


def _reason(error: Exception) -> str:
    message = error.args[0] if error.args else ""
    return message.decode(errors="replace") if isinstance(message, bytes) else str(message)
