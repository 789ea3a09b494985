"""Request counters of one server, as plain integers that a request finds at its target."""

from __future__ import annotations


class ServerCell:
    """Counts of requests for which a server was the last one tried, for one `status` that clients got.

    `buckets` counts requests by duration: one bucket for each interval between the bounds of the worker's
    tallies. `seconds` is the total duration of these requests. `unmeasured` counts connections that switched
    to another protocol. `changed` is set with each count, and reset by the reader.
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
"""The placeholder before the first count; no request has its status."""
