"""Tracks the containers of an engine that are to be registered, event by event."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from signal import SIGKILL, SIGTERM
from typing import Any

from msgspec import Struct

from discovery.labels.container import SHARED_NETWORK
from discovery.providers.docker_engine.container_events import Action, Event
from discovery.providers.docker_engine.engine import Engine
from discovery.providers.docker_engine.signals import STOPPING_SIGNALS, signal_number
from discovery.registrar.registration import Options
from discovery.registrar.registrations import registrations
from discovery.registrar.wanted_services import WantedServices
from discovery.registrar.workload import workload

RECHECK_SECONDS = 15.0
"""Seconds after SIGINT or SIGQUIT after which a container that still runs is registered again."""
RECHECK_SECONDS_AFTER_STOP = 600.0
"""The same after the stop signal, SIGTERM or SIGKILL: `docker stop` may wait long before it kills."""

_ALIVE_STATES = frozenset({"running", "paused"})
_SIGNAL_BIT = 128
"""The bit of an exit code that says that a signal ended the container."""


class _Run(Struct, frozen=True):
    """One run of a registered container; `started_at` distinguishes it from the next run."""

    started_at: str
    stop_signal: int


class Containers:
    """The running containers; `wanted` holds the services that they are to be registered as.

    A container's services are removed as soon as it is sent a signal that stops it. With `on_success` they
    are removed only after the container has ended with exit code 0 or by a signal; the services of a
    container that failed stay until it is removed.
    """

    def __init__(self, options: Options, *, on_success: bool) -> None:
        self.wanted = WantedServices()
        self._options = options
        self._on_success = on_success
        self._runs: dict[str, _Run] = {}
        self._stopping: dict[str, tuple[str, float]] = {}

    def read_all(self, engine: Engine) -> None:
        """Inspect all running and all known containers.

        Raises ProviderError, as every method with an engine.
        """
        for container_id in dict.fromkeys([*engine.running_containers(), *self.wanted.ids()]):
            self._inspect(engine, container_id)

    def apply(self, engine: Engine, events: Iterable[Event]) -> None:
        """Apply events in order."""
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
        """Return when (monotonic) the next container that was sent a stop signal is due for inspection."""
        return min((until for _, until in self._stopping.values()), default=None)

    def recheck(self, engine: Engine) -> None:
        """Inspect the containers whose stop signal was long ago: one that still runs is registered again."""
        now = time.monotonic()
        for container_id in [each for each, (_, until) in self._stopping.items() if until <= now]:
            self._inspect(engine, container_id)

    def _handle_signal(self, container_id: str, number: int) -> None:
        """Remove the container's services at the signal, so that no request meets a server that has ended."""
        run = self._runs.get(container_id)
        if run is None or self._on_success:
            return
        if number in {run.stop_signal, SIGTERM, SIGKILL}:
            delay = RECHECK_SECONDS_AFTER_STOP
        elif number in STOPPING_SIGNALS:
            delay = RECHECK_SECONDS
        else:
            return
        self._stopping[container_id] = (run.started_at, time.monotonic() + delay)
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
        description = engine.inspect(container_id)
        if description is None:
            self._forget(container_id)
            return
        state: Mapping[str, Any] = description.get("State") or {}
        if state.get("Status") not in _ALIVE_STATES:
            self._handle_end(container_id, state.get("ExitCode") or 0)
            return
        started_at = state.get("StartedAt") or ""
        stopping_run, until = self._stopping.get(container_id, ("", 0.0))
        if stopping_run == started_at and until > time.monotonic():
            return
        self._stopping.pop(container_id, None)
        mode = str((description.get("HostConfig") or {}).get("NetworkMode") or "")
        network_owner = (
            engine.inspect(mode.removeprefix(SHARED_NETWORK)) if mode.startswith(SHARED_NETWORK) else None
        )
        found = workload(description, network_owner)
        stop_signal = signal_number((description.get("Config") or {}).get("StopSignal") or "")
        self._runs[container_id] = _Run(started_at, stop_signal)
        self.wanted.put(container_id, found.name, registrations(found, self._options))
