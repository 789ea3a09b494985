"""Follows a cluster, and emits the provider's configuration whenever a change affects it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from discovery.connections.stopping import on_stop
from discovery.kubernetes.client import Client
from discovery.kubernetes.cluster import Cluster, find_cluster
from discovery.kubernetes.errors import ClosedError, KubernetesError
from discovery.kubernetes.objects import Key, Objects
from discovery.kubernetes.selection import Selection
from discovery.kubernetes.watches import Watches
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.kubernetes.definitions import Definitions
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration


class Connection(Struct, frozen=True):
    """The options by which a provider reaches the API server."""

    endpoint: str = ""
    token: str = ""
    authority_file: str = ""

    def cluster(self) -> Cluster:
        """Return the API server and the account. Raises KubernetesError."""
        return find_cluster(self.endpoint, self.token, self.authority_file, os.environ)


Observe = Callable[[set[Key], Cluster], tuple[Diagnostic, ...]]
"""Called after each change with the keys of changed objects, at first of all; returns what is wrong."""


class Follower:
    """Follows the selections of one provider, and keeps its definitions current.

    `objects` outlive a lost connection, so the routes stay; after it, the lists are compared with them.
    """

    def __init__(
        self,
        provider: str,
        connection: Connection,
        selections: Iterable[Selection],
        objects: Objects,
        definitions: Definitions,
    ) -> None:
        self._provider = provider
        self._connection = connection
        self._selections = tuple(selections)
        self._objects = objects
        self._definitions = definitions

    def watch(self, emit: Emit, stop: threading.Event, observe: Observe | None = None) -> None:
        """Emit the configuration, and again after each change, until `stop` is set. Raises ProviderError."""
        try:
            cluster = self._connection.cluster()
            tls = cluster.tls()
            with (
                Watches(self._objects, lambda: Client(cluster, tls)) as watches,
                on_stop(stop, watches.end),
            ):
                self._follow(watches, cluster, emit, stop, observe)
        except ClosedError:
            if not stop.is_set():
                raise
        except KubernetesError as error:
            raise ProviderError(error.message, error.hint) from error

    def _follow(
        self, watches: Watches, cluster: Cluster, emit: Emit, stop: threading.Event, observe: Observe | None
    ) -> None:
        watches.follow(self._selections)
        while not watches.complete:
            watches.take()
        missing: frozenset[Selection] | None = None
        observed: tuple[Diagnostic, ...] = ()
        while not stop.is_set():
            self._objects.drop_expired()
            keys = self._objects.take_changed()
            before = missing, observed
            missing = watches.missing
            changed = self._definitions.refresh(keys)
            if observe is not None and keys:
                observed = observe(keys, cluster)
            if changed or before != (missing, observed):
                emit(self._configuration(missing, observed))
            watches.take(self._seconds_to_expiry())

    def _configuration(self, missing: frozenset[Selection], observed: Iterable[Diagnostic]) -> Configuration:
        found = self._definitions.configuration()
        # Objects that share a service share the diagnostics about it.
        diagnostics = dict.fromkeys((*found.diagnostics, *observed, *self._describe(missing)))
        return replace(found, diagnostics=tuple(diagnostics))

    def _describe(self, missing: frozenset[Selection]) -> Iterator[Diagnostic]:
        """Report the resources that are missing in every API group that has their kind."""
        there = {each.resource.kind for each in self._selections if each not in missing}
        told = [each for each in missing if not each.optional and each.resource.kind not in there]
        for resource in sorted({str(each.resource) for each in told}):
            yield Diagnostic(
                Severity.WARNING,
                self._provider,
                "Kubernetes API",
                f"the API server does not know {resource}, so there are none",
                "install their definition; Rondpoint asks again every 30 s",
            )

    def _seconds_to_expiry(self) -> float | None:
        end = self._objects.next_expiry
        return None if end is None else max(0.0, end - time.monotonic())
