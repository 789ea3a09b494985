"""Counts the content that all connections of a worker hold because no server has taken it yet."""

from __future__ import annotations

from sys import maxsize

WORKER_LIMIT = 64 << 20
"""Bytes of unread request content beyond which a worker's connections get only small windows."""


class UnreadContent:
    """The bytes of content that connections hold together, and how many there should be at most.

    Without a `limit` any number may be held.
    """

    __slots__ = ("held", "limit")

    def __init__(self, limit: int = maxsize) -> None:
        self.held = 0
        self.limit = limit
