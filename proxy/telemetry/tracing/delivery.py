"""The result of sending a batch of spans to a collector, and the interface of senders."""

from __future__ import annotations

from typing import NamedTuple, Protocol

TIMEOUTS = (3.05, 10.0)
"""Seconds to connect to the collector, and to wait for its response."""


class Delivery(NamedTuple):
    """The result of one attempt to send a batch.

    `error` is empty if the collector accepted the batch; otherwise `retryable` tells whether to send it
    again. An accepted batch may still have `rejected` spans, or a `warning` of the collector.
    """

    error: str = ""
    retryable: bool = False
    rejected: int = 0
    warning: str = ""


class Sender(Protocol):
    """Sends spans to the collector at `endpoint`."""

    endpoint: str

    def send(self, body: bytes) -> Delivery:
        """Send an ExportTraceServiceRequest, compressed with gzip."""
