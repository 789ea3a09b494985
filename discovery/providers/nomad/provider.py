"""The Nomad provider: opens the event stream, reads all services, then applies each event."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import closing

from discovery.connections.outages import RETENTION
from discovery.connections.stopping import on_stop
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import format_names
from discovery.http_client.event_stream import EventStream
from discovery.labels.constraints import Constraint, everything
from discovery.providers.constraints import parse_constraints
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.nomad.client import NomadClient
from discovery.providers.nomad.endpoint import Endpoint, endpoint_of
from discovery.providers.nomad.reader import ServiceReader
from discovery.providers.reconnection import follow_with_reconnection
from discovery.providers.tagged_services.decode import decode
from discovery.providers.tagged_services.instance import Member
from discovery.providers.tagged_services.inventory import Inventory
from discovery.providers.tagged_services.options import TagOptions
from rondpoint.settings import NomadOptions

logger = logging.getLogger(__name__)

PROVIDER = "nomad"

MIN_REFRESH_INTERVAL = 1.0


def nomad_providers(options: NomadOptions) -> list[NomadProvider]:
    """Return a provider for each namespace of the settings, or one for the namespace `default`."""
    return [NomadProvider(options, each) for each in options.namespaces] or [NomadProvider(options)]


class NomadProvider:
    """A provider that emits whenever an event changed the definitions. It polls only without `watch`."""

    def __init__(self, options: NomadOptions, namespace: str = "") -> None:
        self.name = f"{PROVIDER}-{namespace}" if namespace else PROVIDER
        self._options = options
        self._namespace = namespace
        self._constraint: Constraint = everything
        self._inventory = Inventory(self._decode, self.name, "Nomad")
        self._tag_options = TagOptions(
            provider=self.name,
            section="providers.nomad",
            own_labels="traefik.nomad.",
            prefix=options.prefix,
            exposed_by_default=options.exposed_by_default,
            default_rule=options.default_rule,
        )

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the services until `stop`. Raises ProviderError if Nomad cannot be read."""
        self._constraint = parse_constraints(self._options.constraints, "providers.nomad")
        try:
            endpoint = endpoint_of(self._options.endpoint)
        except ValueError as error:
            raise ProviderError(str(error)) from error

        def follow() -> None:
            with closing(self._client(endpoint)) as client, on_stop(stop, client.abort):
                if self._options.watch:
                    self._follow(client, endpoint, emit, stop)
                else:
                    self._poll(client, emit, stop)

        follow_with_reconnection(self.name, follow, stop)

    def _client(self, endpoint: Endpoint) -> NomadClient:
        return NomadClient(endpoint, self._namespace, stale=self._options.stale)

    def _follow(self, client: NomadClient, endpoint: Endpoint, emit: Emit, stop: threading.Event) -> None:
        reader = ServiceReader(client, self._inventory, empty=self._options.allow_empty_services)
        streaming = self._client(endpoint)
        # The stream is open before the services are read, so no event is missed.
        stream = EventStream("Nomad", streaming, lambda: streaming.events(reader.topics))
        with stream, on_stop(stop, streaming.abort):
            self._read_all(reader, emit)
            # From now on, only the stream needs a connection.
            client.close()
            while not stop.is_set():
                reader.apply(stream.take(self._seconds_to_expiry()))
                self._emit_changed(emit)
                if self._options.throttle_duration:
                    stop.wait(self._options.throttle_duration)

    def _poll(self, client: NomadClient, emit: Emit, stop: threading.Event) -> None:
        reader = ServiceReader(client, self._inventory, empty=self._options.allow_empty_services)
        self._read_all(reader, emit)
        while not stop.wait(max(self._options.refresh_interval, MIN_REFRESH_INTERVAL)):
            self._inventory.replace(reader.read_all())
            self._emit_changed(emit)

    def _read_all(self, reader: ServiceReader, emit: Emit) -> None:
        """Replace all instances after a start or an outage; missing services are kept for a while."""
        missing = self._inventory.replace(reader.read_all(), keep_until=time.monotonic() + RETENTION)
        if missing:
            logger.warning(
                "Nomad is back without %s; their routes are kept for %g s", format_names(missing), RETENTION
            )
        self._inventory.refresh()
        emit(self._inventory.configuration())

    def _emit_changed(self, emit: Emit) -> None:
        if self._inventory.refresh():
            emit(self._inventory.configuration())

    def _seconds_to_expiry(self) -> float | None:
        """Return the seconds until the first missing service expires; None if none is kept."""
        end = self._inventory.next_expiry
        return None if end is None else max(0.0, end - time.monotonic())

    def _decode(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        return decode(service, members, self._tag_options, self._constraint)
