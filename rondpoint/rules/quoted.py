"""Reads and writes Go's string literals: raw in back quotes, or with escapes in double quotes."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\\"])|(.?))", re.DOTALL
)
_SINGLE = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))


class QuotedError(ValueError):
    """A literal that Go would not accept; `position` is the offset of the error in it."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def unquote(literal: str) -> str:
    """Return the text of a literal with its quotes. Raises QuotedError."""
    inner = literal[1:-1]
    return inner if literal.startswith("`") else _ESCAPE.sub(_escaped, inner)


def quote(text: str) -> str:
    """Return a literal for `text`."""
    if "`" not in text:
        return f"`{text}`"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _escaped(match: re.Match[str]) -> str:
    two, four, eight, octal, single, other = match.groups()
    if single is not None:
        return _SINGLE[single]
    number = int(two or four or eight, 16) if octal is None and other is None else None
    if octal is not None:
        number = int(octal, 8)
    if number is None or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise QuotedError(f"unknown escape {match.group()}", match.start() + 1)
    return chr(number)
