"""Writes this worker's changed metrics to the store once a second; the data path never waits for it.

While nothing changes, it writes only its signs of life.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic, time

import gevent
import redis
from msgspec.structs import replace

from proxy.background.cooperative_yield import CooperativeYield
from proxy.telemetry.connections.reporter import ConnectionReporter
from proxy.telemetry.server_metrics_reporter import ServerMetricsReporter
from proxy.telemetry.tallies import Tallies, Tally
from rondpoint.store.corrupt_keys import drop_if_wrong_type
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import WORKER_FIELD, Counts, WorkerCounts, drop_counts, write_counts
from rondpoint.store.retired_workers import ActiveNames, retire
from rondpoint.store.workers import FORGOTTEN_AFTER, WorkerStatus, read_workers, remove_workers, write_worker
from rondpoint.ticks import seconds_to_tick

INTERVAL = 1.0

RENEWAL = 3.0
"""Seconds between two writes while nothing changes; much less than the time until a worker counts as dead."""

BATCH = 200
"""Fields written at once; requests are served between two batches."""

MAX_FIELDS = 1_000
"""Fields examined in one round; the next round continues after them."""

DEAD_WORKER_CHECK = 5
"""Rounds between two checks for dead workers of this proxy."""


class MetricsReporter:
    """Writes tallies and worker status to the store.

    `status` and `own` return this worker's status and its own counts; `known` returns the names of the
    current configuration. The reporter drops the tallies of removed routers and adds up the counts of dead
    workers of this proxy.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        tallies: Tallies,
        status: Callable[[], WorkerStatus],
        own: Callable[[], WorkerCounts],
        known: Callable[[], ActiveNames],
    ) -> None:
        self._client = client
        self._keys = keys
        self._tallies = tallies
        self._status = status
        self._own = own
        self._known = known
        self._this_worker = status()
        self._servers = ServerMetricsReporter(client, keys, tallies.servers, self._this_worker.name)
        self._connections = ConnectionReporter(client, keys, tallies.connections, self._this_worker.name)
        self._next = 0
        self._removed: set[str] = set()
        self._round = 0
        self._reloads = 0
        self._reported_own: WorkerCounts | None = None
        self._reported_status: WorkerStatus | None = None
        self._renewal_due = 0.0

    def run(self) -> None:
        """Report until killed; after an error, write everything again."""
        while True:
            try:
                if not self._round:
                    self._begin()
                elif not self._round % DEAD_WORKER_CHECK:
                    self.retire_dead_workers()
                self.report()
                self._round += 1
            except (redis.RedisError, OSError):
                # The watcher logs that the store is down.
                self._all_changed()
            gevent.sleep(seconds_to_tick(INTERVAL))

    def report(self) -> None:
        """Write the changed counts, and the worker's status if it changed. Raises redis.RedisError."""
        known = self._known()
        status, renew = self._status_to_report()
        tallies = self._tallies
        fields = tallies.fields()
        if self._next >= len(fields):
            self._next = 0
        if not self._next:
            self._removed.update(tallies.keep_only(known.routers, known.services))
            fields = tallies.fields()
        self._removed.difference_update(fields)
        examined = list(fields)[self._next : self._next + MAX_FIELDS]
        self._next += MAX_FIELDS
        # One write for both fields of each move, so that no reader misses the counts or counts them twice.
        replaced = list(tallies.replaced)
        tallies.replaced.clear()
        changed = [name for name in examined if fields[name].changed and name not in replaced]
        self._write([*replaced, *changed[:BATCH]])
        for start in range(BATCH, len(changed), BATCH):
            self._write(changed[start : start + BATCH])
        self._servers.report(known.servers)
        self._connections.report(known.connections)
        if renew:
            self._renew(status)

    def finish(self) -> None:
        """Write everything and add it to the instance's counts. Raises redis.RedisError."""
        self._next = 0
        self._renewal_due = 0.0
        while True:
            self.report()
            if self._next >= len(self._tallies.fields()):
                break
        self._tallies.connections.count_all_bytes()
        self._connections.report(self._known().connections)
        self._servers.restart()
        while not self._servers.report(self._known().servers):
            pass
        self._retire(self._this_worker)

    def retire_dead_workers(self) -> None:
        """Add the counts of this proxy's dead workers to the instance.

        Also remove workers of other proxies that were not seen for FORGOTTEN_AFTER seconds. Raises
        redis.RedisError.
        """
        now = time()
        for worker in self._workers().values():
            if worker.instance == self._this_worker.instance:
                if not _is_alive(worker.pid):
                    self._retire(worker)
            elif now - worker.seen_at > FORGOTTEN_AFTER:
                remove_workers(self._client, self._keys, worker.name)

    def _begin(self) -> None:
        """Take over the instance's reload count; clear the counts of an earlier worker with the same name."""
        workers = self._workers()
        namesake = workers.get(self._this_worker.name)
        siblings = [worker for worker in workers.values() if worker.instance == self._this_worker.instance]
        if namesake is not None and namesake in siblings:
            self._retire(namesake)
        else:
            drop_counts(self._client, self._keys, self._this_worker.name)
        # The first revision of a new worker is no reload of the instance.
        self._reloads = max(0, max((worker.reloads for worker in siblings), default=0) - 1)

    def _workers(self) -> dict[str, WorkerStatus]:
        with drop_if_wrong_type(self._client, self._keys.workers):
            return read_workers(self._client, self._keys)

    def _retire(self, worker: WorkerStatus) -> None:
        try:
            retire(self._client, self._keys, worker.name, worker.instance, self._known(), CooperativeYield())
        except redis.WatchError:
            # Another worker of this proxy is doing it.
            return
        remove_workers(self._client, self._keys, worker.name)

    def _status_to_report(self) -> tuple[WorkerStatus, bool]:
        """Return the status, and whether it must be written: it has changed, or the renewal is due."""
        status = self._status()
        status = replace(status, reloads=status.reloads + self._reloads)
        return status, monotonic() >= self._renewal_due or _without_times(status) != self._reported_status

    def _renew(self, status: WorkerStatus) -> None:
        stored = write_worker(self._client, self._keys, status)
        self._reported_status = _without_times(status)
        # Half an interval earlier, because rounds are not exactly an interval apart.
        self._renewal_due = monotonic() + RENEWAL - INTERVAL / 2
        if not stored.routers:
            # The store has lost the earlier counts.
            self._all_changed()
            return
        if not stored.servers:
            self._servers.all_changed()
        if not stored.connections:
            self._connections.all_changed()

    def _write(self, names: Iterable[str]) -> None:
        """Write the counts of `names`, and the worker's own if they changed."""
        written: list[Tally] = []
        counts: dict[str, Counts | WorkerCounts] = {}
        own = self._own()
        if own != self._reported_own:
            counts[WORKER_FIELD] = self._reported_own = own
        for name in names:
            tally = self._tallies.get(name)
            if tally is not None:
                # Reset it before the write: requests may be counted while the write waits.
                tally.changed = False
                written.append(tally)
                counts[name] = tally.counts()
        if not (counts or self._removed):
            return
        try:
            whole = write_counts(self._client, self._keys, self._this_worker.name, counts, self._removed)
        except BaseException:
            # A leaving worker interrupts this write and writes the counts again in `finish`.
            self._reported_own = None
            for tally in written:
                tally.changed = True
            raise
        self._removed.clear()
        if not whole:
            # The store has lost the earlier counts.
            self._all_changed()

    def _all_changed(self) -> None:
        self._reported_own = None
        self._renewal_due = 0.0
        for tally in self._tallies.fields().values():
            tally.changed = bool(tally.label_sets)
        self._servers.all_changed()
        self._connections.all_changed()


def _without_times(status: WorkerStatus) -> WorkerStatus:
    """Return the status without the times that change while nothing happens."""
    return replace(status, seen_at=0.0, confirmed_at=0.0)


def _is_alive(pid: int) -> bool:
    try:
        with suppress(PermissionError):
            os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
