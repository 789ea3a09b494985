"""Keeps the objects of several selections current, by watches that others may share."""

from __future__ import annotations

import queue
from collections.abc import Iterable

from discovery.kubernetes.client import Event
from discovery.kubernetes.errors import ClosedError
from discovery.kubernetes.objects import Objects, name_of
from discovery.kubernetes.selection import Selection
from discovery.kubernetes.shared_watches import SharedWatches
from discovery.kubernetes.watch import Found


class Watches:
    """Watches that keep `objects` current inside a `with` block.

    All methods are for one thread, but `end` and `wake`.
    """

    def __init__(self, objects: Objects, shared: SharedWatches) -> None:
        self._objects = objects
        self._shared = shared
        self._found: queue.SimpleQueue[Found | None] = queue.SimpleQueue()
        self._followed: set[Selection] = set()
        self._listed: set[Selection] = set()
        self.missing: frozenset[Selection] = frozenset()
        """The selections whose resource the API server does not know."""

    def __enter__(self) -> Watches:
        return self

    def __exit__(self, *_: object) -> None:
        for selection in self._followed:
            self._shared.leave(selection, self._found)

    def follow(self, selections: Iterable[Selection]) -> None:
        """Start to watch these selections, unless they are watched already."""
        for selection in selections:
            if selection not in self._followed:
                self._followed.add(selection)
                self._shared.join(selection, self._found)

    def end(self) -> None:
        """Have `take` raise ClosedError. May be called from any thread."""
        self._found.put(ClosedError("the watches were stopped"))

    def wake(self) -> None:
        """Have `take` return. May be called from any thread."""
        self._found.put(None)

    @property
    def complete(self) -> bool:
        """Whether every selection was listed, or is missing."""
        return self._listed | self.missing >= self._followed

    def take(self, timeout: float | None = None) -> None:
        """Wait for a change, `timeout` seconds at most, and apply all that are there to the objects.

        Raises the error of a watch that failed, and ClosedError after `end`.
        """
        try:
            self._apply(self._found.get(timeout=timeout))
        except queue.Empty:
            return
        while not self._found.empty():
            self._apply(self._found.get())

    def _apply(self, found: Found | None) -> None:
        if found is None:
            return
        if isinstance(found, Exception):
            raise found
        selection = found.selection
        if found.listing is not None:
            self._listed.add(selection)
            self.missing -= {selection}
            self._objects.replace(selection, found.listing.items, found.listing.version)
        elif found.event is None:
            self.missing |= {selection}
            self._listed.discard(selection)
            self._objects.replace(selection, ())
        else:
            self._apply_event(selection, found.event)

    def _apply_event(self, selection: Selection, event: Event) -> None:
        if event.type == "DELETED":
            self._objects.remove(selection.resource, *name_of(event.item))
        elif event.type in ("ADDED", "MODIFIED"):
            self._objects.put(selection.resource, event.item)
        self._objects.note_version(selection, event.version)
