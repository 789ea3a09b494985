"""The figures of one load, whichever program sent it."""

from __future__ import annotations

import msgspec


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of a load: `duration` and latency percentiles in microseconds; the others are counts."""

    requests: int
    duration: int
    bytes: int
    p50: int
    p90: int
    p99: int
    connect: int
    read: int
    write: int
    timeout: int
    status: int

    @property
    def errors(self) -> int:
        return self.connect + self.read + self.write + self.timeout + self.status

    @property
    def per_second(self) -> float:
        return self.requests * 1e6 / self.duration
