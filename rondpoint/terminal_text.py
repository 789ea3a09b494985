"""What users and containers have named, as text that a terminal shows and does not obey."""

from __future__ import annotations


def printable(line: str) -> str:
    """One line in one line: control characters, and those that turn the direction of text, are escaped."""
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in line
    )
