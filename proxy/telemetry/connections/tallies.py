"""Counts of TCP connections and UDP sessions in a worker's memory, as plain integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rondpoint.store.connection_metrics import ConnectionCounts, ConnectionKey

if TYPE_CHECKING:
    from rondpoint.store.connection_metrics import ActiveConnections

MAX_EXAMINED = 1_000
"""Open connections whose bytes are counted in one round; the next round continues after them."""


class ConnectionTally:
    """The counts of one router or server, as in `ConnectionCounts`; each count sets `changed`."""

    __slots__ = (
        "aborted",
        "changed",
        "dropped",
        "failed",
        "forwarded",
        "open",
        "received",
        "refused",
        "sent",
    )

    def __init__(self) -> None:
        self.forwarded = self.refused = self.failed = self.aborted = self.open = 0
        self.received = self.sent = self.dropped = 0
        self.changed = False

    def add(self, other: ConnectionTally) -> None:
        """Add the counts of another tally, which has no open connections."""
        self.forwarded += other.forwarded
        self.refused += other.refused
        self.failed += other.failed
        self.aborted += other.aborted
        self.received += other.received
        self.sent += other.sent
        self.dropped += other.dropped
        self.changed = True

    def counts(self) -> ConnectionCounts:
        """Return the counts in the form of the store."""
        return ConnectionCounts(
            self.forwarded,
            self.refused,
            self.failed,
            self.aborted,
            self.open,
            self.received,
            self.sent,
            self.dropped,
        )


class Open(Protocol):
    """An open connection, whose bytes are counted now and then."""

    def count_bytes(self) -> None:
        """Add the bytes since the last call to the tally."""


class ConnectionTallies:
    """A worker's tallies by their key; `open` holds its open connections and sessions.

    A tally with an open connection is never dropped, so the connection may keep it.
    """

    def __init__(self) -> None:
        self.all: dict[ConnectionKey, ConnectionTally] = {}
        self.open: dict[Open, None] = {}
        self._unexamined: list[Open] = []

    def tally(self, key: ConnectionKey) -> ConnectionTally:
        """Return the tally of this key, to be used before the next yield."""
        tally = self.all.get(key)
        if tally is None:
            tally = self.all[key] = ConnectionTally()
        return tally

    def count_refused(self, key: ConnectionKey) -> None:
        """Count a session for which there was no room."""
        tally = self.tally(key)
        tally.refused += 1
        tally.changed = True

    def count_dropped(self, key: ConnectionKey, datagrams: int = 1) -> None:
        """Count datagrams that found no server."""
        tally = self.tally(key)
        tally.dropped += datagrams
        tally.changed = True

    def count_failure(self, server: ConnectionKey) -> None:
        """Count a failed attempt to reach a server."""
        tally = self.tally(server)
        tally.failed += 1
        tally.changed = True

    def count_bytes(self) -> None:
        """Count the bytes of the next open connections, MAX_EXAMINED at most."""
        if not self._unexamined:
            self._unexamined = list(self.open)
        examined = self._unexamined[-MAX_EXAMINED:]
        del self._unexamined[-MAX_EXAMINED:]
        for connection in examined:
            # An ended one has counted all of its bytes.
            if connection in self.open:
                connection.count_bytes()

    def count_all_bytes(self) -> None:
        """Count the bytes of all open connections."""
        self._unexamined = []
        for connection in self.open:
            connection.count_bytes()

    def keep_only(self, active: ActiveConnections) -> list[ConnectionKey]:
        """Drop the tallies without successors, move those of removed routers to services; return both."""
        removed: list[ConnectionKey] = []
        for key, tally in list(self.all.items()):
            successor = key if tally.open else active.successor(key)
            if successor == key:
                continue
            del self.all[key]
            removed.append(key)
            if successor is not None:
                self.tally(successor).add(tally)
        return removed
