"""The exceptions of a session with ZooKeeper that are no provider errors."""

from __future__ import annotations


class ClosedError(Exception):
    """Another thread of this program has ended the session."""
