"""What one browser is told: of what it shows, that which has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from proxy.admin.live.counter_deltas import ROUTER, SERVER, TOTAL
from proxy.admin.live.request_rates import Flow
from proxy.admin.live.sampler import INTERVAL, Beat, Pulse

if TYPE_CHECKING:
    from proxy.runtime import Runtime

RETRY = 2000
"""Milliseconds after which a browser whose connection broke asks again."""

PATIENCE = 5 * INTERVAL
"""Seconds after which a browser is told something in any case, so that one that is gone is noticed."""


class Telling:
    """Remembers what its browser was told."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = tuple(dict.fromkeys((TOTAL, ROUTER, *keys)))
        self._told: dict[str, Flow | None] = {}
        self._signs: dict[str, Any] = {}

    @property
    def servers(self) -> tuple[str, ...]:
        """The fields of the servers among what it shows."""
        return tuple(key.removeprefix(SERVER) for key in self._keys if key.startswith(SERVER))

    def event(self, beat: Beat, revision: int | None) -> bytes:
        """The event of one beat."""
        shown = (*self._keys, *beat.busiest)
        changed: dict[str, Flow | None] = {}
        for key in shown:
            found = beat.flow(key)
            if key not in self._told or self._told[key] != found:
                changed[key] = self._told[key] = found
        for key in [key for key in self._told if key not in shown]:
            del self._told[key]
        signs = {
            "revision": revision,
            "problem": beat.problem,
            "busiest": [key.removeprefix(ROUTER) for key in beat.busiest],
            "system": _system(beat),
            "workers": len(beat.workers),
            "instances": len({worker.instance for worker in beat.workers}),
            "connections": sum(sum(worker.connections.values()) for worker in beat.workers),
        }
        news = {name: sign for name, sign in signs.items() if self._signs.get(name, ...) != sign}
        self._signs = signs
        data = {"flows": changed, **news}
        return b"event: beat\ndata: " + msgspec.json.encode(data) + b"\n\n"


def told(pulse: Pulse, parts: Runtime, telling: Telling) -> Iterator[bytes]:
    """Event after event, until the browser leaves or the worker does."""
    with pulse.listening(telling.servers):
        yield b"retry: %d\n\n" % RETRY
        last = 0
        while not parts.context.draining:
            beat = pulse.wait(PATIENCE)
            if beat.number == last:
                yield b": still here\n\n"
                continue
            last = beat.number
            yield telling.event(beat, parts.applier.revision)


def _system(beat: Beat) -> int:
    """Differs when there is something new to show of workers and agents."""
    workers = [(each.name, each.revision, each.degraded) for each in beat.workers]
    agents = [
        (each.name, each.role, *((name, its.state) for name, its in each.providers.items()))
        for each in beat.agents
    ]
    return hash((tuple(workers), tuple(agents))) & 0xFFFFFFFF
