"""The exception that a provider raises if it cannot read its source."""

from __future__ import annotations

from discovery.connections.errors import HintedError


class ProviderError(HintedError):
    """A fault outside Rondpoint: `message` says what failed, `hint` what would help, if that is known.

    The agent keeps the provider's last configuration in force and tries again.
    """


class NotPermittedError(ProviderError):
    """The source refuses the credentials, or lack a permission; so would its other endpoints."""
