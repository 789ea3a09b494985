"""The one thread that writes to the store: merges what providers left, publishes it, shows that it lives.

Only an agent that leads publishes. One that does not writes its own part, where the installation has several.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import suppress

import redis
from msgspec import Struct

from discovery.contributions.assembly import Assembly, gathered
from discovery.contributions.other_contributions import Parts
from discovery.contributions.own_contribution import Own
from discovery.health.check_loop import Checks
from discovery.health.server_states import judged
from discovery.leader_election.candidate import Candidate
from discovery.merging.merge import merge
from discovery.process.heartbeat import INTERVAL, Heartbeat
from discovery.process.log_reports import Findings, summary
from discovery.providers.common import COMMON
from discovery.supervision.backoff import Backoff
from discovery.supervision.provider_states import ProviderStates, Snapshot
from rondpoint.model import Configuration
from rondpoint.store.agents import Role
from rondpoint.store.keys import Keys
from rondpoint.store.publish import ConflictError, NotLeadingError, Publisher
from rondpoint.store.unused_tickets import Leftovers

logger = logging.getLogger(__name__)

PACE = 0.020
"""Seconds between two revisions at least; the first change after a quiet while is published at once."""
PATIENCE = 10.0
"""Seconds after the start that providers have for their first word."""
FIRST_DELAY = 0.1
LAST_DELAY = 2.0


class _Gathered(Struct, frozen=True):
    """What providers had said at a version of the board; `configuration` is the part that is its own."""

    version: int
    by_provider: dict[str, Configuration]
    configuration: Configuration


class Publication:
    """Publishes the newest of what is on `board`, and of `parts`, whenever it changes, or the store lost it.

    `name` is what settings call the agent, `heartbeat` its entry in the list of agents. `checks` follow what
    is published, and what they find is published with it.
    """

    def __init__(
        self,
        board: ProviderStates,
        client: redis.Redis,
        keys: Keys,
        entry_points: Collection[str],
        name: str,
        heartbeat: Heartbeat,
        candidate: Candidate,
        parts: Parts,
        checks: Checks,
    ) -> None:
        self._board = board
        self._entry_points = entry_points
        self._name = name
        self._heartbeat = heartbeat
        self._candidacy = candidate
        self._parts = parts
        self._checks = checks
        self._own = Own(client, keys, name, candidate)
        self._assembly = Assembly()
        self._publisher = Publisher(client, keys, lambda: candidate.whole.held)
        self._leftovers = Leftovers(client, keys)
        self._findings = Findings(logger)
        self._patient_until = time.monotonic() + PATIENCE
        self._gathered: _Gathered | None = None
        self._published: tuple[int, int, int, str] | None = None
        self._services: Collection[str] = ()
        self._recalled = ""
        self._written_at = 0.0
        self._beaten: tuple[int, Role] | None = None
        self._next_beat = 0.0
        self._outage = ""

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set and the board's bell has rung once more; store faults are waited out."""
        backoff = Backoff(FIRST_DELAY, LAST_DELAY)
        while not stop.is_set():
            try:
                self._turn()
            except NotLeadingError as error:
                if not stop.is_set():
                    self._overtaken(error)
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
        if self._complete(snapshot):
            self._candidacy.stand()
        role = self._candidacy.role
        if role != "leader":
            self._checks.rest()
        if role != "standby":
            self._contribute(snapshot)
        now = time.monotonic()
        if now >= self._next_beat or self._beaten != (snapshot.moods, role):
            self._heartbeat.beat(snapshot.statuses, role)
            self._beaten = snapshot.moods, role
            self._next_beat = now + INTERVAL
            self._look(role)

    def _wait(self, stop: threading.Event) -> None:
        now = time.monotonic()
        due = self._next_beat
        if now < self._patient_until:
            due = min(due, self._patient_until)
        self._board.bell.wait(max(0.0, due - now))
        stop.wait(max(0.0, self._written_at + PACE - time.monotonic()))

    def _complete(self, snapshot: Snapshot) -> bool:
        """Whether all have spoken, or those that have not had time enough, and others' parts are known."""
        spoken = not snapshot.silent or time.monotonic() >= self._patient_until
        return spoken and self._parts.known

    def _contribute(self, snapshot: Snapshot) -> None:
        """Write this agent's part where there are several, and publish all if it leads."""
        others = self._parts.others()
        own = self._gather(snapshot)
        several = bool(self._name or others.configurations)
        written = several and self._own.write(own.configuration)
        lease = self._candidacy.whole.held
        present = snapshot.version, others.version, self._checks.version, lease
        if not lease:
            self._findings.tell(own.configuration.diagnostics)
        elif self._published != present:
            if several:
                self._assembly.replace({**others.configurations, self._name: own.configuration})
            self._recall(lease)
            self._publish(self._united(own) if several else own.by_provider)
            self._published = present
            written = True
        if written:
            self._written_at = time.monotonic()

    def _gather(self, snapshot: Snapshot) -> _Gathered:
        if self._gathered is None or self._gathered.version != snapshot.version:
            by_provider = self._own.by_provider(snapshot, self._publisher)
            part = {name: said for name, said in by_provider.items() if name not in COMMON}
            self._gathered = _Gathered(snapshot.version, by_provider, gathered(part))
        return self._gathered

    def _united(self, own: _Gathered) -> dict[str, Configuration]:
        """What all agents' parts come to, and what this one follows in the name of all."""
        common = {name: said for name, said in own.by_provider.items() if name in COMMON}
        return {**self._assembly.configurations(), **common}

    def _publish(self, configurations: Mapping[str, Configuration]) -> None:
        configuration = merge(configurations, self._entry_points)
        self._checks.follow(configuration)
        configuration = judged(configuration, self._checks.faults)
        self._findings.tell(configuration.diagnostics)
        publication = self._publisher.write(configuration)
        self._services = configuration.services.keys()
        if not publication.change.empty:
            logger.info("revision %d: %s", publication.revision, summary(publication.change))

    def _recall(self, lease: str) -> None:
        """Who comes to lead goes on from what the last one found of servers."""
        if self._recalled != lease:
            self._checks.recall(self._publisher.stored())
            self._recalled = lease

    def _look(self, role: Role) -> None:
        """See that the store still holds what this agent wrote."""
        if role == "standby":
            return
        lost = not self._own.intact()
        leads = self._published is not None and self._published[-1] == self._candidacy.whole.held
        if leads and not self._publisher.intact():
            self._published = None
            lost = True
        if lost:
            logger.warning("the store does not hold what was written: everything is compared and written")
            self._board.bell.set()
        elif leads:
            self._leftovers.sweep(self._candidacy.whole.held, self._services, time.monotonic())

    def _overtaken(self, error: Exception) -> None:
        logger.info("nothing is written, for another agent does it: %s", error)
        self._candidacy.wake.set()

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
            self._candidacy.wake.set()
