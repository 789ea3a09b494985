"""One address that servers have: what is known of it outlives any change of the services that name it."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from typing import TYPE_CHECKING

from proxy.upstream.server_counters import UNCOUNTED, ServerCell
from rondpoint.model import Scheme, Server

if TYPE_CHECKING:
    from proxy.upstream.pool import Pool

Address = tuple[Scheme, str, int]

DECAY_SECONDS = 10.0
"""Seconds after which an observation counts for a third, and one that nothing has followed likewise."""

MINIMUM_WARMTH = 0.1
"""The part of its share with which a server begins its slow start."""


@dataclass(slots=True, eq=False)
class Endpoint:
    """An address and its connections.

    `targets` are the servers of present services that have it; `ejected` tells that none of them takes
    new requests while others do. For services whose strategy asks: `active` counts this worker's requests
    under way.
    """

    pool: Pool
    targets: set[Target] = field(default_factory=set)
    ejected: bool = False
    active: int = 0
    _failure_rate: float = 0.0
    _latency: float = 0.0
    _observed: float = 0.0

    def observe(self, now: float, seconds: float) -> None:
        """An answer has begun at `now` (monotonic), so many seconds after the request was sent."""
        if not self._observed:
            self._latency = seconds
        else:
            # Several in one moment count as much together as one in a second.
            part = 1.0 - exp(-max(now - self._observed, DECAY_SECONDS / 100) / DECAY_SECONDS)
            self._latency += part * (seconds - self._latency)
            self._failure_rate -= part * self._failure_rate
        self._observed = now

    def fail(self, now: float) -> None:
        """A request got no answer."""
        part = 1.0 - exp(-max(now - self._observed, DECAY_SECONDS / 10) / DECAY_SECONDS)
        self._failure_rate += part * (1.0 - self._failure_rate)
        self._observed = now

    def latency(self, now: float) -> float:
        """The mean of recent seconds until an answer began; 0 before there was one.

        It fades while nothing is asked here, so that a server that was slow is tried again.
        """
        return self._latency * exp(-(now - self._observed) / DECAY_SECONDS)

    def failure_rate(self, now: float) -> float:
        """The share of recent requests that got no answer, from 0 to 1; fades likewise."""
        return self._failure_rate * exp(-(now - self._observed) / DECAY_SECONDS)


@dataclass(slots=True, eq=False)
class Target:
    """A server of the service so named, to send to; `host` is its own Host header, `url` what logs call it.

    `draining` is the server's own state; `unavailable` is what the data path looks at: that it takes no new requests
    for now, for whatever reason. `pool` is the endpoint's. Until `warm_at` (monotonic) the server is in its
    slow start, which takes so many seconds. `cell` counts the last request, and mostly the next one.
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
    cell: ServerCell = UNCOUNTED

    def refresh(self) -> None:
        """Tell `unavailable` anew."""
        self.unavailable = self.draining or self.endpoint.ejected

    def warmth(self, now: float) -> float:
        """What part of its share of requests the server gets, for its age: 1 but in a slow start."""
        if now >= self.warm_at:
            return 1.0
        return max(MINIMUM_WARMTH, 1.0 - (self.warm_at - now) / self.slow_start)


def address_of(server: Server) -> Address:
    """Where it is reached; servers of several services may share it."""
    return (server.scheme, server.host, server.port)
