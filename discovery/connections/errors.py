"""Errors of connections: with a hint for the operator, down to their root causes, and as one line."""

from __future__ import annotations

from collections.abc import Iterator

_MAX_TEXT = 200


class HintedError(Exception):
    """An error for an operator: `message` says what failed, `hint` what would help, if that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield `error` and all errors that it wraps.

    The SDKs and requests wrap errors as causes, as contexts and as arguments.
    """
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        wrapped = (current.__cause__, current.__context__, getattr(current, "reason", None), *current.args)
        waiting += [each for each in wrapped if isinstance(each, BaseException)]


def one_line(text: object) -> str:
    """Return the first 200 characters of a text or error, with all white space as single spaces."""
    return " ".join(str(text).split())[:_MAX_TEXT]
