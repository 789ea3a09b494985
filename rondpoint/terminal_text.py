"""Makes text from users and containers safe for a terminal."""

from __future__ import annotations


def printable(line: str) -> str:
    """Escape control characters, also those that end a line or change the direction of text."""
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in line
    )
