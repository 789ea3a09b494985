"""The exception for a client that has left, and the protocol of what a client waits for."""

from __future__ import annotations

from typing import Protocol


class ClientGoneError(Exception):
    """The client's connection broke, or the client left before its response had begun."""


class Awaited(Protocol):
    """What a client waits for before its response begins: the stream of a server, for example."""

    def has_bytes(self) -> bool:
        """Return whether the response has arrived already."""

    def expire(self) -> None:
        """End the wait; the event loop calls this when the client has left."""
