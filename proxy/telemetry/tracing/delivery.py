"""What becomes of a batch of spans that a collector was sent."""

from __future__ import annotations

from typing import NamedTuple, Protocol

TIMEOUTS = (3.05, 10.0)
"""Seconds for a connection to the collector, and for its answer."""


class Delivery(NamedTuple):
    """`reason` is empty where it was taken; `again` tells that it may be sent once more.

    Of what was taken the collector may have `rejected` some spans, or have a `warning` to give.
    """

    error: str = ""
    retryable: bool = False
    rejected: int = 0
    warning: str = ""


class Sender(Protocol):
    """One way to a collector, which is at `where`."""

    endpoint: str

    def send(self, body: bytes) -> Delivery:
        """Send an ExportTraceServiceRequest, compressed with gzip."""
