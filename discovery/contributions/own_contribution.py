"""What this agent contributes: its providers' words, and its part in the store where others have theirs."""

from __future__ import annotations

import logging

import redis

from discovery.contributions.retention import retained
from discovery.leader_election.candidate import Candidate
from discovery.providers.common import COMMON
from discovery.supervision.provider_states import Snapshot
from rondpoint.model import Configuration
from rondpoint.store.contributions import register_part
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.state import State

logger = logging.getLogger(__name__)


class Own:
    """The part of the agents called `name`. What reads or writes raises redis.RedisError, and what writes
    besides as `Publisher.write`.
    """

    def __init__(self, client: redis.Redis, keys: Keys, name: str, candidate: Candidate) -> None:
        self._client = client
        self._keys = keys
        self._name = name
        self._candidacy = candidate
        self._publisher = Publisher(
            client, keys.part(name), lambda: candidate.part.held, tells_diagnostics=True
        )
        self._retained: dict[str, Configuration] = {}
        self._written: tuple[str, Configuration] | None = None

    def by_provider(self, snapshot: Snapshot, published: Publisher) -> dict[str, Configuration]:
        """What each provider said last; of one that has not spoken yet, what is stored."""
        missing = snapshot.silent - self._retained.keys()
        if missing:
            stored = self._publisher.stored()
            whole = published.stored() if missing & COMMON or (stored is None and not self._name) else None
            if stored is None and not self._name:
                # What was published is this agent's alone, then.
                stored = whole
            for name in sorted(missing):
                self._retain(name, whole if name in COMMON else stored)
        return snapshot.configurations | {name: self._retained[name] for name in snapshot.silent}

    def write(self, configuration: Configuration) -> bool:
        """Make it the stored part; False when it is already."""
        lease = self._candidacy.part.held
        if self._written is not None and self._written[0] == lease and self._written[1] is configuration:
            return False
        self._publisher.write(configuration)
        self._written = lease, configuration
        register_part(self._client, self._keys, self._name)
        return True

    def intact(self) -> bool:
        """Whether the store still holds what was written; otherwise the next `write` mends it."""
        if self._written is None:
            return True
        register_part(self._client, self._keys, self._name)
        if self._publisher.intact():
            return True
        self._written = None
        return False

    def _retain(self, provider: str, stored: State | None) -> None:
        kept = Configuration() if stored is None else retained(stored, provider)
        self._retained[provider] = kept
        message = "provider %s has not spoken yet: what is stored of it stays (%d routers)"
        logger.warning(message, provider, len(kept.routers))
