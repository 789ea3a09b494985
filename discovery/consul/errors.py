"""What Consul's faults mean; each says what failed and what would help."""

from __future__ import annotations


class ConsulError(Exception):
    """A fault of Consul or of the way to it: `message` says what failed, `hint` what would help."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UnreachableError(ConsulError):
    """No agent answers: wrong address, not started yet, network, TLS, or too slow."""


class NoLeaderError(ConsulError):
    """The agent answers, but its servers have no leader, or none can be reached."""


class RefusedError(ConsulError):
    """The token does not suffice; `permission` names what it lacks: `key:read on 'traefik/'`."""

    def __init__(self, message: str, hint: str = "", permission: str = "") -> None:
        super().__init__(message, hint)
        self.permission = permission


class BadResponseError(ConsulError):
    """What came back is no answer to the question."""


class ClosedError(ConsulError):
    """The client was closed, perhaps by another thread while a call waited."""
