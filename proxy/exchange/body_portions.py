"""Feeds long bodies to filters in portions, between which other requests run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.background.cooperative_yield import CooperativeYield

if TYPE_CHECKING:
    from proxy.http1.body_filter import BodyFilter

PORTION = 16384
"""Bytes that a filter gets at once: compressing them takes at most about 2 ms."""

# All responses of a worker share it: each of several would otherwise take its own stretch.
_yield_to_requests = CooperativeYield(0.002)


def feed_in_portions(body_filter: BodyFilter, data: bytes) -> bytes:
    """Return the filtered bytes that are ready after `data`."""
    if len(data) <= PORTION:
        return body_filter.feed(data)
    ready = [body_filter.feed(data[:PORTION])]
    for start in range(PORTION, len(data), PORTION):
        _yield_to_requests()
        ready.append(body_filter.feed(data[start : start + PORTION]))
    return b"".join(ready)
