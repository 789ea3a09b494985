"""The registrar: follows a Docker engine and keeps its containers registered with a Consul agent.

After any failure it starts again: it reads all containers and registers them again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from discovery.connections.stopping import on_stop
from discovery.consul import Client, Endpoint
from discovery.providers.consul_agents import ConsulAgents
from discovery.providers.contract import Emit
from discovery.providers.docker_engine.container_events import FILTERS, Event, parse_event
from discovery.providers.docker_engine.engine import Engine
from discovery.providers.docker_engine.event_stream import EventStream
from discovery.providers.errors import ProviderError
from discovery.providers.registrar.containers import Containers
from discovery.registrar.options import Plan
from discovery.registrar.registered_services import RegisteredServices
from discovery.registrar.registrations import SOURCE
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic

REPAIR_INTERVAL = 5.0
"""Seconds between two checks that Consul's agent still has every service."""


class Registrar:
    """A provider without routes.

    It emits diagnostics about the containers' keys and about failed registrations.
    """

    name = SOURCE

    def __init__(self, plan: Callable[[], Plan]) -> None:
        """`plan` is called when the work begins; it raises ValueError with one line for invalid options."""
        self._make_plan = plan
        self._work: _RegistrarWork | None = None

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Register containers until `stop`.

        Raises ProviderError if the engine or Consul cannot be reached.
        """
        if self._work is None:
            try:
                self._work = _RegistrarWork(self._make_plan())
            except ValueError as error:
                raise ProviderError(str(error)) from error
            # The first publication waits for each provider; the routes must not wait for the registrar.
            emit(Configuration())
        self._work.follow(emit, stop)


class _RegistrarWork:
    """The registrar's state, which outlives failures of the engine and of Consul."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._agents = ConsulAgents(SOURCE, lambda: (plan.consul,))
        self._containers = Containers(plan.options, on_success=plan.on_success)
        self._registered_services = RegisteredServices(plan.options.hostname, cleanup=plan.cleanup)
        self._emitted: tuple[Diagnostic, ...] = ()

    def follow(self, emit: Emit, stop: threading.Event) -> None:
        """Register containers until `stop`. Raises ProviderError."""
        self._agents.follow(lambda endpoint: self._follow(endpoint, emit, stop), stop)

    def _follow(self, endpoint: Endpoint, emit: Emit, stop: threading.Event) -> None:
        with (
            Engine(self._plan.engine, self._plan.engine_setting) as engine,
            Client(endpoint) as client,
            on_stop(stop, engine.end_events),
            on_stop(stop, client.abort),
        ):
            stream = EventStream(engine, FILTERS, parse_event)
            self._register_all(engine, client)
            self._emit_diagnostics(emit)
            self._apply_events(engine, client, stream, emit, stop)
        if not stop.is_set():
            raise ProviderError(
                f"the event stream of the Docker engine at {self._plan.engine.endpoint} ended"
            )

    def _apply_events(
        self,
        engine: Engine,
        client: Client,
        stream: EventStream[Event],
        emit: Emit,
        stop: threading.Event,
    ) -> None:
        """Register each change as it comes, until the event stream ends."""
        repaired_at = registered_at = time.monotonic()
        while not (stop.is_set() or stream.ended):
            self._containers.apply(engine, stream.take(self._seconds_until_due(repaired_at, registered_at)))
            self._containers.recheck(engine)
            now = time.monotonic()
            if self._plan.resync and now >= registered_at + self._plan.resync:
                repaired_at = registered_at = now
                self._register_all(engine, client)
            elif now >= repaired_at + REPAIR_INTERVAL:
                repaired_at = now
                self._registered_services.repair(client, self._containers.wanted.registrations())
            else:
                self._registered_services.apply_changes(client, self._containers.wanted.registrations())
            if self._diagnostics() != self._emitted:
                self._emit_diagnostics(emit)

    def _seconds_until_due(self, repaired_at: float, registered_at: float) -> float:
        """Return the seconds until the next repair, recheck or resync is due."""
        ends = [repaired_at + REPAIR_INTERVAL, self._containers.next_recheck()]
        if self._plan.resync:
            ends.append(registered_at + self._plan.resync)
        return max(0.0, min(end for end in ends if end is not None) - time.monotonic())

    def _register_all(self, engine: Engine, client: Client) -> None:
        self._containers.read_all(engine)
        self._registered_services.register_all(client, self._containers.wanted.registrations())

    def _emit_diagnostics(self, emit: Emit) -> None:
        self._emitted = self._diagnostics()
        emit(Configuration(diagnostics=self._emitted))

    def _diagnostics(self) -> tuple[Diagnostic, ...]:
        return (*self._containers.wanted.diagnostics(), *self._registered_services.diagnostics)
