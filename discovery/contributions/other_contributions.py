"""Follows the contributions of the other agents, as a proxy follows the published configuration.

It subscribes, reads everything, then applies the changes from messages. A check every second (every two
seconds without other contributions) finds changes that no message reported. A contribution that is lost stays
in force, as in proxies, until its agent has been gone for the time in the settings. This agent measures that
time, so no other machine's clock matters. The measurement restarts when the store was unreachable.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import redis
from msgspec import Struct

from discovery.connections.backoff import Backoff
from discovery.leader_election.candidate import Candidate
from discovery.leader_election.store_refusals import StoreRefusals
from rondpoint.configuration import Configuration
from rondpoint.store import change as messages
from rondpoint.store.change import Change
from rondpoint.store.contributions import ContributionRemover, ContributionState, read_contributions
from rondpoint.store.keys import Keys
from rondpoint.store.lease import RENEWAL
from rondpoint.store.read import load, read_diagnostics
from rondpoint.store.sections import sections_of
from rondpoint.store.state import State
from rondpoint.ticks import next_tick

logger = logging.getLogger(__name__)

LONE_POLL = 2.0
"""Seconds between two checks while no other agent has a contribution, instead of RENEWAL."""


class ContributionsSnapshot(Struct, frozen=True):
    """The configurations of the other agents, by agent; `version` grows with each change."""

    configurations: dict[str, Configuration]
    version: int


class OtherContributions:
    """Follows the contributions of all agents except those named `own`; sets `wake_up` at every change.

    `complete` tells whether every contribution has been read once.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        own: str,
        candidate: Candidate,
        wake_up: threading.Event,
        forget_after: float,
    ) -> None:
        self._client = client
        self._keys = keys
        self._own_name = own
        self._candidate = candidate
        self._wake_up = wake_up
        self._forget_after = forget_after
        self._contribution_remover = ContributionRemover(client, keys)
        self._states: dict[str, State] = {}
        self._gone_since: dict[str, float] = {}
        self._channels: dict[bytes, str] = {}
        self._snapshot = ContributionsSnapshot({}, 0)
        self.complete = False
        self._refusals = StoreRefusals(
            logger, "access to the contributions of other agents, so this agent publishes nothing"
        )

    def snapshot(self) -> ContributionsSnapshot:
        """Return the newest configurations of the other agents."""
        return self._snapshot

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set and one more message has come on the agents' wake-up channel."""
        backoff = Backoff(0.1, 2.0)
        while not stop.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.wakeups)
                    self._channels.clear()
                    self._follow(subscription, stop, backoff)
            except (redis.RedisError, OSError) as error:
                self._refusals.log(error)
                self._gone_since.clear()
                stop.wait(backoff.next())

    def _follow(self, subscription: Any, stop: threading.Event, backoff: Backoff) -> None:
        due = 0.0
        while not stop.is_set():
            now = time.monotonic()
            if now >= due:
                self._poll(subscription, now)
                self._refusals.clear()
                backoff.reset()
                due = next_tick(RENEWAL if self._channels else LONE_POLL)
            message = subscription.get_message(timeout=due - now)
            if message is None or message["type"] != "message":
                continue
            agent = self._channels.get(message["channel"])
            if agent is not None:
                self._receive(agent, message["data"])
            else:
                self._candidate.check_now.set()
                due = 0.0

    def _poll(self, subscription: Any, now: float) -> None:
        found = read_contributions(self._client, self._keys, self._states)
        found.pop(self._own_name, None)
        for agent in list(found):
            channel = self._keys.contribution(agent).changes
            if channel.encode() not in self._channels:
                # Subscribe before reading, so that no change is missed in between.
                subscription.subscribe(channel)
                self._channels[channel.encode()] = agent
                found |= read_contributions(self._client, self._keys, [agent])
            contribution, state = found[agent], self._states.get(agent)
            if contribution.revision is not None and (
                state is None or state.revision != contribution.revision
            ):
                self._read(agent)
            self._forget_if_expired(agent, contribution, now)
        if not self.complete:
            self.complete = True
            self._wake_up.set()

    def _forget_if_expired(self, agent: str, contribution: ContributionState, now: float) -> None:
        if contribution.lease_held:
            self._gone_since.pop(agent, None)
            return
        since = self._gone_since.setdefault(agent, now)
        if now - since < self._forget_after:
            return
        lease = self._candidate.leader_lease.held
        if (lease and self._contribution_remover.remove(agent, lease)) or contribution.revision is None:
            logger.warning("agent %s has been gone for %g s: its contribution is removed", agent, now - since)
            self._gone_since.pop(agent, None)
            self._states.pop(agent, None)
            remaining = {name: value for name, value in self._configurations().items() if name != agent}
            self._set_configurations(remaining)

    def _receive(self, agent: str, data: bytes) -> None:
        state = self._states.get(agent)
        try:
            change = messages.decode(data)
        except msgspec.MsgspecError as error:
            logger.warning(
                "a message of agent %s cannot be decoded, so its contribution is read again: %s", agent, error
            )
            self._read(agent)
            return
        if state is None or change.full or change.previous != state.revision:
            if state is None or change.revision > state.revision:
                self._read(agent)
            return
        self._apply(agent, state, change)

    def _apply(self, agent: str, state: State, change: Change) -> None:
        diagnostics = self._configurations()[agent].diagnostics
        if change.diagnostics:
            diagnostics = read_diagnostics(self._client, self._keys.contribution(agent))
        self._store(agent, state.after(change), diagnostics)

    def _read(self, agent: str) -> None:
        keys = self._keys.contribution(agent)
        diagnostics = read_diagnostics(self._client, keys)
        known = self._configurations().get(agent, Configuration())
        loaded = load(self._client, keys, known=known)
        if loaded is not None:
            for problem in loaded.problems:
                logger.error("%s", problem)
            self._store(agent, loaded.with_fallback(known), diagnostics)

    def _store(self, agent: str, state: State, diagnostics: Any) -> None:
        self._states[agent] = state
        configuration = Configuration(**sections_of(state), diagnostics=diagnostics)
        self._set_configurations({**self._configurations(), agent: configuration})

    def _configurations(self) -> Mapping[str, Configuration]:
        return self._snapshot.configurations

    def _set_configurations(self, configurations: dict[str, Configuration]) -> None:
        self._snapshot = ContributionsSnapshot(configurations, self._snapshot.version + 1)
        self._wake_up.set()
