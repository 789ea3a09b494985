"""Server addresses: their connections, observations and targets, which survive changes of services."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import TYPE_CHECKING

from proxy.upstream.server_counters import UNCOUNTED, ServerCell
from rondpoint.model import Server, ServersTransport

if TYPE_CHECKING:
    from proxy.upstream.pool import Pool

Address = tuple[str, str, int]
"""Scheme, host and port of a server; the scheme of TCP services is `tcp`."""

DECAY_SECONDS = 10.0
"""Seconds after which an observation counts for a third, whether or not others follow it."""

MINIMUM_WARMTH = 0.1
"""The fraction of its share with which a server begins its slow start."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """An address under one transport: its connections, and what this worker observed of it.

    A `transport` of None is the default. `targets` are the servers of current services with this transport at
    this address. While `ejected` is set, they take no new
    requests as long as other servers do. `active` counts this worker's active requests, only for services
    whose strategy needs it.
    """

    pool: Pool
    transport: ServersTransport | None = None
    targets: set[Target] = field(default_factory=set)
    ejected: bool = False
    active: int = 0
    _failure_rate: float = 0.0
    _latency: float = 0.0
    _observed: float = 0.0

    def observe(self, now: float, seconds: float) -> None:
        """Record that a response began at `now` (monotonic), `seconds` after the request was sent."""
        if not self._observed:
            self._latency = seconds
        else:
            # Ten simultaneous observations together count as much as one that comes after a second.
            weight = 1.0 - exp(-max(now - self._observed, DECAY_SECONDS / 100) / DECAY_SECONDS)
            self._latency += weight * (seconds - self._latency)
            self._failure_rate -= weight * self._failure_rate
        self._observed = now

    def fail(self, now: float) -> None:
        """Record that a request got no response."""
        weight = 1.0 - exp(-max(now - self._observed, DECAY_SECONDS / 10) / DECAY_SECONDS)
        self._failure_rate += weight * (1.0 - self._failure_rate)
        self._observed = now

    def latency(self, now: float) -> float:
        """Return the recent mean of seconds until a response began; 0 before the first response.

        The value fades while the server gets no requests, so that a server that was slow is tried again.
        """
        return self._latency * exp(-(now - self._observed) / DECAY_SECONDS)

    def failure_rate(self, now: float) -> float:
        """Return the fraction of recent requests without a response, from 0 to 1; it fades likewise."""
        return self._failure_rate * exp(-(now - self._observed) / DECAY_SECONDS)


@dataclass(slots=True, eq=False)
class Target:
    """A server of the named service; `host` is its own Host header value, `url` its name in logs.

    `draining` is the server's own state. While `unavailable` is set, the target takes no new requests, for
    whatever reason; the data path reads only this. `pool` is the endpoint's pool. Until `warm_at` (monotonic)
    the server is in its slow start, which takes `slow_start` seconds. While `failing` is set, it is ejected
    for this service alone; `failed_at` are the times (monotonic) of its last failed requests in a row, if the
    service has a passive health check. `cell` is the counter of the last request, and usually that of the
    next one.
    """

    server: Server
    service: str
    endpoint: Endpoint
    pool: Pool
    host: bytes
    url: str
    draining: bool
    unavailable: bool
    warm_at: float = 0.0
    slow_start: float = 0.0
    failing: bool = False
    failed_at: tuple[float, ...] = ()
    cell: ServerCell = UNCOUNTED

    def refresh(self) -> None:
        """Compute `unavailable` anew."""
        self.unavailable = self.draining or self.ejected

    @property
    def address(self) -> Address:
        return address_of(self.server)

    @property
    def ejected(self) -> bool:
        """Whether the server is ejected, for all services or for this one."""
        return self.endpoint.ejected or self.failing

    def warmth(self, now: float) -> float:
        """Return the fraction of its share that the server gets: below 1 during its slow start."""
        if now >= self.warm_at:
            return 1.0
        return max(MINIMUM_WARMTH, 1.0 - (self.warm_at - now) / self.slow_start)


def address_of(server: Server) -> Address:
    """Return the address of a server; servers of several services may share it."""
    return (server.scheme, server.host, server.port)
