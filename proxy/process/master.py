"""gunicorn's master, which replaces workers when they begin to leave and not when they have left."""

from __future__ import annotations

import signal
from typing import cast

from gunicorn.arbiter import Arbiter

from proxy.limits.in_flight_counts import IN_FLIGHT
from proxy.process.handover import Departure, retire
from proxy.process.worker import ProxyWorker


class Master(Arbiter):
    """Counts no worker that leaves among those that serve, and stays attentive while they do.

    gunicorn gives no way to name another class, so that an arbiter is made one when it starts.
    """

    _reloading = False
    _patience = 0

    def manage_workers(self) -> None:
        leaving = {
            pid: worker
            for pid, worker in self.WORKERS.items()
            if cast("ProxyWorker", worker).notice.departure is not Departure.NONE
        }
        for pid in leaving:
            del self.WORKERS[pid]
        try:
            super().manage_workers()
        finally:
            self.WORKERS.update(leaving)
        if self._reloading:
            # What follows in gunicorn's reload is a wait for the old workers, deaf to signals and deaths.
            self._patience = self.cfg.graceful_timeout
            self.cfg.set("graceful_timeout", 0)

    def spawn_worker(self) -> int:
        row = IN_FLIGHT.claim()
        # Here it returns in the master alone.
        pid: int = super().spawn_worker()
        IN_FLIGHT.assign(row, pid)
        return pid

    def kill_worker(self, pid: int, sig: int) -> None:
        if sig == signal.SIGTERM and pid in self.WORKERS:
            departure = Departure.REPLACED if self._reloading else Departure.SURPLUS
            cast("ProxyWorker", self.WORKERS[pid]).notice.give(departure)
        super().kill_worker(pid, sig)

    def reload(self) -> None:
        retire(self.worker_age)
        self._reloading = True
        try:
            super().reload()
        finally:
            self._reloading = False
            self.cfg.set("graceful_timeout", self._patience)

    def stop(self, graceful: bool = True) -> None:
        for worker in self.WORKERS.values():
            cast("ProxyWorker", worker).notice.give(Departure.ENDING)
        super().stop(graceful)


def take_over(arbiter: Arbiter) -> None:
    """Make an arbiter that starts a Master."""
    arbiter.__class__ = Master
