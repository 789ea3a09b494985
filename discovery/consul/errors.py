"""Exceptions of the Consul client."""

from __future__ import annotations

from discovery.connections.errors import HintedError


class ConsulError(HintedError):
    """A failed call to Consul."""


class UnreachableError(ConsulError):
    """The agent does not respond: wrong address, not started yet, network, TLS, or too slow."""


class NoLeaderError(ConsulError):
    """The agent responds, but its servers have no leader, or it can reach none of them."""


class RefusedError(ConsulError):
    """The token lacks a permission, which `permission` names: `key:read on 'traefik/'`."""

    def __init__(self, message: str, hint: str = "", permission: str = "") -> None:
        super().__init__(message, hint)
        self.permission = permission


class BadResponseError(ConsulError):
    """The response is an error or not a response of Consul's API."""


class ClosedError(ConsulError):
    """The client was closed, possibly by another thread while a call waited."""
