"""The Consul catalogue provider: reads, decodes and emits each change of the catalogue as it comes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from discovery.connections.outages import RETENTION
from discovery.connections.stopping import on_stop
from discovery.consul import Client, Endpoint
from discovery.consul.blocking_queries import BlockingQueries
from discovery.consul.settings_endpoints import catalogue_endpoints
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import format_names
from discovery.labels.constraints import Constraint, everything
from discovery.providers.constraints import parse_constraints
from discovery.providers.consul_agents import ConsulAgents
from discovery.providers.consul_catalog.checks import CatalogueChecks
from discovery.providers.consul_catalog.queries import CHECKS, FIRST_QUERIES, NODES
from discovery.providers.consul_catalog.reader import CatalogueReader
from discovery.providers.consul_catalog.tag_options import PROVIDER, tag_options
from discovery.providers.contract import Emit
from discovery.providers.tagged_services.decode import decode
from discovery.providers.tagged_services.instance import Instance, Member
from discovery.providers.tagged_services.inventory import Inventory
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import ConsulCatalogOptions

logger = logging.getLogger(__name__)

_NO_SERVICES = Diagnostic(
    Severity.WARNING,
    PROVIDER,
    "catalogue",
    "Consul lists no service at all, not even its own",
    'the token may lack service:read, as in: service_prefix "" { policy = "read" }',
)


class ConsulCatalogProvider:
    """A provider that emits whenever a change of the catalogue changed the definitions. It does not poll."""

    name = PROVIDER

    def __init__(self, options: ConsulCatalogOptions) -> None:
        self._options = options
        self._tag_options = tag_options(options)
        self._inventory = Inventory(self._decode, self.name, "Consul")
        self._agents = ConsulAgents(self.name, lambda: catalogue_endpoints(options.endpoint))
        self._constraint: Constraint = everything

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the catalogue until `stop`. Raises ProviderError if it cannot be read."""
        self._constraint = parse_constraints(self._options.constraints, self._tag_options.section)
        self._agents.follow(lambda endpoint: self._open(endpoint, emit, stop), stop)

    def _open(self, endpoint: Endpoint, emit: Emit, stop: threading.Event) -> None:
        def client() -> Client:
            wait = self._options.endpoint.endpoint_wait_time
            return Client(endpoint, stale=self._options.stale, wait=wait)

        with (
            BlockingQueries(FIRST_QUERIES, client) as queries,
            client() as reader,
            on_stop(stop, queries.end),
            on_stop(stop, reader.abort),
        ):
            self._follow(queries, reader, emit, stop)

    def _follow(self, queries: BlockingQueries, reader: Client, emit: Emit, stop: threading.Event) -> None:
        """Follow the catalogue until `stop`. Raises the error of a query that failed."""
        checks = CatalogueChecks(reader, self._inventory)
        results = queries.take_first()
        checks.update(results[CHECKS])
        reading = CatalogueReader(queries, reader, checks, self._inventory)
        found = reading.read_all(results[NODES].data)
        checks.refresh()
        self._replace(found)
        self._inventory.refresh()
        self._put(emit)
        if not self._options.watch:
            queries.end()
            stop.wait()
            return
        while not stop.is_set():
            results = queries.take(self._seconds_until_due(reading.due))
            if CHECKS in results:
                checks.update(results[CHECKS])
            lost = any(result.index == 0 for result in results.values())
            reading.apply(results, self._retention_end() if lost else None, lambda: self._emit_changed(emit))
            self._emit_changed(emit)

    def _replace(self, instances: Iterable[Instance]) -> None:
        """Replace all instances after an outage.

        Consul may have forgotten missing services, so they are kept.
        """
        missing = self._inventory.replace(instances, keep_until=self._retention_end())
        if missing:
            logger.warning(
                "Consul is back without %s; their routes are kept for %g s",
                format_names(missing),
                RETENTION,
            )

    def _retention_end(self) -> float:
        return time.monotonic() + RETENTION

    def _seconds_until_due(self, due: float | None) -> float | None:
        """Return the seconds until the next expiry or reading is due; None if nothing is."""
        ends = [self._inventory.next_expiry, due]
        return min((max(0.0, end - time.monotonic()) for end in ends if end is not None), default=None)

    def _emit_changed(self, emit: Emit) -> None:
        if self._inventory.refresh():
            self._put(emit)

    def _put(self, emit: Emit) -> None:
        found = self._inventory.configuration()
        if not self._inventory:
            found = replace(found, diagnostics=(*found.diagnostics, _NO_SERVICES))
        emit(found)

    def _decode(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        return decode(service, members, self._tag_options, self._constraint)
