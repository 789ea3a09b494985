"""Holds the latest configuration and status of each provider; provider threads write, the publisher reads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from discovery.certificates.loading import Seal
from discovery.certificates.option_keys import SealedMiddlewares
from rondpoint.configuration import Configuration
from rondpoint.store.agents import ProviderStatus


class Snapshot(Struct, frozen=True):
    """The last configuration of each provider, and its status.

    `pending` are the providers that have emitted no configuration yet. `version` grows with every
    configuration, `status_version` with every change of a provider's status.
    """

    configurations: dict[str, Configuration]
    pending: frozenset[str]
    statuses: dict[str, ProviderStatus]
    version: int
    status_version: int


class ProviderStates:
    """The states of all providers of an agent.

    Every change sets `wake_up`. The thread that waits for it clears it, and then takes a snapshot. `seal`
    seals the private keys in options, so they are sealed in everything that is made of a snapshot.
    """

    def __init__(self, providers: Iterable[str], seal: Seal = str) -> None:
        providers = tuple(providers)
        self.wake_up = threading.Event()
        self._sealed = {name: SealedMiddlewares(seal) for name in providers}
        self._lock = threading.Lock()
        now = time.time()
        self._statuses = {name: ProviderStatus("starting", since=now) for name in providers}
        self._configurations: dict[str, Configuration] = {}
        self._version = 0
        self._status_version = 0

    def set_configuration(self, provider: str, configuration: Configuration) -> None:
        """Replace a provider's configuration, and set its status to `ok`."""
        sealed = self._sealed[provider].apply(configuration)
        with self._lock:
            self._configurations[provider] = sealed
            self._version += 1
            self._set_status(provider, "ok", "")
        self.wake_up.set()

    def set_failure(self, provider: str, message: str) -> None:
        """Record that a provider cannot read its source; its last configuration stays."""
        with self._lock:
            self._set_status(provider, "retrying", message)
        self.wake_up.set()

    def snapshot(self) -> Snapshot:
        """Return a consistent copy of all states."""
        with self._lock:
            return Snapshot(
                dict(self._configurations),
                frozenset(self._statuses.keys() - self._configurations.keys()),
                dict(self._statuses),
                self._version,
                self._status_version,
            )

    def _set_status(self, provider: str, state: Literal["ok", "retrying"], message: str) -> None:
        before = self._statuses[provider]
        if (before.state, before.message) != (state, message):
            self._statuses[provider] = ProviderStatus(state, message, time.time())
            self._status_version += 1
