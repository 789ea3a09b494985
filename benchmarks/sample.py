"""One measurement of one proxy, and the median of several."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec


class Sample(msgspec.Struct, frozen=True):
    """The figures of one proxy in one round, or the medians of its rounds (counts are then sums).

    `cpu_us`: CPU time per request of the whole process tree in µs; `per_second`: requests;
    `p50_ms`, `p90_ms`, `p99_ms`: latency; `pss_bytes`: memory of the tree at the end of the load;
    `busy`: share of the proxy's core that its tree used, 1.0 for all of it; `requests`: counted requests.
    """

    cpu_us: float
    per_second: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    pss_bytes: float
    busy: float
    requests: int
    errors: int


def combine(samples: Sequence[Sample]) -> Sample:
    """Return the medians of all figures and the sums of counts. Raises StatisticsError for no samples."""
    return Sample(
        cpu_us=median(sample.cpu_us for sample in samples),
        per_second=median(sample.per_second for sample in samples),
        p50_ms=median(sample.p50_ms for sample in samples),
        p90_ms=median(sample.p90_ms for sample in samples),
        p99_ms=median(sample.p99_ms for sample in samples),
        pss_bytes=median(sample.pss_bytes for sample in samples),
        busy=median(sample.busy for sample in samples),
        requests=sum(sample.requests for sample in samples),
        errors=sum(sample.errors for sample in samples),
    )
