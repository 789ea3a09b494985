"""Follows a cluster, and emits the provider's configuration whenever a change affects it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from msgspec.structs import replace

from discovery.connections.stopping import on_stop
from discovery.kubernetes.errors import ClosedError, KubernetesError
from discovery.kubernetes.objects import Objects
from discovery.kubernetes.selection import Selection
from discovery.kubernetes.shared_watches import SharedWatches
from discovery.kubernetes.watches import Watches
from discovery.providers.contract import Emit
from discovery.providers.errors import ProviderError
from discovery.providers.kubernetes.definitions import Definitions
from discovery.providers.kubernetes.status_updates import StatusUpdates
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity


class Follower:
    """Follows the selections of one provider, and keeps its definitions and statuses current.

    `objects` outlive a lost connection, so the routes stay; after it, the lists are compared with them.
    """

    def __init__(
        self,
        provider: str,
        shared: SharedWatches,
        selections: Iterable[Selection],
        objects: Objects,
        definitions: Definitions,
        statuses: StatusUpdates | None = None,
    ) -> None:
        self._provider = provider
        self._shared = shared
        self._selections = tuple(selections)
        self._objects = objects
        self._definitions = definitions
        self._statuses = statuses

    def watch(self, emit: Emit, stop: threading.Event) -> None:
        """Emit the configuration, and again after each change, until `stop` is set. Raises ProviderError."""
        try:
            self._shared.connect()
            with ExitStack() as stack:
                watches = stack.enter_context(Watches(self._objects, self._shared))
                stack.enter_context(on_stop(stop, watches.end))
                if self._statuses is not None:
                    stack.enter_context(self._statuses.writing(self._shared.client(), watches.wake))
                self._follow(watches, emit, stop)
        except ClosedError:
            if not stop.is_set():
                raise
        except KubernetesError as error:
            raise ProviderError(error.message, error.hint) from error

    def _follow(self, watches: Watches, emit: Emit, stop: threading.Event) -> None:
        watches.follow(self._selections)
        while not watches.complete:
            watches.take()
        missing: frozenset[Selection] | None = None
        diagnostics: tuple[Diagnostic, ...] = ()
        while not stop.is_set():
            self._objects.drop_expired()
            keys = self._objects.take_changed()
            before = missing, diagnostics
            missing = watches.missing
            changed = self._definitions.refresh(keys)
            if self._statuses is not None:
                diagnostics = self._statuses.update(keys)
            if changed or before != (missing, diagnostics):
                emit(self._configuration(missing, diagnostics))
            watches.take(self._seconds_to_expiry())

    def _configuration(
        self, missing: frozenset[Selection], of_statuses: Iterable[Diagnostic]
    ) -> Configuration:
        found = self._definitions.configuration()
        # Objects that share a service share the diagnostics about it.
        diagnostics = dict.fromkeys((*found.diagnostics, *of_statuses, *self._describe(missing)))
        return replace(found, diagnostics=tuple(diagnostics))

    def _describe(self, missing: frozenset[Selection]) -> Iterator[Diagnostic]:
        """Report the resources that are missing in every API group and version that has their kind."""
        there = {each.resource.kind for each in self._selections if each not in missing}
        told = {
            str(each.resource): each.optional
            for each in missing
            if (each.reported or not each.optional) and each.resource.kind not in there
        }
        for resource, optional in sorted(told.items()):
            rights = ", and give the agent's account the right to list and watch them" if optional else ""
            yield Diagnostic(
                Severity.WARNING,
                self._provider,
                "Kubernetes API",
                f"the API server does not know {resource}, so there are none",
                f"install their definition{rights}; Rondpoint asks again every 30 s",
            )

    def _seconds_to_expiry(self) -> float | None:
        end = self._objects.next_expiry
        return None if end is None else max(0.0, end - time.monotonic())
