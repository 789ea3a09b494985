"""Lists and watches selections, each in a thread of its own, and collects what changed."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from discovery.connections.backoff import Backoff
from discovery.kubernetes.client import Client, Event, Listing
from discovery.kubernetes.errors import ClosedError, GoneError, MissingError, RefusedError, UnreachableError
from discovery.kubernetes.objects import Objects, name_of
from discovery.kubernetes.selection import Selection

logger = logging.getLogger(__name__)

MISSING_INTERVAL = 30.0
"""Seconds until a resource that the API server does not know is asked for again."""

FIRST_DELAY = 0.05
LAST_DELAY = 5.0
"""Seconds between two watches, if the API server ends them at once."""

CALM = 5.0
"""Seconds after which a watch that ended is continued without delay."""


class Watched(Struct, frozen=True):
    """What a watch found: a list, an event, or, with neither, that the API server lacks the resource."""

    selection: Selection
    listing: Listing | None = None
    event: Event | None = None


class Watches:
    """Watches that keep `objects` current until they are stopped. All methods but `end` are for one thread.

    A watch that breaks off continues from the last resource version; one whose version is gone lists again.
    """

    def __init__(self, objects: Objects, client: Callable[[], Client]) -> None:
        self._objects = objects
        self._make_client = client
        self._watches: dict[Selection, _Watch] = {}
        self._found: queue.SimpleQueue[Watched | Exception] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._ended = False
        self._listed: set[Selection] = set()
        self.missing: frozenset[Selection] = frozenset()
        """The selections whose resource the API server does not know."""

    def __enter__(self) -> Watches:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        for watch in self._watches.values():
            watch.close()

    def follow(self, selections: Iterable[Selection]) -> None:
        """Start to watch these selections, unless they are watched already."""
        for selection in selections:
            if selection in self._watches:
                continue
            watch = _Watch(selection, self._make_client(), self._found)
            with self._lock:
                self._watches[selection] = watch
                if self._ended:
                    watch.client.abort()
            watch.thread.start()

    def end(self) -> None:
        """Abort every watch. May be called from any thread."""
        with self._lock:
            self._ended = True
            for watch in self._watches.values():
                watch.client.abort()
        self._found.put(ClosedError("the watches were stopped"))

    @property
    def complete(self) -> bool:
        """Whether every selection was listed, or is missing."""
        return self._listed | self.missing >= self._watches.keys()

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

    def _apply(self, found: Watched | Exception) -> None:
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


class _Watch:
    """A thread that lists and watches one selection until its client is closed."""

    def __init__(
        self, selection: Selection, client: Client, found: queue.SimpleQueue[Watched | Exception]
    ) -> None:
        self.client = client
        self.thread = threading.Thread(
            target=self._run, name=f"kubernetes-{selection.resource.plural}", daemon=True
        )
        self._selection = selection
        self._found = found
        self._backoff = Backoff(FIRST_DELAY, LAST_DELAY)

    def close(self) -> None:
        """Abort the watch, and wait for the thread to end."""
        self.client.abort()
        self.thread.join()
        self.client.close()

    def _run(self) -> None:
        try:
            while True:
                self._follow(self._list())
        except Exception as error:  # noqa: BLE001 - `take` raises it in the thread that waits for changes
            self._found.put(error)

    def _list(self) -> str:
        """List the selection until the API server knows its resource; return the resource version."""
        told = False
        while True:
            try:
                listing = self.client.list(self._selection)
            except (MissingError, RefusedError) as error:
                if isinstance(error, RefusedError) and not self._selection.optional:
                    raise
                if not told:
                    self._found.put(Watched(self._selection))
                told = True
                self.client.pause(MISSING_INTERVAL)
                continue
            self._found.put(Watched(self._selection, listing=listing))
            return listing.version

    def _follow(self, version: str) -> None:
        """Watch from this version on, one watch after the other, until the objects must be listed again."""
        broken = False
        while True:
            started = time.monotonic()
            try:
                for event in self.client.watch(self._selection, version):
                    self._found.put(Watched(self._selection, event=event))
                    version = event.version or version
                    broken = False
                    self._backoff.reset()
            except (GoneError, MissingError) as error:
                logger.info("%s; listing %s again", error.message, self._selection)
                self._pause_unless_calm(started)
                return
            except UnreachableError as error:
                # A connection may break for many reasons. A server that is away fails the next one, too.
                if broken and time.monotonic() - started < CALM:
                    raise
                broken = True
                logger.info("%s; continuing the watch of %s", error.message, self._selection)
                continue
            self._pause_unless_calm(started)

    def _pause_unless_calm(self, started: float) -> None:
        if time.monotonic() - started < CALM:
            self.client.pause(self._backoff.next())
        else:
            self._backoff.reset()
