"""Following an engine, and keeping Consul's agent at what it says.

Whatever breaks, the whole begins anew: all containers are read again, and registered again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from discovery.consul import Client, Endpoint
from discovery.providers.consul_agents import Agents
from discovery.providers.contract import Emit
from discovery.providers.docker.engine import Engine
from discovery.providers.docker.pending_events import Pending
from discovery.providers.errors import ProviderError
from discovery.providers.registrar.containers import Containers
from discovery.providers.stopping import on_stop
from discovery.registrar.options import Plan
from discovery.registrar.registered_services import Standing
from discovery.registrar.registrations import SOURCE
from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Configuration

LOOK = 5.0
"""Seconds after which it is seen whether Consul's agent still has everything."""


class Registrar:
    """A provider without routes: it emits what is wrong with containers' keys, and with registering them."""

    name = SOURCE

    def __init__(self, plan: Callable[[], Plan]) -> None:
        """`plan` is made when the work begins; it raises ValueError, in one line, when it cannot be."""
        self._make_plan = plan
        self._work: _Work | None = None

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Register until `stop`; raises ProviderError when the engine or Consul cannot be asked."""
        if self._work is None:
            try:
                self._work = _Work(self._make_plan())
            except ValueError as error:
                raise ProviderError(str(error)) from error
            # Routes do not wait for a registrar.
            emit(Configuration())
        self._work.follow(emit, stop)


class _Work:
    """What outlives faults of the engine and of Consul."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._agents = Agents(SOURCE, (plan.consul,))
        self._containers = Containers(plan.options, on_success=plan.on_success)
        self._standing = Standing(plan.options.hostname, cleanup=plan.cleanup)
        self._told: tuple[Diagnostic, ...] = ()

    def follow(self, emit: Emit, stop: threading.Event) -> None:
        self._agents.follow(lambda endpoint: self._follow(endpoint, emit, stop), stop)

    def _follow(self, endpoint: Endpoint, emit: Emit, stop: threading.Event) -> None:
        with (
            Engine(self._plan.docker, self._plan.docker_setting) as engine,
            Client(endpoint) as client,
            on_stop(stop, engine.end_events),
            on_stop(stop, client.abort),
        ):
            pending = Pending(engine)
            self._renew(engine, client)
            self._tell(emit)
            self._keep(engine, client, pending, emit, stop)
        if not stop.is_set():
            raise ProviderError(f"the event stream of the Docker engine at {self._plan.docker} ended")

    def _keep(
        self, engine: Engine, client: Client, pending: Pending, emit: Emit, stop: threading.Event
    ) -> None:
        """Until the event stream ends; every change is registered as it comes."""
        looked = renewed = time.monotonic()
        while not (stop.is_set() or pending.ended):
            self._containers.apply(engine, pending.take(self._patience(looked, renewed)))
            self._containers.resolve(engine)
            now = time.monotonic()
            if self._plan.resync and now >= renewed + self._plan.resync:
                looked = renewed = now
                self._renew(engine, client)
            elif now >= looked + LOOK:
                looked = now
                self._standing.mend(client, self._containers.roster.wanted())
            else:
                self._standing.change(client, self._containers.roster.wanted())
            if self._diagnostics() != self._told:
                self._tell(emit)

    def _patience(self, looked: float, renewed: float) -> float:
        """Seconds until there is something to do without an event."""
        ends = [looked + LOOK, self._containers.doubt()]
        if self._plan.resync:
            ends.append(renewed + self._plan.resync)
        return max(0.0, min(end for end in ends if end is not None) - time.monotonic())

    def _renew(self, engine: Engine, client: Client) -> None:
        self._containers.read_all(engine)
        self._standing.renew(client, self._containers.roster.wanted())

    def _tell(self, emit: Emit) -> None:
        self._told = self._diagnostics()
        emit(Configuration(diagnostics=self._told))

    def _diagnostics(self) -> tuple[Diagnostic, ...]:
        return (*self._containers.roster.diagnostics(), *self._standing.diagnostics)
