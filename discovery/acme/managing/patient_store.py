"""Writes what an order must not lose: it waits out faults of the store."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

import redis

from discovery.acme.orders.failures import interrupted
from discovery.acme.store import AcmeStore
from rondpoint.store.publish import NotLeadingError

logger = logging.getLogger(__name__)

FIRST_DELAY, LAST_DELAY = 0.1, 2.0

PROXY_CHECK = 0.2
"""Seconds between looks for a proxy."""
RECENT = 5.0
"""Seconds for which a report, of which workers write one every three seconds, shows that a proxy runs."""

Write = Callable[[AcmeStore], None]


class PatientStore:
    """The store as one order uses it, until `stop` is set: when the agent ends or loses its lease."""

    def __init__(self, store: AcmeStore, stop: threading.Event) -> None:
        self._store = store
        self._stop = stop

    def write(self, write: Write) -> None:
        """Write at once, or when the store is back. Raises OrderError if `stop` is set before.

        A store that came back empty has no lease for some moments, until this agent gets it again.
        """
        delay = FIRST_DELAY
        while True:
            try:
                write(self._store)
            except (redis.RedisError, NotLeadingError) as error:
                if delay == FIRST_DELAY:
                    logger.warning("the store cannot be written for an ACME order, which waits: %s", error)
            else:
                return
            if self._stop.wait(delay):
                raise interrupted() from None
            delay = min(delay * 2, LAST_DELAY)

    def wait_for_proxy(self) -> None:
        """Wait until a proxy reports itself; not if the store cannot tell.

        Raises OrderError if `stop` is set before. A report counts if it is recent, or the first one after the
        call: the clocks of agent and proxy may differ.
        """
        before: Mapping[str, float] | None = None
        while True:
            try:
                reports = self._store.worker_reports()
            except redis.RedisError as error:
                logger.debug("whether a proxy runs is not known: %s", error)
                return
            recent = time.time() - RECENT
            if any(seen_at > recent for seen_at in reports.values()):
                return
            if before is None:
                logger.info("no proxy runs that could respond to challenges; the order waits for one")
            elif reports.items() - before.items():
                return
            before = reports
            if self._stop.wait(PROXY_CHECK):
                raise interrupted()

    def try_write(self, write: Write) -> None:
        """Write if that is possible now."""
        try:
            write(self._store)
        except (redis.RedisError, NotLeadingError) as error:
            logger.debug("the store cannot be written: %s", error)
