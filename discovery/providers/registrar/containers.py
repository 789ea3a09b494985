"""The containers of an engine that are to be registered, as its events change them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from signal import SIGKILL, SIGTERM
from typing import Any

from msgspec import Struct

from discovery.providers.docker.engine import Engine
from discovery.providers.docker.events import Action, Event
from discovery.providers.docker.inspection import signal_number
from discovery.providers.docker.inventory import SHARED_NETWORK, STOPPING_SIGNALS
from discovery.registrar.registration import Options
from discovery.registrar.registrations import registrations
from discovery.registrar.wanted_services import WantedServices
from discovery.registrar.workload import workload

RECHECK_SECONDS = 15.0
"""Seconds after which a container that was sent SIGINT or SIGQUIT and runs on is registered again."""
RECHECK_SECONDS_AFTER_STOP = 600.0
"""The same after a signal that asks it to stop: `docker stop` may wait long before it kills."""

_ALIVE_STATES = frozenset({"running", "paused"})
_SIGNAL_BIT = 128
"""In an exit code: a signal has ended it."""


class _Run(Struct, frozen=True):
    """What is known of a container that is registered; `started_at` tells one run of it from the next."""

    started_at: str
    stop_signal: int


class Containers:
    """`roster` holds what they are to be registered as.

    A container leaves it when it is told to end, before it has. With `on_success` it leaves only once it
    has ended, and stays until it is removed where it failed: where its exit code is neither 0 nor a signal's.
    """

    def __init__(self, options: Options, *, on_success: bool) -> None:
        self.wanted = WantedServices()
        self._options = options
        self._on_success = on_success
        self._runs: dict[str, _Run] = {}
        self._stopping: dict[str, tuple[str, float]] = {}

    def read_all(self, engine: Engine) -> None:
        """Look at all that run and all that are known. Raises ProviderError, as every call here."""
        for container_id in dict.fromkeys([*engine.running_containers(), *self.wanted.ids()]):
            self._inspect(engine, container_id)

    def apply(self, engine: Engine, events: Iterable[Event]) -> None:
        for event in events:
            container_id = event.container_id
            match event.action:
                case Action.INSPECT:
                    self._inspect(engine, container_id)
                case Action.REFRESH:
                    if container_id in self.wanted:
                        self._inspect(engine, container_id)
                case Action.SIGNAL:
                    self._handle_signal(container_id, event.signal)
                case Action.STOPPED if event.exit_code is not None:
                    self._handle_end(container_id, event.exit_code)
                case Action.STOPPED:
                    if container_id in self.wanted:
                        self._inspect(engine, container_id)
                case Action.REMOVE:
                    self._forget(container_id)

    def next_recheck(self) -> float | None:
        """When, by the monotonic clock, one that was told to end is to be looked at again."""
        return min((until for _, until in self._stopping.values()), default=None)

    def recheck(self, engine: Engine) -> None:
        """Look again at those that were told to end long ago."""
        now = time.monotonic()
        for container_id in [each for each, (_, until) in self._stopping.items() if until <= now]:
            self._inspect(engine, container_id)

    def _handle_signal(self, container_id: str, number: int) -> None:
        """As early as can be, so that no request meets a server that has ended."""
        run = self._runs.get(container_id)
        if run is None or self._on_success:
            return
        if number in {run.stop_signal, SIGTERM, SIGKILL}:
            doubt = RECHECK_SECONDS_AFTER_STOP
        elif number in STOPPING_SIGNALS:
            doubt = RECHECK_SECONDS
        else:
            return
        self._stopping[container_id] = (run.started_at, time.monotonic() + doubt)
        self.wanted.remove(container_id)

    def _handle_end(self, container_id: str, exit_code: int) -> None:
        if self._on_success and exit_code and not exit_code & _SIGNAL_BIT:
            return
        self._forget(container_id)

    def _forget(self, container_id: str) -> None:
        self.wanted.remove(container_id)
        self._runs.pop(container_id, None)
        self._stopping.pop(container_id, None)

    def _inspect(self, engine: Engine, container_id: str) -> None:
        answer = engine.inspect(container_id)
        if answer is None:
            self._forget(container_id)
            return
        state: Mapping[str, Any] = answer.get("State") or {}
        if state.get("Status") not in _ALIVE_STATES:
            self._handle_end(container_id, state.get("ExitCode") or 0)
            return
        started_at = state.get("StartedAt") or ""
        told, until = self._stopping.get(container_id, ("", 0.0))
        if told == started_at and until > time.monotonic():
            return
        self._stopping.pop(container_id, None)
        mode = str((answer.get("HostConfig") or {}).get("NetworkMode") or "")
        network_owner = (
            engine.inspect(mode.removeprefix(SHARED_NETWORK)) if mode.startswith(SHARED_NETWORK) else None
        )
        found = workload(answer, network_owner)
        stop_signal = signal_number((answer.get("Config") or {}).get("StopSignal") or "")
        self._runs[container_id] = _Run(started_at, stop_signal)
        self.wanted.put(container_id, found.name, registrations(found, self._options))
