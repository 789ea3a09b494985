"""Writes the statuses of objects that differ from the wanted ones, while this agent leads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import closing, contextmanager
from typing import Any, Protocol

from msgspec import Struct

from discovery.kubernetes.client import Client, Object
from discovery.kubernetes.objects import Key, name_of
from discovery.kubernetes.resources import Resource
from discovery.leadership import Leadership
from discovery.providers.kubernetes.status_writer import StatusWriter
from rondpoint.diagnostics import Diagnostic

_TIME = "lastTransitionTime"


class DueStatus(Struct, frozen=True):
    """An object whose status differs from the wanted one, `status`."""

    resource: Resource
    item: Object
    status: Mapping[str, Any]


class Statuses(Protocol):
    """Decides which statuses the objects of one provider should have."""

    def note(self, changed: Set[Key]) -> tuple[Diagnostic, ...]:
        """Note which objects of the cluster changed; return the reasons why statuses cannot be written."""

    def due(self, *, everything: bool) -> Iterator[DueStatus]:
        """Yield the due statuses that changes since the last call affect, or those of all objects."""


class StatusUpdates:
    """The statuses of one provider's objects, as the leading agent writes them.

    An agent that begins to lead compares the statuses of all objects, since the last leader may have left
    some unwritten. A status that is there already is not written, so the watch's echo ends the circle.
    """

    def __init__(self, statuses: Statuses, leadership: Leadership) -> None:
        self._statuses = statuses
        self._leadership = leadership
        self._compare_all = threading.Event()
        self._sent: dict[Key, object] = {}
        self._writer: StatusWriter | None = None

    @contextmanager
    def writing(self, client: Client, wake: Callable[[], None]) -> Iterator[None]:
        """Write until the end of the block; `wake` has `update` called when this agent begins to lead."""

        def gained() -> None:
            self._compare_all.set()
            wake()

        self._compare_all.set()
        with closing(StatusWriter(client, self._leadership)) as writer, self._leadership.on_gain(gained):
            self._writer = writer
            yield

    def update(self, changed: Set[Key]) -> tuple[Diagnostic, ...]:
        """Send the due statuses to the writer; return the reasons why statuses cannot be written."""
        diagnostics = self._statuses.note(changed)
        if not self._leadership.held or self._writer is None:
            self._compare_all.set()
            return diagnostics
        everything = self._compare_all.is_set()
        if everything:
            self._compare_all.clear()
            self._sent.clear()
        for key in changed & self._sent.keys():
            del self._sent[key]
        for due in self._statuses.due(everything=everything):
            key = (due.resource, *name_of(due.item))
            # Until the watch brings the written status, the same one is due again at each change.
            sending = due.item["metadata"].get("resourceVersion"), _without_times(due.status)
            if self._sent.get(key) != sending:
                self._sent[key] = sending
                self._writer.write(due.resource, {**due.item, "status": due.status})
        return diagnostics


def _without_times(status: object) -> object:
    if isinstance(status, Mapping):
        return {name: _without_times(value) for name, value in status.items() if name != _TIME}
    return [_without_times(value) for value in status] if isinstance(status, list) else status
