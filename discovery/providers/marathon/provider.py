"""The Marathon provider: opens the event stream, reads all apps, and reads them again after events."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing

from discovery import labels
from discovery.connections.outages import RETENTION, STABLE_SECONDS
from discovery.connections.stopping import on_stop
from discovery.decoding.decoded import Decoded
from discovery.http_client.errors import HttpError
from discovery.http_client.event_stream import EventStream
from discovery.labels.constraints import Constraint, everything
from discovery.labels.container import Container
from discovery.labels.options import LabelOptions
from discovery.providers.constraints import parse_constraints
from discovery.providers.container_groups.inventory import Inventory
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.marathon.app_reader import AppReader
from discovery.providers.marathon.apps import PROVIDER
from discovery.providers.marathon.client import MarathonClient, urls_of
from rondpoint.settings import MarathonOptions

logger = logging.getLogger(__name__)

READINESS_INTERVAL = 1.0
"""Seconds between readings while a task is not ready: it may become ready without an event."""


class MarathonProvider:
    """A provider that emits whenever apps or tasks changed. It polls only while a task is not ready."""

    name = PROVIDER

    def __init__(self, options: MarathonOptions) -> None:
        self._options = options
        self._urls = urls_of(options.endpoint)
        self._inventory = Inventory(self._decode, self.name)
        self._reader = AppReader(options)
        self._constraint: Constraint = everything
        # An app without a ready task keeps its routes, as in Traefik 1.
        self._label_options = LabelOptions(
            exposed_by_default=options.exposed_by_default,
            default_rule=options.default_rule,
            allow_empty_services=True,
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the apps until `stop`. Raises ProviderError if no Marathon can be read."""
        self._constraint = parse_constraints(self._options.constraints, "providers.marathon")
        failures = 0
        while not stop.is_set():
            opened = time.monotonic()
            try:
                with closing(self._client()) as client, on_stop(stop, client.abort):
                    self._follow(client, emit, stop)
            except HttpError as error:
                if stop.is_set():
                    return
                failures = 0 if time.monotonic() - opened >= STABLE_SECONDS else failures + 1
                self._urls = (*self._urls[1:], self._urls[0])
                if failures >= len(self._urls):
                    raise ProviderError(error.message, error.hint) from error
                logger.warning("provider marathon: %s; trying %s", error.message, self._urls[0])

    def _client(self) -> MarathonClient:
        return MarathonClient(self._urls[0], self._options)

    def _follow(self, client: MarathonClient, emit: Emit, stop: threading.Event) -> None:
        if not self._options.watch:
            self._read(client, emit, first=True)
            stop.wait()
            return
        streaming = self._client()
        # The stream is open before the apps are read, so no event is missed.
        stream = EventStream("Marathon", streaming, streaming.events)
        with stream, on_stop(stop, streaming.abort):
            self._read(client, emit, first=True)
            seconds = 0.0
            while not stop.is_set():
                # Readings pause as long as they last, so apps in constant motion cost half a core at most.
                stop.wait(seconds)
                stream.take(self._seconds_to_reading())
                if not stop.is_set():
                    seconds = self._read(client, emit, first=False)

    def _read(self, client: MarathonClient, emit: Emit, *, first: bool) -> float:
        """Read all apps and emit if they changed; return the seconds that it took. Raises HttpError."""
        started = time.monotonic()
        now = time.time()
        apps = client.apps(lambda written: self._reader.read(written, now))
        if self._inventory.replace(apps, keep_until=started + RETENTION if first else None) or first:
            emit(self._inventory.configuration())
        return time.monotonic() - started

    def _seconds_to_reading(self) -> float | None:
        """Return the seconds until apps must be read without an event; None if that is never."""
        ends = [self._inventory.next_expiry]
        if self._inventory.waiting:
            ends.append(time.monotonic() + READINESS_INTERVAL)
        return min((max(0.0, end - time.monotonic()) for end in ends if end is not None), default=None)

    def _decode(self, container: Container) -> Decoded:
        return labels.decode(container, self._label_options, self._constraint)
