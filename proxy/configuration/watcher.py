"""Follows the store: subscribe, read everything, apply what is told from there on.

Nothing depends on a message arriving: a gap in revisions, a connection anew, or a look at the revision every
POLL seconds that shows another one, all lead to a full read. A store that is gone, or that has lost its data,
takes nothing away: what is in force stays.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

import gevent
import msgspec
import redis
from gevent.event import Event

from proxy.background.cooperative_yield import CooperativeYield
from proxy.configuration.applier import Applier
from proxy.configuration.freshness import Freshness
from rondpoint.diagnostics import Diagnostic
from rondpoint.store import change as messages
from rondpoint.store.keys import Keys
from rondpoint.store.read import Loaded, load, revision
from rondpoint.store.state import State

log = logging.getLogger(__name__)

POLL = 2.0
LONGEST_PAUSE = 5.0


class Watcher:
    """Keeps `applier` at the store's revision; `on_change` is called, and must not wait, after each change.

    `attempted` is set once a first read was tried; `connected` tells whether the store answers now, and
    `problems` what of it could not be read; `freshness` how old it is. `last` gives the configuration of
    before this process, if any.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        applier: Applier,
        on_change: Callable[[], None],
        last: Callable[[], State | None],
    ) -> None:
        self._client = client
        self._keys = keys
        self._applier = applier
        self._on_change = on_change
        self._last = last
        self.attempted = Event()
        self.connected = False
        self.freshness = Freshness()
        self.problems: tuple[Diagnostic, ...] = ()

    def run(self) -> None:
        """Follow until killed."""
        pause = 0.05
        while True:
            try:
                with self._client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(self._keys.changes)
                    self._read()
                    self.connected = True
                    self.attempted.set()
                    pause = 0.05
                    self._follow(subscription)
            except (redis.RedisError, OSError) as error:
                if self.connected or not self.attempted.is_set():
                    log.warning("the store does not answer, routes stay as they are: %s", error)
                self.connected = False
                self.attempted.set()
                gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _follow(self, subscription: Any) -> None:
        while True:
            message = subscription.get_message(timeout=POLL)
            if message is None:
                if revision(self._client, self._keys) != self._applier.revision:
                    self._read()
                else:
                    self.freshness.confirmed()
            elif message["type"] == "message":
                self._told(message["data"])

    def _told(self, data: bytes) -> None:
        try:
            change = messages.decode(data)
        except msgspec.MsgspecError as error:
            log.warning("a message about changes cannot be decoded, reading everything: %s", error)
            self._read()
            return
        if self._applier.apply(change):
            log.debug("revision %d applied", change.revision)
            self.freshness.changed(change.at)
            self._on_change()
        elif change.revision != self._applier.revision:
            self._read(change.at)
        # Else it was told before the read that already took it in.

    def _read(self, published_at: float = 0.0) -> None:
        before = self._applier.revision
        loaded = load(self._client, self._keys, CooperativeYield(), self._applier.in_force())
        if loaded is None:
            return
        for problem in set(loaded.problems) - set(self.problems):
            log.error("%s", problem)
        self.problems = loaded.problems
        if loaded.problems and self._applier.revision is None and (state := self._last()) is not None:
            # What cannot be read now was good once.
            self._applier.replace(Loaded(state))
        self._applier.replace(loaded)
        if loaded.state.revision == before:
            self.freshness.confirmed()
        else:
            self.freshness.changed(published_at)
        self._on_change()
        log.debug("revision %d read", loaded.state.revision)
