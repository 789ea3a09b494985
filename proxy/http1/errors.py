"""Exceptions for invalid HTTP messages."""

from __future__ import annotations


class MessageError(Exception):
    """The base class for invalid requests, responses and bodies."""


class RequestError(MessageError):
    """The proxy refuses a request: the client gets `status`, `reason`, and `allow` as the `Allow` header."""

    def __init__(self, status: int, reason: str, *, allow: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.allow = allow


class ResponseError(MessageError):
    """A server's bytes must not reach a client: the client gets 502, and the server connection is closed."""
