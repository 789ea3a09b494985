"""gunicorn's master, which replaces a worker when it begins to leave, not after it has left."""

from __future__ import annotations

import signal
from itertools import count
from typing import cast

from gunicorn.arbiter import Arbiter

from proxy.authentication.instance_secret import INSTANCE_SECRET
from proxy.circuit_breaker.shared_memory import BREAKERS
from proxy.limits.in_flight_counts import IN_FLIGHT
from proxy.process.handover import Departure, last_retired_age, retire_up_to
from proxy.process.udp_sockets import UDP_SOCKETS
from proxy.process.worker import ProxyWorker

# Importing these here makes them, so that all workers inherit the same ones.
_ = (INSTANCE_SECRET, BREAKERS)


class Master(Arbiter):
    """An arbiter that does not count leaving workers, and handles signals while they leave.

    gunicorn has no setting for this class, so `install_master` turns the arbiter into one at its start.
    """

    _reloading = False
    _graceful_timeout = 0

    def manage_workers(self) -> None:
        leaving = {
            pid: worker
            for pid, worker in self.WORKERS.items()
            if cast("ProxyWorker", worker).departure_notice.departure is not Departure.NONE
        }
        for pid in leaving:
            del self.WORKERS[pid]
        try:
            super().manage_workers()
        finally:
            self.WORKERS.update(leaving)
        if self._reloading:
            # gunicorn's reload would now wait for the old workers, and ignore signals and dead workers
            # meanwhile.
            self._graceful_timeout = self.cfg.graceful_timeout
            self.cfg.set("graceful_timeout", 0)

    def spawn_worker(self) -> int:
        row = IN_FLIGHT.claim()
        UDP_SOCKETS.slot = self._free_slot()
        UDP_SOCKETS.workers = self.cfg.workers
        # This call returns only in the master.
        pid: int = super().spawn_worker()
        IN_FLIGHT.assign(row, pid)
        return pid

    def _free_slot(self) -> int:
        """Return the lowest number that no worker has which is going to stay."""
        taken = {
            cast("ProxyWorker", worker).udp_slot
            for worker in self.WORKERS.values()
            if worker.age > last_retired_age()
            and cast("ProxyWorker", worker).departure_notice.departure is Departure.NONE
        }
        return next(slot for slot in count() if slot not in taken)

    def kill_worker(self, pid: int, sig: int) -> None:
        if sig == signal.SIGTERM and pid in self.WORKERS:
            departure = Departure.REPLACED if self._reloading else Departure.SURPLUS
            cast("ProxyWorker", self.WORKERS[pid]).departure_notice.set(departure)
        super().kill_worker(pid, sig)

    def reload(self) -> None:
        retire_up_to(self.worker_age)
        self._reloading = True
        try:
            super().reload()
        finally:
            self._reloading = False
            self.cfg.set("graceful_timeout", self._graceful_timeout)

    def stop(self, graceful: bool = True) -> None:
        for worker in self.WORKERS.values():
            cast("ProxyWorker", worker).departure_notice.set(Departure.ENDING)
        super().stop(graceful)


def install_master(arbiter: Arbiter) -> None:
    """Turn a starting arbiter into a Master."""
    arbiter.__class__ = Master
