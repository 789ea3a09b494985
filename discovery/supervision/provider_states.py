"""Where providers, each in its thread, leave what they found, for the one thread that publishes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from rondpoint.model import Configuration
from rondpoint.store.agents import ProviderStatus


class Snapshot(Struct, frozen=True):
    """The last configuration of each provider that has emitted, and the names of those that have not.

    `version` grows with every configuration, `moods` with every change of a provider's state.
    """

    configurations: dict[str, Configuration]
    silent: frozenset[str]
    statuses: dict[str, ProviderStatus]
    version: int
    moods: int


class ProviderStates:
    """`bell` is set at every change; whoever waits for it clears it before it takes a snapshot."""

    def __init__(self, providers: Iterable[str]) -> None:
        self.bell = threading.Event()
        self._lock = threading.Lock()
        now = time.time()
        self._statuses = {name: ProviderStatus("starting", since=now) for name in providers}
        self._configurations: dict[str, Configuration] = {}
        self._version = 0
        self._moods = 0

    def emitted(self, provider: str, configuration: Configuration) -> None:
        """A provider has a new configuration, in place of the one before."""
        with self._lock:
            self._configurations[provider] = configuration
            self._version += 1
            self._turn(provider, "ok", "")
        self.bell.set()

    def failed(self, provider: str, message: str) -> None:
        """A provider cannot read its source; its last configuration stays."""
        with self._lock:
            self._turn(provider, "retrying", message)
        self.bell.set()

    def snapshot(self) -> Snapshot:
        with self._lock:
            return Snapshot(
                dict(self._configurations),
                frozenset(self._statuses.keys() - self._configurations.keys()),
                dict(self._statuses),
                self._version,
                self._moods,
            )

    def _turn(self, provider: str, state: Literal["ok", "retrying"], message: str) -> None:
        before = self._statuses[provider]
        if (before.state, before.message) != (state, message):
            self._statuses[provider] = ProviderStatus(state, message, time.time())
            self._moods += 1
