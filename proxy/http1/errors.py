"""The ways in which a message can be wrong."""

from __future__ import annotations


class MessageError(Exception):
    """The base of both."""


class RequestError(MessageError):
    """A client's bytes that must not reach a server; answered with `status`, connection closed."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ResponseError(MessageError):
    """A server's bytes that must not reach a client; answered with 502, server connection dropped."""
