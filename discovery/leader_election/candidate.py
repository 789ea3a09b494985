"""Which of several agents writes: the one thread that holds an agent's leases.

One lease is on the part of the configuration that agents of this name contribute, one on the installation.
Only who has the former goes for the latter, so that whoever publishes has something of its own to say.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

import redis

from discovery.leader_election.store_refusals import Refusals
from discovery.supervision.backoff import Backoff
from rondpoint.store.agents import Role
from rondpoint.store.keys import Keys
from rondpoint.store.lease import RENEWAL, Lease

logger = logging.getLogger(__name__)


class Candidate:
    """The leases on `part` and `whole`, and the `role` that comes of them; `bell` is set when it changes.

    `wake` makes it look at once, rather than within a second.
    """

    def __init__(
        self, client: redis.Redis, keys: Keys, part: str, holder: str, bell: threading.Event
    ) -> None:
        self.part = Lease(client, keys.part(part).leader, keys.fence, keys.bell, holder)
        self.whole = Lease(client, keys.leader, keys.fence, keys.bell, holder)
        self.wake = threading.Event()
        self._bell = bell
        self._stands = False
        self._told = ""
        self._refusals = Refusals(logger, "a lease, without which this agent writes nothing")

    @property
    def role(self) -> Role:
        """What this agent is to do now."""
        if not self.part.held:
            return "standby"
        return "leader" if self.whole.held else "member"

    def stand(self) -> None:
        """Go for the leases from now on: there is something to publish."""
        if not self._stands:
            self._stands = True
            self.wake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set and `wake` once more; the leases are given back then."""
        backoff = Backoff(0.1, RENEWAL)
        while not stop.is_set():
            self.wake.clear()
            try:
                pause = self._hold() if self._stands else RENEWAL
            except redis.RedisError as error:
                # What is held stays so until the store says otherwise.
                self._refusals.tell(error)
                pause = backoff.next()
            else:
                self._refusals.over()
                backoff.reset()
            if not stop.is_set():
                self.wake.wait(pause)
        for lease in (self.whole, self.part):
            with suppress(redis.RedisError):
                lease.release()

    def _hold(self) -> float:
        before = self.part.held, self.whole.held
        pause = self.part.hold()
        if self.part.held:
            pause = self.whole.hold()
        elif self.whole.held:
            self.whole.release()
        if (self.part.held, self.whole.held) != before:
            self._bell.set()
        self._tell()
        return pause

    def _tell(self) -> None:
        match self.role:
            case "leader":
                said = "this agent leads: it publishes"
            case "member":
                said = f"agent {self.whole.other} leads, and publishes what this one finds"
            case "standby":
                said = f"agent {self.part.other} is at work, and this one stands by"
        if said != self._told:
            self._told = said
            logger.info("%s", said)
