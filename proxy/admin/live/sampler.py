"""Reads the counts from the store once a second while dashboards are open, once for all of this worker."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from math import ceil
from time import monotonic, time
from typing import Any

import gevent
import redis
from gevent.event import Event
from msgspec import Struct

from proxy.admin.live.counter_deltas import ROUTER, CounterDeltas, Hash
from proxy.admin.live.request_rates import RequestRates, Vector, rates, request_count
from proxy.admin.live.sliding_window import SlidingWindow
from proxy.admin.live.watched_servers import WatchedServers
from proxy.background.cooperative_yield import CooperativeYield
from proxy.background.supervised_task import supervised
from proxy.telemetry import metrics_reporter, server_metrics_reporter
from rondpoint.store.agents import AgentStatus, read_agents
from rondpoint.store.keys import Keys
from rondpoint.store.transaction import Command, read_atomically
from rondpoint.store.workers import WorkerStatus, read_workers

INTERVAL = 1.0
"""Seconds between two samples."""

WINDOW_SECONDS = 5
"""Minimum seconds over which rates are averaged."""

BUSIEST_COUNT = 8
"""Busiest routers that every browser receives."""

MAX_LISTENERS = 40
"""Browsers that one worker serves with events; its admin entry point must stay free for other requests."""


class Sample(Struct, frozen=True):
    """The values of one read. `problem` says why the read failed; the other fields are then empty.

    `sums` covers `span` seconds. `servers` holds sums as well, each with its own span.
    """

    number: int = 0
    span: float = 0.0
    sums: Mapping[str, Vector] = {}
    servers: Mapping[str, tuple[Vector, float]] = {}
    busiest: tuple[str, ...] = ()
    workers: tuple[WorkerStatus, ...] = ()
    agents: tuple[AgentStatus, ...] = ()
    problem: str = ""

    def rates(self, key: str) -> RequestRates | None:
        """Return the rates of a key, or None without requests."""
        vector, span = self.servers.get(key) or (self.sums.get(key), self.span)
        return None if vector is None or not span else rates(vector, span)


class Sampler:
    """Takes samples for the listeners of one worker.

    `routers` and `servers` return the number of routers and servers. Workers report a limited number of them
    per second, so rates of larger configurations are averaged over a longer window.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        routers: Callable[[], int],
        servers: Callable[[], int] = lambda: 0,
    ) -> None:
        self._client = client
        self._keys = keys
        self._routers = routers
        self._servers = servers
        self._watched = WatchedServers()
        self._listeners = 0
        self._reading: gevent.Greenlet[..., None] | None = None
        self._next = Event()
        self.sample = Sample()

    @property
    def is_full(self) -> bool:
        """Whether the maximum number of listeners is reached."""
        return self._listeners >= MAX_LISTENERS

    @property
    def is_reading(self) -> bool:
        return self._reading is not None

    @contextmanager
    def subscribe(self, servers: Collection[str] = ()) -> Iterator[None]:
        """Sample while the context is open, including the servers with these store fields."""
        self._listeners += 1
        if self._reading is None:
            self._reading = gevent.spawn(supervised, self._run)
        try:
            with self._watched.watch(servers):
                yield
        finally:
            self._listeners -= 1

    def wait_for_sample(self, seconds: float) -> Sample:
        """Return the next sample, or the previous one again if none comes within `seconds`."""
        self._next.wait(seconds)
        return self.sample

    def _run(self) -> None:
        deltas, window = CounterDeltas(), SlidingWindow(monotonic())
        self._watched.begin()
        due = monotonic()
        while self._listeners:
            try:
                self.sample = self._read_sample(deltas, window)
            except (redis.RedisError, OSError) as error:
                self.sample = Sample(self.sample.number + 1, problem=f"the store does not respond: {error}")
            reached, self._next = self._next, Event()
            reached.set()
            # After a slow read, do not catch up.
            due = max(due + INTERVAL, monotonic() + INTERVAL / 2)
            gevent.sleep(due - monotonic())
        self._reading = None
        self.sample = Sample()

    def _read_sample(self, deltas: CounterDeltas, window: SlidingWindow) -> Sample:
        yield_if_due = CooperativeYield()
        workers = read_workers(self._client, self._keys)
        agents = read_agents(self._client, self._keys)
        # One transaction for all workers and instances: counts that move between hashes are in exactly one.
        names = sorted({*workers, *(worker.instance for worker in workers.values())})
        commands: list[Command] = [("HGETALL", self._keys.metrics(name)) for name in names]
        commands += self._watched.commands(self._keys, names, monotonic())
        replies = read_atomically(self._client, commands, yield_if_due) if commands else []
        hashes = {name: _fields(reply) for name, reply in zip(names, replies, strict=False)}
        counted = deltas.compare(hashes, yield_if_due)
        window.add(
            monotonic(), counted, _window_length(self._routers(), metrics_reporter.MAX_FIELDS), yield_if_due
        )
        length = _window_length(self._servers(), server_metrics_reporter.MAX_SERVERS)
        servers = self._watched.read_replies(names, replies[len(names) :], monotonic(), length, yield_if_due)
        sums = dict(window.sums)
        now = time()
        routers = [key for key in sums if key.startswith(ROUTER) and key != ROUTER]
        return Sample(
            number=self.sample.number + 1,
            span=window.span,
            sums=sums,
            servers=servers,
            busiest=tuple(
                heapq.nlargest(BUSIEST_COUNT, routers, key=lambda key: (request_count(sums[key]), key))
            ),
            workers=tuple(worker for worker in workers.values() if worker.alive(now)),
            agents=tuple(agent for agent in agents.values() if agent.alive(now)),
        )


def _window_length(count: int, most: int) -> float:
    """Return the seconds of the window for `count` objects, of which workers report `most` per second.

    The window covers at least two full reporting cycles, so that rates do not fluctuate with the cycles.
    """
    return max(WINDOW_SECONDS, 2 * ceil(count / most))


def _fields(reply: Any) -> Hash:
    """Decode a hash reply of RESP3 or RESP2; return an empty hash for an error reply."""
    if isinstance(reply, dict):
        return reply
    return {} if isinstance(reply, Exception) else dict(zip(*[iter(reply)] * 2, strict=True))
