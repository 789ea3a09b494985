"""The one thread that writes to the store: merges what providers left, publishes it, shows that it lives."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from contextlib import suppress

import redis

from discovery.backoff import Backoff
from discovery.board import Board, Snapshot
from discovery.health.checks import Checks
from discovery.health.verdicts import judged
from discovery.heartbeat import INTERVAL, Heartbeat
from discovery.merge import merge
from discovery.reporting import Findings, summary
from discovery.retention import retained
from rondpoint.model import Configuration
from rondpoint.store.keys import Keys
from rondpoint.store.publish import ConflictError, Publisher

logger = logging.getLogger(__name__)

PACE = 0.020
"""Seconds between two revisions at least; the first change after a quiet while is published at once."""
PATIENCE = 10.0
"""Seconds after the start that providers have for their first word."""
FIRST_DELAY = 0.1
LAST_DELAY = 2.0


class Publication:
    """Publishes the newest of what is on `board` whenever it changes, or the store lost it.

    `checks` follow what is published, and what they find is published with it.
    """

    def __init__(
        self, board: Board, client: redis.Redis, keys: Keys, entry_points: Collection[str], checks: Checks
    ) -> None:
        self._board = board
        self._checks = checks
        self._recalled = False
        self._entry_points = entry_points
        self._publisher = Publisher(client, keys)
        self._heartbeat = Heartbeat(client, keys)
        self._findings = Findings(logger)
        self._retained: dict[str, Configuration] = {}
        self._patient_until = time.monotonic() + PATIENCE
        self._published = -1
        self._published_at = 0.0
        self._beaten = -1
        self._next_beat = 0.0
        self._outage = ""

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set and the board's bell has rung once more; store faults are waited out."""
        backoff = Backoff(FIRST_DELAY, LAST_DELAY)
        while not stop.is_set():
            try:
                self._turn()
            except (redis.RedisError, ConflictError) as error:
                self._lost(error)
            except Exception:
                # Whatever fails here, the agent must go on: without it nothing is published at all.
                logger.exception("publishing failed unexpectedly")
            else:
                self._back()
                backoff.reset()
                self._wait(stop)
                continue
            stop.wait(backoff.next())
        with suppress(redis.RedisError):
            self._heartbeat.end()

    def _turn(self) -> None:
        self._board.bell.clear()
        snapshot = self._board.snapshot()
        if snapshot.version != self._published and self._complete(snapshot):
            self._publish(snapshot)
        now = time.monotonic()
        if now >= self._next_beat or snapshot.moods != self._beaten:
            self._beat(snapshot)
            self._next_beat = now + INTERVAL

    def _wait(self, stop: threading.Event) -> None:
        now = time.monotonic()
        due = self._next_beat
        if now < self._patient_until:
            due = min(due, self._patient_until)
        self._board.bell.wait(max(0.0, due - now))
        stop.wait(max(0.0, self._published_at + PACE - time.monotonic()))

    def _complete(self, snapshot: Snapshot) -> bool:
        """Whether all have spoken, or those that have not had time enough."""
        return not snapshot.silent or time.monotonic() >= self._patient_until

    def _publish(self, snapshot: Snapshot) -> None:
        self._retain(snapshot)
        kept = {name: self._retained[name] for name in snapshot.silent}
        configuration = self._checked(merge(snapshot.configurations | kept, self._entry_points))
        self._findings.tell(configuration.diagnostics)
        publication = self._publisher.write(configuration)
        self._published = snapshot.version
        self._published_at = time.monotonic()
        if not publication.change.empty:
            logger.info("revision %d: %s", publication.revision, summary(publication.change))

    def _checked(self, configuration: Configuration) -> Configuration:
        if not self._recalled:
            self._checks.recall(self._publisher.stored())
            self._recalled = True
        self._checks.follow(configuration)
        return judged(configuration, self._checks.faults)

    def _retain(self, snapshot: Snapshot) -> None:
        missing = snapshot.silent - self._retained.keys()
        if not missing:
            return
        stored = self._publisher.stored()
        for name in sorted(missing):
            kept = Configuration() if stored is None else retained(stored, name)
            self._retained[name] = kept
            message = "provider %s has not spoken yet: what is stored of it stays (%d routers)"
            logger.warning(message, name, len(kept.routers))

    def _beat(self, snapshot: Snapshot) -> None:
        self._heartbeat.beat(snapshot.statuses)
        self._beaten = snapshot.moods
        if self._published == snapshot.version and not self._publisher.intact():
            logger.warning("the store does not hold what was published: everything is compared and written")
            self._published = -1
            self._board.bell.set()

    def _lost(self, error: Exception) -> None:
        if str(error) != self._outage:
            self._outage = str(error)
            logger.warning("the store cannot be written: %s; the newest configuration waits", error)

    def _back(self) -> None:
        if self._outage:
            self._outage = ""
            logger.info("the store is back")
            # It may have come back with less than it had.
            self._next_beat = 0.0
