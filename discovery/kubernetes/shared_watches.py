"""Watches of one API server that several followers share: one connection and one copy of the objects each."""

from __future__ import annotations

import queue
import ssl
import threading
from collections.abc import Callable
from typing import Literal

from discovery.kubernetes.client import Client, Event, Listing, Object
from discovery.kubernetes.cluster import Cluster
from discovery.kubernetes.objects import differs, name_of
from discovery.kubernetes.selection import Selection
from discovery.kubernetes.trimming import trim
from discovery.kubernetes.watch import Found, Watch, Watched

Queue = queue.SimpleQueue[Found | None]
"""Brings the findings of watches to one follower. All followers get the same objects."""


class SharedWatches:
    """The watches of one API server and account: one for each selection that somebody follows.

    `find` returns the API server and the account; a new one counts for watches that start later.
    """

    def __init__(self, find: Callable[[], Cluster]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._watches: dict[Selection, _SharedWatch] = {}
        self._api: tuple[Cluster, ssl.SSLContext] | None = None

    def connect(self) -> tuple[Cluster, ssl.SSLContext]:
        """Find the API server, and return it with the TLS options for it. Raises KubernetesError."""
        with self._lock:
            cluster = self._find()
            # Files that the cluster names may have changed, unless a watch uses them now.
            idle = not any(watch.runs for watch in self._watches.values())
            if self._api is None or idle or cluster != self._api[0]:
                self._api = cluster, cluster.tls()
            return self._api

    def client(self) -> Client:
        """Return a new client for the API server that was found last. Raises KubernetesError."""
        return Client(*(self._api or self.connect()))

    def join(self, selection: Selection, follower: Queue) -> None:
        """Give a follower the objects of a selection, and then each change, until it leaves."""
        with self._lock:
            watch = self._watches.setdefault(selection, _SharedWatch(selection))
        watch.join(follower, self.client)

    def leave(self, selection: Selection, follower: Queue) -> None:
        """Give a follower no more changes of a selection. The watch ends after the last follower."""
        self._watches[selection].leave(follower)


class _SharedWatch:
    """One selection with its objects and its followers.

    The objects outlive an interruption, so one that has not changed meanwhile stays the same for all.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._lock = threading.Lock()
        self._followers: list[Queue] = []
        self._watch: Watch | None = None
        self._known: Literal["", "listed", "missing"] = ""
        self._objects: dict[tuple[str, str], Object] = {}
        self._version = ""

    @property
    def runs(self) -> bool:
        """Whether somebody follows the selection."""
        return self._watch is not None

    def join(self, follower: Queue, client: Callable[[], Client]) -> None:
        with self._lock:
            if self._watch is None:
                self._watch = Watch(self._selection, client(), self._report)
                self._watch.start()
            elif self._known == "listed":
                listing = Listing(tuple(self._objects.values()), self._version)
                follower.put(Watched(self._selection, listing))
            elif self._known == "missing":
                follower.put(Watched(self._selection))
            self._followers.append(follower)

    def leave(self, follower: Queue) -> None:
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)
            ended = None if self._followers else self._watch
            if ended is not None:
                self._watch, self._known = None, ""
        if ended is not None:
            # Without the lock, which the watch may need for a last report.
            ended.close()

    def _report(self, watch: Watch, found: Found) -> None:
        with self._lock:
            if watch is not self._watch:
                return
            if isinstance(found, Exception):
                self._watch, self._known = None, ""
            else:
                found = self._keep(found)
            for follower in self._followers:
                follower.put(found)

    def _keep(self, found: Watched) -> Watched:
        if found.event is not None:
            event = self._keep_event(found.event)
            self._version = event.version or self._version
            return Watched(self._selection, event=event)
        before, self._objects = self._objects, {}
        if found.listing is None:
            self._known = "missing"
            return found
        for item in found.listing.items:
            name = name_of(item)
            known = before.get(name)
            self._objects[name] = trim(item) if known is None or differs(known, item) else known
        self._known, self._version = "listed", found.listing.version
        return Watched(self._selection, Listing(tuple(self._objects.values()), self._version))

    def _keep_event(self, event: Event) -> Event:
        if event.type == "DELETED":
            self._objects.pop(name_of(event.item), None)
        elif event.type in ("ADDED", "MODIFIED"):
            item = self._objects[name_of(event.item)] = trim(event.item)
            return Event(event.type, item, event.version)
        return event
