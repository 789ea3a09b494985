"""Lists and watches one selection, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from msgspec import Struct

from discovery.connections.backoff import Backoff
from discovery.kubernetes.client import Client, Event, Listing
from discovery.kubernetes.errors import GoneError, MissingError, RefusedError, UnreachableError
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
    """A finding of a watch: a list or an event; with neither, the API server lacks the resource."""

    selection: Selection
    listing: Listing | None = None
    event: Event | None = None


Found = Watched | Exception
"""A report of a watch; an exception is its last one."""


class Watch:
    """A thread that lists and watches one selection until it is closed; `report` gets its findings.

    A watch that breaks off continues from the last resource version; one whose version is gone lists again.
    """

    def __init__(self, selection: Selection, client: Client, report: Callable[[Watch, Found], None]) -> None:
        self._selection = selection
        self._client = client
        self._report = report
        self._thread = threading.Thread(
            target=self._run, name=f"kubernetes-{selection.resource.plural}", daemon=True
        )
        self._backoff = Backoff(FIRST_DELAY, LAST_DELAY)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Abort the watch, and wait for the thread to end."""
        self._client.abort()
        self._thread.join()

    def _run(self) -> None:
        try:
            while True:
                self._follow(self._list())
        except Exception as error:  # noqa: BLE001 - it is raised in the threads that wait for changes
            self._report(self, error)
        finally:
            self._client.close()

    def _list(self) -> str:
        """List the selection until the API server knows its resource; return the resource version."""
        told = False
        while True:
            try:
                listing = self._client.list(self._selection)
            except (MissingError, RefusedError) as error:
                if isinstance(error, RefusedError) and not self._selection.optional:
                    raise
                if not told:
                    self._report(self, Watched(self._selection))
                told = True
                self._client.pause(MISSING_INTERVAL)
                continue
            self._report(self, Watched(self._selection, listing=listing))
            return listing.version

    def _follow(self, version: str) -> None:
        """Watch from this version on, one watch after the other, until the objects must be listed again."""
        broken = False
        while True:
            started = time.monotonic()
            try:
                for event in self._client.watch(self._selection, version):
                    self._report(self, Watched(self._selection, event=event))
                    version = event.version or version
                    broken = False
                    self._backoff.reset()
            except (GoneError, MissingError) as error:
                logger.info("%s; listing %s again", error.message, self._selection)
                self._pause_unless_calm(started)
                return
            except UnreachableError as error:
                # A connection may break for many reasons. An unreachable server fails the next one, too.
                if broken and time.monotonic() - started < CALM:
                    raise
                broken = True
                logger.info("%s; continuing the watch of %s", error.message, self._selection)
                continue
            self._pause_unless_calm(started)

    def _pause_unless_calm(self, started: float) -> None:
        if time.monotonic() - started < CALM:
            self._client.pause(self._backoff.next())
        else:
            self._backoff.reset()
