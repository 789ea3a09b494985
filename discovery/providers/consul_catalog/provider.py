"""Following Consul's catalogue: a change of it is read, decoded and emitted as it comes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from discovery.constraints import ConstraintError, parse
from discovery.consul import Answer, Client, Endpoint, RefusedError
from discovery.consul.following import Following, News
from discovery.consul.from_settings import catalogue_endpoints
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import shown_names
from discovery.providers.consul_agents import Agents
from discovery.providers.consul_catalog.catalogue import (
    CONSUL,
    FEW,
    QUESTIONS,
    Names,
    differing,
    read_all,
    read_service,
)
from discovery.providers.consul_catalog.decode import PROVIDER, Member, decode
from discovery.providers.consul_catalog.health import Health
from discovery.providers.consul_catalog.inventory import Inventory
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.stopping import on_stop
from discovery.union import unite
from rondpoint.settings import ConsulCatalogOptions

logger = logging.getLogger(__name__)

MEMORY = 60.0
"""Seconds that services missing after a time without Consul, or a reset of it, may take to register again."""


class ConsulCatalogProvider:
    """Emits anew whenever the catalogue changed what its services define; nothing is polled."""

    name = PROVIDER

    def __init__(self, options: ConsulCatalogOptions) -> None:
        self._options = options
        self._inventory = Inventory(self._decode)
        self._agents: Agents | None = None
        self._names: Names = {}
        self._nodes: dict[str, str] = {}
        self._index = 0
        self._health_index = 0
        self._unread = False
        self._lost = False
        self._rested = 0.0
        self._emitted = False

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Follow the catalogue until `stop`; raises ProviderError when it cannot be read."""
        try:
            self._constraint = parse(self._options.constraints)
            self._agents = self._agents or Agents(self.name, catalogue_endpoints(self._options.endpoint))
        except ConstraintError as error:
            raise ProviderError(f"providers.consulCatalog.constraints: {error}") from error
        except ValueError as error:
            raise ProviderError(str(error)) from error
        self._agents.follow(lambda endpoint: self._open(endpoint, emit, stop), stop)

    def _open(self, endpoint: Endpoint, emit: Emit, stop: threading.Event) -> None:
        def client() -> Client:
            wait = self._options.endpoint.endpoint_wait_time
            return Client(endpoint, stale=self._options.stale, wait=wait)

        self._emitted = False
        self._health_index = 0
        self._unread = self._lost = False
        with (
            Following(QUESTIONS, client) as following,
            client() as reader,
            on_stop(stop, following.end),
            on_stop(stop, reader.abort),
        ):
            self._follow(following, reader, emit, stop)

    def _follow(self, following: Following, reader: Client, emit: Emit, stop: threading.Event) -> None:
        self._apply(following.take_first(), reader, emit)
        self._emit(emit)
        if not self._options.watch:
            following.end()
            stop.wait()
            return
        while not stop.is_set():
            self._apply(following.take(self._patience()), reader, emit)
            self._emit_changed(emit)

    def _patience(self) -> float | None:
        """Seconds until there is something to do without any news."""
        ends = [self._inventory.next_loss, self._rested if self._unread else None]
        return min((max(0.0, end - time.monotonic()) for end in ends if end is not None), default=None)

    def _apply(self, news: News, reader: Client, emit: Emit) -> None:
        """Bring the inventory up to date with what is new."""
        before = self._names, self._nodes
        if nodes := news.get("nodes"):
            self._nodes = {each["Node"]: each.get("Address") or "" for each in nodes.data}
        if checks := news.get("checks"):
            self._note_health(checks)
        if services := news.get("services"):
            self._check_sight(services.data)
            self._names = services.data
            # After a while without Consul, what all went meanwhile it may as well have forgotten.
            lost = not self._emitted or services.index < self._index
            self._index = services.index
            self._unread, self._lost = True, self._lost or lost
            if not self._lost:
                self._read_few(differing(before[0], self._names), reader, emit)
        self._unread |= self._nodes != before[1]
        started = time.monotonic()
        if self._unread and (started >= self._rested or not self._emitted):
            self._read_all(reader)
            # A catalogue that never rests costs half a core at most, however large it is.
            self._rested = 2 * time.monotonic() - started

    def _read_few(self, names: set[str], reader: Client, emit: Emit) -> None:
        """What is known to have changed does not wait for all the rest."""
        if not names or len(names) > FEW or len(self._inventory) <= FEW:
            return
        found = {name: read_service(reader, name) for name in names}
        self._note_health(reader.failing_checks())
        for name, instances in found.items():
            self._inventory.put(name, instances)
        self._emit_changed(emit)

    def _read_all(self, reader: Client) -> None:
        found = read_all(reader, self._names, self._nodes)
        # Checks come with their services: a server that is not ready yet must not be taken for a ready one.
        self._note_health(reader.failing_checks())
        missing = self._inventory.replace(found, keep_until=time.monotonic() + MEMORY if self._lost else None)
        self._unread = self._lost = False
        if missing:
            logger.warning(
                "Consul is back without %s: kept for %g s, in case it forgot", shown_names(missing), MEMORY
            )

    def _note_health(self, checks: Answer[Sequence[Mapping[str, Any]]]) -> None:
        # The reader and the query that waits overtake each other; 0 is where Consul starts anew.
        if checks.index == 0 or checks.index >= self._health_index:
            self._health_index = checks.index
            self._inventory.set_health(Health(checks.data))

    def _check_sight(self, names: Names) -> None:
        """Consul leaves out what a token may not see, and says nothing of it."""
        if not self._nodes:
            permission = "node:read"
        elif CONSUL in self._names and CONSUL not in names:
            permission = "service:read"
        else:
            return
        raise RefusedError(
            "Consul shows an empty catalogue: it has just started, or the token may not see it",
            f'grant it {permission}, as in: {permission.partition(":")[0]}_prefix "" {{ policy = "read" }}',
            permission,
        )

    def _emit_changed(self, emit: Emit) -> None:
        if self._inventory.refresh():
            self._put(emit)

    def _emit(self, emit: Emit) -> None:
        self._inventory.refresh()
        self._put(emit)

    def _put(self, emit: Emit) -> None:
        emit(unite(self._inventory.decoded(), self.name))
        self._emitted = True

    def _decode(self, service: str, members: Sequence[Member]) -> Sequence[Decoded]:
        return decode(service, members, self._options, self._constraint)
