"""Follows the store: subscribes to changes, reads everything once, then applies each change message.

No message is essential: the watcher reads everything again after a gap in revisions, after a reconnect, or
when its check every POLL seconds finds another revision. If the store is down or has lost its data, the
current configuration stays.
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
from rondpoint.ticks import seconds_to_tick

log = logging.getLogger(__name__)

POLL = 2.0
LONGEST_PAUSE = 5.0


class Watcher:
    """Keeps `applier` at the store's revision; calls `on_change`, which must not wait, after each change.

    `load_saved` returns the configuration saved before this process started, if any. `attempted` is set after
    the first attempt to read; `connected` is true while the store answers. `problems` lists the unreadable
    objects; `freshness` measures the configuration's age.
    """

    def __init__(
        self,
        client: redis.Redis,
        keys: Keys,
        applier: Applier,
        on_change: Callable[[], None],
        load_saved: Callable[[], State | None],
    ) -> None:
        self._client = client
        self._keys = keys
        self._applier = applier
        self._on_change = on_change
        self._load_saved = load_saved
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
                    log.warning("the store does not respond, the routes stay as they are: %s", error)
                self.connected = False
                self.attempted.set()
                gevent.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter, not a secret)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _follow(self, subscription: Any) -> None:
        while True:
            message = subscription.get_message(timeout=seconds_to_tick(POLL))
            if message is None:
                if revision(self._client, self._keys) != self._applier.revision:
                    self._read()
                else:
                    self.freshness.record_confirmation()
            elif message["type"] == "message":
                self._handle_message(message["data"])

    def _handle_message(self, data: bytes) -> None:
        try:
            change = messages.decode(data)
        except msgspec.MsgspecError as error:
            log.warning("a change message cannot be decoded, reading everything: %s", error)
            self._read()
            return
        if self._applier.apply(change):
            log.debug("revision %d applied", change.revision)
            self.freshness.record_change(change.at)
            self._on_change()
        elif change.revision != self._applier.revision:
            self._read(change.at)
        # Otherwise the last full read already contained this change.

    def _read(self, published_at: float = 0.0) -> None:
        before = self._applier.revision
        loaded = load(self._client, self._keys, CooperativeYield(), self._applier.in_force())
        if loaded is None:
            return
        for problem in set(loaded.problems) - set(self.problems):
            log.error("%s", problem)
        self.problems = loaded.problems
        if loaded.problems and self._applier.revision is None and (state := self._load_saved()) is not None:
            # The saved configuration may have good versions of the unreadable objects.
            self._applier.replace(Loaded(state))
        self._applier.replace(loaded)
        if loaded.state.revision == before:
            self.freshness.record_confirmation()
        else:
            self.freshness.record_change(published_at)
        self._on_change()
        log.debug("revision %d read", loaded.state.revision)
