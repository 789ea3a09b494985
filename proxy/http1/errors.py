"""The ways in which a message can be wrong."""

from __future__ import annotations


class MessageError(Exception):
    """The base of both."""


class RequestError(MessageError):
    """A request that goes no further: the client gets `status`, `reason`, and `allow` as `Allow` header."""

    def __init__(self, status: int, reason: str, *, allow: str = "") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.allow = allow


class ResponseError(MessageError):
    """A server's bytes that must not reach a client; answered with 502, server connection dropped."""
