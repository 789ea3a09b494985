"""What the other agents of the installation say: their parts, followed as a proxy follows the whole.

Subscribe, read, apply what is told from there on; a look every second makes up for what was not told. A part
that is lost stays in force, as with proxies, until its agent has been gone for as long as the settings say.
That time is taken here, and so asks no other machine's clock; it begins anew when the store was away.
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

from discovery.leader_election.candidate import Candidate
from discovery.leader_election.store_refusals import Refusals
from discovery.supervision.backoff import Backoff
from rondpoint.model import Configuration
from rondpoint.store import change as messages
from rondpoint.store.change import Change
from rondpoint.store.contributions import Forgetter, PartState, read_parts
from rondpoint.store.keys import Keys
from rondpoint.store.lease import RENEWAL
from rondpoint.store.read import load, read_diagnostics
from rondpoint.store.state import State

logger = logging.getLogger(__name__)


class Others(Struct, frozen=True):
    """Configurations by agent; `version` grows with each change."""

    configurations: dict[str, Configuration]
    version: int


class Parts:
    """Follows the parts of all agents but those named `own`; `bell` is set at every change.

    `known` tells whether all were read once.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        own: str,
        candidate: Candidate,
        bell: threading.Event,
        forget_after: float,
    ) -> None:
        self._client = client
        self._keys = keys
        self._own = own
        self._candidacy = candidate
        self._bell = bell
        self._forget_after = forget_after
        self._forgetter = Forgetter(client, keys)
        self._states: dict[str, State] = {}
        self._gone_since: dict[str, float] = {}
        self._channels: dict[bytes, str] = {}
        self._others = Others({}, 0)
        self.known = False
        self._refusals = Refusals(logger, "what other agents contribute, without which nothing is published")

    def others(self) -> Others:
        """What they say now."""
        return self._others

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set and the channel of the agents' bell has rung once more."""
        backoff = Backoff(0.1, 2.0)
        while not stop.is_set():
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.bell)
                    self._channels.clear()
                    self._follow(subscription, stop, backoff)
            except (redis.RedisError, OSError) as error:
                self._refusals.tell(error)
                self._gone_since.clear()
                stop.wait(backoff.next())

    def _follow(self, subscription: Any, stop: threading.Event, backoff: Backoff) -> None:
        due = 0.0
        while not stop.is_set():
            now = time.monotonic()
            if now >= due:
                self._look(subscription, now)
                self._refusals.over()
                backoff.reset()
                due = now + RENEWAL
            message = subscription.get_message(timeout=due - now)
            if message is None or message["type"] != "message":
                continue
            agent = self._channels.get(message["channel"])
            if agent is not None:
                self._told(agent, message["data"])
            else:
                self._candidacy.wake.set()
                due = 0.0

    def _look(self, subscription: Any, now: float) -> None:
        found = read_parts(self._client, self._keys, self._states)
        found.pop(self._own, None)
        for agent in list(found):
            channel = self._keys.part(agent).changes
            if channel.encode() not in self._channels:
                # Before it is read, so that nothing falls between the two.
                subscription.subscribe(channel)
                self._channels[channel.encode()] = agent
                found |= read_parts(self._client, self._keys, [agent])
            part, state = found[agent], self._states.get(agent)
            if part.revision is not None and (state is None or state.revision != part.revision):
                self._read(agent)
            self._count(agent, part, now)
        if not self.known:
            self.known = True
            self._bell.set()

    def _count(self, agent: str, part: PartState, now: float) -> None:
        if part.fed:
            self._gone_since.pop(agent, None)
            return
        since = self._gone_since.setdefault(agent, now)
        if now - since < self._forget_after:
            return
        lease = self._candidacy.whole.held
        if (lease and self._forgetter.forget(agent, lease)) or part.revision is None:
            logger.warning("agent %s has been gone for %g s: its part is forgotten", agent, now - since)
            self._gone_since.pop(agent, None)
            self._states.pop(agent, None)
            self._say({name: said for name, said in self._said().items() if name != agent})

    def _told(self, agent: str, data: bytes) -> None:
        state = self._states.get(agent)
        try:
            change = messages.decode(data)
        except msgspec.MsgspecError as error:
            logger.warning("what agent %s tells cannot be decoded, reading its part: %s", agent, error)
            self._read(agent)
            return
        if state is None or change.full or change.previous != state.revision:
            if state is None or change.revision > state.revision:
                self._read(agent)
            return
        self._apply(agent, state, change)

    def _apply(self, agent: str, state: State, change: Change) -> None:
        diagnostics = self._said()[agent].diagnostics
        if change.diagnostics:
            diagnostics = read_diagnostics(self._client, self._keys.part(agent))
        self._take(agent, state.after(change), diagnostics)

    def _read(self, agent: str) -> None:
        keys = self._keys.part(agent)
        diagnostics = read_diagnostics(self._client, keys)
        known = self._said().get(agent, Configuration())
        loaded = load(self._client, keys, known=known)
        if loaded is not None:
            for problem in loaded.problems:
                logger.error("%s", problem)
            self._take(agent, loaded.over(known), diagnostics)

    def _take(self, agent: str, state: State, diagnostics: Any) -> None:
        self._states[agent] = state
        configuration = Configuration(state.routers, state.services, state.middlewares, diagnostics)
        self._say({**self._said(), agent: configuration})

    def _said(self) -> Mapping[str, Configuration]:
        return self._others.configurations

    def _say(self, configurations: dict[str, Configuration]) -> None:
        self._others = Others(configurations, self._others.version + 1)
        self._bell.set()
