"""Exceptions of DNS-01."""

from __future__ import annotations

from discovery.acme.challenges.challenge import ResponderError


class DnsChallengeError(ResponderError):
    """A failed step of DNS-01: its text says what failed, `hint` what would help. Neither holds a secret."""


class ConfigurationError(DnsChallengeError):
    """The resolver's options, its variables or an installed package are wrong; trying again does not help."""


class ProviderError(DnsChallengeError):
    """A provider's API is unreachable, too slow, or refused a change."""


class QueryError(DnsChallengeError):
    """No name server answers a query that the challenge depends on."""


class PropagationError(DnsChallengeError):
    """A name server does not show the TXT record within the time-out."""


class StoppedError(DnsChallengeError):
    """The agent stops or lost the lease while a challenge waited."""
