"""What a server was asked for, in plain integers that a request finds with its target."""

from __future__ import annotations


class ServerCell:
    """Requests that a server was the last to be asked for, of one `status` as the client got it.

    `buckets` lie beside the bounds of the worker's tallies, each for its own interval; `seconds` is the time
    of all counted in them. A connection that was handed over to another protocol is `unmeasured`. `changed`
    is set with each count, and taken back by who reads them.
    """

    __slots__ = ("buckets", "changed", "seconds", "status", "unmeasured")

    def __init__(self, buckets: int, status: int) -> None:
        self.status = status
        self.buckets = [0] * buckets
        self.seconds = 0.0
        self.unmeasured = 0
        self.changed = False

    @property
    def requests(self) -> int:
        return sum(self.buckets) + self.unmeasured


UNCOUNTED = ServerCell(0, -1)
"""Stands where nothing was counted yet: no request has its status."""
