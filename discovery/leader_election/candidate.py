"""Leader election among agents: one thread acquires and renews an agent's leases.

The contribution lease belongs to one of the agents that share a name; the leader lease to one agent of the
installation. Only the holder of a contribution lease tries for the leader lease, so that a leader always has
a contribution of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress

import redis

from discovery.connections.backoff import Backoff
from discovery.leader_election.store_refusals import StoreRefusals
from discovery.leadership import Leadership
from rondpoint.store.agents import Role
from rondpoint.store.keys import Keys
from rondpoint.store.lease import RENEWAL, TERM, Lease
from rondpoint.ticks import seconds_to_tick

logger = logging.getLogger(__name__)


class Candidate:
    """An agent's contribution lease and leader lease, and its resulting `role`.

    `name` is the agent's name in the settings, `holder` is unique to this process. It sets `wake_up` when it
    acquires or loses a lease. Setting `check_now` makes it try at once, instead of within a second.
    `leadership` lasts as long as the contribution lease does by this agent's clock.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        name: str,
        holder: str,
        wake_up: threading.Event,
        leadership: Leadership,
    ) -> None:
        self.contribution_lease = Lease(
            client, keys.contribution(name).leader, keys.fence, keys.wakeups, holder
        )
        self.leader_lease = Lease(client, keys.leader, keys.fence, keys.wakeups, holder)
        self.check_now = threading.Event()
        self._wake_up = wake_up
        self._leadership = leadership
        self._joined = False
        self._last_logged = ""
        self._refusals = StoreRefusals(logger, "a lease, so this agent writes nothing")

    @property
    def role(self) -> Role:
        """The agent's role, from the leases that it holds now."""
        if not self.contribution_lease.held:
            return "standby"
        return "leader" if self.leader_lease.held else "member"

    def join_election(self) -> None:
        """Try for the leases from now on: the agent has something to publish."""
        if not self._joined:
            self._joined = True
            self.check_now.set()

    def run(self, stop: threading.Event) -> None:
        """Hold the leases until `stop` and then `check_now` are set; release them at the end."""
        backoff = Backoff(0.1, RENEWAL)
        while not stop.is_set():
            self.check_now.clear()
            try:
                pause = self._hold() if self._joined else RENEWAL
            except redis.RedisError as error:
                # The agent keeps the leases that it holds until the store reports otherwise.
                self._refusals.log(error)
                pause = backoff.next()
            else:
                self._refusals.clear()
                backoff.reset()
            if not stop.is_set():
                self.check_now.wait(min(pause, seconds_to_tick(RENEWAL)))
        self._leadership.end()
        for lease in (self.leader_lease, self.contribution_lease):
            with suppress(redis.RedisError):
                lease.release()

    def _hold(self) -> float:
        before = self.contribution_lease.held, self.leader_lease.held
        started = time.monotonic()
        pause = self.contribution_lease.hold_before(self.leader_lease)
        if self.contribution_lease.held:
            self._leadership.extend(started + TERM)
        else:
            self._leadership.end()
            if self.leader_lease.held:
                self.leader_lease.release()
        if (self.contribution_lease.held, self.leader_lease.held) != before:
            self._wake_up.set()
        self._log_role()
        return pause

    def _log_role(self) -> None:
        match self.role:
            case "leader":
                message = "this agent is the leader and publishes"
            case "member":
                message = (
                    f"agent {self.leader_lease.other} is the leader and publishes this agent's contribution"
                )
            case "standby":
                message = f"agent {self.contribution_lease.other} is active; this agent is on standby"
        if message != self._last_logged:
            self._last_logged = message
            logger.info("%s", message)
