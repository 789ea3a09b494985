"""The Docker provider: opens the event stream, reads all containers, then applies each event."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable

from discovery import labels
from discovery.decoding.decoded import Decoded
from discovery.labels.constraints import Constraint, everything
from discovery.labels.container import ALLOW_NON_RUNNING, Container
from discovery.labels.options import engine_label_options
from discovery.providers.constraints import parse_constraints
from discovery.providers.contract import Emit
from discovery.providers.docker.host import host_address
from discovery.providers.docker.inspection import InspectedContainer, parse_inspection
from discovery.providers.docker.inventory import Inventory
from discovery.providers.docker_engine.container_events import FILTERS, Action, Event, parse_event
from discovery.providers.docker_engine.engine import Engine
from discovery.providers.docker_engine.event_stream import EventStream
from discovery.providers.docker_engine.following import follow_engine
from rondpoint.settings.tree import DockerOptions


class DockerProvider:
    """A provider that emits whenever an event changed what the containers define. It does not poll."""

    name = "docker"

    def __init__(self, options: DockerOptions) -> None:
        self._options = options
        self._label_options = engine_label_options(options)
        self._inventory = Inventory(self._decode, self.name)
        self._emitted = False
        self._constraint: Constraint = everything
        # Resolved once, since a name server that does not respond costs seconds.
        self._host_address = functools.cache(host_address)

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the engine until `stop`.

        Raises ProviderError if the engine cannot be reached or goes away.
        """
        self._emitted = False
        self._constraint = parse_constraints(self._options.constraints, "providers.docker")
        if not self._options.watch:
            with Engine(self._options) as engine:
                self._read_all(engine, stop)
            if not stop.is_set():
                self._emit(emit)
            stop.wait()
            return
        follow_engine(
            lambda: Engine(self._options),
            lambda engine: self._follow(engine, emit, stop),
            self._options.endpoint,
            stop,
        )

    def _follow(self, engine: Engine, emit: Emit, stop: threading.Event) -> None:
        stream = EventStream(engine, FILTERS, parse_event)
        try:
            self._read_all(engine, stop)
            if stop.is_set():
                return
            self._emit(emit)
            while not stop.is_set():
                self._apply(engine, stream.take())
                self._emit(emit)
                if stream.ended:
                    return
        finally:
            engine.end_events()

    def _read_all(self, engine: Engine, stop: threading.Event) -> None:
        found: list[InspectedContainer] = []
        for container_id in dict.fromkeys(
            engine.running_containers() + engine.labelled_containers(ALLOW_NON_RUNNING)
        ):
            if stop.is_set():
                return
            description = engine.inspect(container_id)
            if description is not None:
                found.append(parse_inspection(description, self._host_address))
        self._inventory.replace(found)

    def _apply(self, engine: Engine, events: Iterable[Event]) -> None:
        """Apply events to the inventory; a container with several events is inspected once, at the end."""
        to_inspect: dict[str, None] = {}
        for event in events:
            match event.action:
                case Action.INSPECT:
                    to_inspect[event.container_id] = None
                case Action.REFRESH:
                    if event.container_id in self._inventory:
                        to_inspect[event.container_id] = None
                case Action.SIGNAL:
                    if event.container_id in to_inspect:
                        self._inspect(engine, event.container_id)
                    self._inventory.mark_signalled(event.container_id, event.signal)
                case Action.STOPPED:
                    to_inspect.pop(event.container_id, None)
                    self._inventory.mark_stopped(event.container_id)
                case Action.REMOVE:
                    to_inspect.pop(event.container_id, None)
                    self._inventory.remove(event.container_id)
        for container_id in to_inspect:
            self._inspect(engine, container_id)

    def _inspect(self, engine: Engine, container_id: str) -> None:
        description = engine.inspect(container_id)
        found = None if description is None else parse_inspection(description, self._host_address)
        self._inventory.put(container_id, found)

    def _emit(self, emit: Emit) -> None:
        if self._inventory.refresh() or not self._emitted:
            emit(self._inventory.configuration())
            self._emitted = True

    def _decode(self, container: Container) -> Decoded:
        return labels.decode(container, self._label_options, self._constraint)
