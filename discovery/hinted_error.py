"""The base of errors that say what failed, and what would help."""

from __future__ import annotations


class HintedError(Exception):
    """An error for an operator: `message` says what failed, `hint` what would help, if that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message
