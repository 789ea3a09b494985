"""The ways in which an exchange can end without a response."""

from __future__ import annotations


class ClientGoneError(Exception):
    """The client's connection broke while something was sent to it."""


class NoAnswerError(Exception):
    """A server gave no response; `status` is what the client gets when no other can be tried.

    `elsewhere` tells that the request may go to another server; `unwanted` that there was a response, of a
    kind that a retry middleware wants another attempt for.
    """

    def __init__(self, status: int, *, elsewhere: bool, reason: str = "", unwanted: bool = False) -> None:
        super().__init__(reason)
        self.status = status
        self.elsewhere = elsewhere
        self.unwanted = unwanted
        self.reason = reason

    @property
    def counts_as_failure(self) -> bool:
        """Whether it is for the server that there is no response: no fault of the client's, or of ours."""
        return self.status in (502, 504) and not self.unwanted
