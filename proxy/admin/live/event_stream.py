"""Server-sent events for one browser: only the parts of its page that changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from proxy.admin.live.counter_deltas import ROUTER, SERVER, TOTAL
from proxy.admin.live.request_rates import RequestRates
from proxy.admin.live.sampler import INTERVAL, Sample, Sampler

if TYPE_CHECKING:
    from proxy.runtime import Runtime

RETRY = 2000
"""Milliseconds after which a browser reconnects when its connection breaks."""

KEEPALIVE_SECONDS = 5 * INTERVAL
"""Seconds after which a comment is sent in any case, so that a closed connection is noticed."""


class EventStream:
    """Builds the events for one browser, and remembers the values already sent."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(dict.fromkeys((TOTAL, ROUTER, *keys)))
        self._sent: dict[str, RequestRates | None] = {}
        self._state: dict[str, Any] = {}

    @property
    def servers(self) -> tuple[str, ...]:
        """The store fields of the servers on the page."""
        return tuple(key.removeprefix(SERVER) for key in self._keys if key.startswith(SERVER))

    def event(self, sample: Sample, revision: int | None) -> bytes:
        """Return the event for one sample."""
        shown = (*self._keys, *sample.busiest)
        changed: dict[str, RequestRates | None] = {}
        for key in shown:
            found = sample.rates(key)
            if key not in self._sent or self._sent[key] != found:
                changed[key] = self._sent[key] = found
        for key in [key for key in self._sent if key not in shown]:
            del self._sent[key]
        state = {
            "revision": revision,
            "problem": sample.problem,
            "busiest": [key.removeprefix(ROUTER) for key in sample.busiest],
            "system": _system(sample),
            "workers": len(sample.workers),
            "instances": len({worker.instance for worker in sample.workers}),
            "connections": sum(sum(worker.connections.values()) for worker in sample.workers),
        }
        changes = {name: value for name, value in state.items() if self._state.get(name, ...) != value}
        self._state = state
        data = {"rates": changed, **changes}
        return b"event: sample\ndata: " + msgspec.json.encode(data) + b"\n\n"


def stream_events(sampler: Sampler, runtime: Runtime, stream: EventStream) -> Iterator[bytes]:
    """Yield events until the browser disconnects or the worker drains."""
    with sampler.subscribe(stream.servers):
        yield b"retry: %d\n\n" % RETRY
        last = 0
        while not runtime.context.draining:
            sample = sampler.wait_for_sample(KEEPALIVE_SECONDS)
            if sample.number == last:
                yield b": keep-alive\n\n"
                continue
            last = sample.number
            yield stream.event(sample, runtime.applier.revision)


def _system(sample: Sample) -> int:
    """Return a hash that changes when the dashboard's System part has to be rendered again."""
    workers = [(each.name, each.revision, each.degraded) for each in sample.workers]
    agents = [
        (each.name, each.role, *((name, its.state) for name, its in each.providers.items()))
        for each in sample.agents
    ]
    return hash((tuple(workers), tuple(agents))) & 0xFFFFFFFF
