"""The own contribution of an agent: the configurations of its providers, and their copy in the store."""

from __future__ import annotations

import logging

import redis

from discovery.contributions.retention import retained_configuration
from discovery.contributions.store_providers import STORE_PROVIDERS
from discovery.leader_election.candidate import Candidate
from discovery.supervision.provider_states import Snapshot
from rondpoint.configuration import Configuration
from rondpoint.store.contributions import register_contribution
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.state import State

logger = logging.getLogger(__name__)


class OwnContribution:
    """The contribution of the agents called `name`.

    Methods that read or write raise redis.RedisError; `write` also raises what `Publisher.write` raises.
    """

    def __init__(self, client: redis.Redis, keys: Keys, name: str, candidate: Candidate) -> None:
        self._client = client
        self._keys = keys
        self._name = name
        self._candidate = candidate
        self._publisher = Publisher(
            client,
            keys.contribution(name),
            lambda: candidate.contribution_lease.held,
            publishes_diagnostics=True,
        )
        self._retained: dict[str, Configuration] = {}
        self._written: tuple[str, Configuration] | None = None

    def provider_configurations(self, snapshot: Snapshot, published: Publisher) -> dict[str, Configuration]:
        """Return the last configuration of each provider.

        For a provider that has emitted none yet, return its stored objects.
        """
        missing = snapshot.pending - self._retained.keys()
        if missing:
            stored = self._publisher.stored()
            whole = (
                published.stored()
                if missing & STORE_PROVIDERS or (stored is None and not self._name)
                else None
            )
            if stored is None and not self._name:
                # No contribution is stored, so everything published comes from this agent.
                stored = whole
            for name in sorted(missing):
                self._retain(name, whole if name in STORE_PROVIDERS else stored)
        return snapshot.configurations | {name: self._retained[name] for name in snapshot.pending}

    def write(self, configuration: Configuration) -> bool:
        """Store `configuration` as this agent's contribution; return False if it is stored already."""
        lease = self._candidate.contribution_lease.held
        if self._written is not None and self._written[0] == lease and self._written[1] is configuration:
            return False
        self._publisher.write(configuration)
        self._written = lease, configuration
        register_contribution(self._client, self._keys, self._name)
        return True

    def is_intact(self) -> bool:
        """Check that the store still holds what was written; if not, the next `write` repairs it."""
        if self._written is None:
            return True
        register_contribution(self._client, self._keys, self._name)
        if self._publisher.is_intact():
            return True
        self._written = None
        return False

    def _retain(self, provider: str, stored: State | None) -> None:
        kept = Configuration() if stored is None else retained_configuration(stored, provider)
        self._retained[provider] = kept
        message = "provider %s has sent no configuration yet: its stored objects stay (%d routers)"
        logger.warning(message, provider, len(kept.routers))
