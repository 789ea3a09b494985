"""Tells the store once a second what this worker has counted; nothing of the data path waits for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import time

import gevent
import redis
from msgspec.structs import replace

from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.server_metrics_reporter import ServerReporter
from proxy.telemetry.tallies import Tallies, Tally
from rondpoint.store.corrupt_keys import begun_anew
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import OWN, Counts, Own, forget_counts, write_counts
from rondpoint.store.retired_workers import Known, retire
from rondpoint.store.workers import FORGOTTEN_AFTER, WorkerStatus, read_workers, remove_workers, write_worker

INTERVAL = 1.0

BATCH = 200
"""Fields told in one go, between which requests get their turn."""

MOST = 1_000
"""Fields looked at in one round; where there are more, they take turns."""

ROLL_CALL = 5
"""Rounds after which the other workers of this proxy are looked for."""


class Reporter:
    """`status` and `own` give this worker's account of itself, `known` the names in force.

    The tallies of routers that are gone are dropped, and what dead workers of this proxy have counted is
    added up.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        tallies: Tallies,
        status: Callable[[], WorkerStatus],
        own: Callable[[], Own],
        known: Callable[[], Known],
    ) -> None:
        self._client = client
        self._keys = keys
        self._tallies = tallies
        self._status = status
        self._own = own
        self._known = known
        self._me = status()
        self._servers = ServerReporter(client, keys, tallies.servers, self._me.name)
        self._next = 0
        self._gone: set[str] = set()
        self._round = 0
        self._reloads = 0
        self._told: Own | None = None

    def run(self) -> None:
        """Report until killed; a store that does not answer is told everything later."""
        while True:
            try:
                if not self._round:
                    self._begin()
                elif not self._round % ROLL_CALL:
                    self.call_the_roll()
                self.report()
                self._round += 1
            except (redis.RedisError, OSError):
                # The watcher has complained of it.
                self._all_changed()
            gevent.sleep(INTERVAL)

    def report(self) -> None:
        """Write what has changed. Raises redis.RedisError."""
        known = self._known()
        tallies = self._tallies
        fields = tallies.fields()
        if self._next >= len(fields):
            self._next = 0
        if not self._next:
            self._gone.update(tallies.forget_all_but(known.routers, known.services))
            fields = tallies.fields()
        self._gone.difference_update(fields)
        looked_at = list(fields)[self._next : self._next + MOST]
        self._next += MOST
        # Together, lest a reader misses or finds twice what has moved from one field to another.
        together = list(tallies.replaced)
        tallies.replaced.clear()
        changed = [name for name in looked_at if fields[name].changed and name not in together]
        self._write([*together, *changed[:BATCH]])
        for start in range(BATCH, len(changed), BATCH):
            self._write(changed[start : start + BATCH])
        self._servers.report(known.servers)
        status = self._status()
        write_worker(self._client, self._keys, replace(status, reloads=status.reloads + self._reloads))

    def finish(self) -> None:
        """Tell everything, and leave it to the instance. Raises redis.RedisError."""
        self._next = 0
        while True:
            self.report()
            if self._next >= len(self._tallies.fields()):
                break
        self._servers.begin()
        while not self._servers.report(self._known().servers):
            pass
        self._retire(self._me)

    def call_the_roll(self) -> None:
        """Take over from workers that are dead. Raises redis.RedisError."""
        now = time()
        for worker in self._workers().values():
            if worker.instance == self._me.instance:
                if not _is_there(worker.pid):
                    self._retire(worker)
            elif now - worker.seen_at > FORGOTTEN_AFTER:
                remove_workers(self._client, self._keys, worker.name)

    def _begin(self) -> None:
        """Go on where the instance is, and do not take a namesake's counts for one's own."""
        workers = self._workers()
        namesake = workers.get(self._me.name)
        mine = [worker for worker in workers.values() if worker.instance == self._me.instance]
        if namesake is not None and namesake in mine:
            self._retire(namesake)
        else:
            forget_counts(self._client, self._keys, self._me.name)
        # Its own first revision is no new one.
        self._reloads = max(0, max((worker.reloads for worker in mine), default=0) - 1)

    def _workers(self) -> dict[str, WorkerStatus]:
        with begun_anew(self._client, self._keys.workers):
            return read_workers(self._client, self._keys)

    def _retire(self, worker: WorkerStatus) -> None:
        try:
            retire(self._client, self._keys, worker.name, worker.instance, self._known(), CooperativeYield())
        except redis.WatchError:
            # Another one of this proxy does it.
            return
        remove_workers(self._client, self._keys, worker.name)

    def _write(self, names: Iterable[str]) -> None:
        told: list[Tally] = []
        counts: dict[str, Counts | Own] = {}
        own = self._own()
        if own != self._told:
            counts[OWN] = self._told = own
        for name in names:
            tally = self._tallies.get(name)
            if tally is not None:
                # Before anything is waited for, in which more may be counted.
                tally.changed = False
                told.append(tally)
                counts[name] = tally.counts()
        try:
            whole = write_counts(self._client, self._keys, self._me.name, counts, self._gone)
        except BaseException:
            # A worker that leaves breaks this off, and tells it again.
            self._told = None
            for tally in told:
                tally.changed = True
            raise
        self._gone.clear()
        if not whole:
            # The store has lost what it was told.
            self._all_changed()

    def _all_changed(self) -> None:
        self._told = None
        for tally in self._tallies.fields().values():
            tally.changed = bool(tally.label_sets)
        self._servers.all_changed()


def _is_there(pid: int) -> bool:
    try:
        with suppress(PermissionError):
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
