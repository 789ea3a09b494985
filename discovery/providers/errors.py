"""The exception that a provider raises if it cannot read its source."""

from __future__ import annotations


class ProviderError(Exception):
    """A fault outside Rondpoint: `message` says what failed, `hint` what would help, if that is known.

    The agent keeps the provider's last configuration in force and tries again.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class NotPermittedError(ProviderError):
    """The source refuses the credentials, or lack a permission; so would its other endpoints."""
