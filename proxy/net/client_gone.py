"""The exception for a client that has left, whoever notices it."""

from __future__ import annotations


class ClientGoneError(Exception):
    """The client's connection broke, or the client left before its response had begun."""
