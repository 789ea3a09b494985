"""The record of one TCP connection or UDP session, through which the tallies count it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from rondpoint.store.connection_metrics import ConnectionKey

if TYPE_CHECKING:
    from proxy.telemetry.connections.tallies import ConnectionTallies, ConnectionTally

Outcome = Literal["refused", "failed", "aborted"]
"""What became of a connection without a server, as the fields of `ConnectionCounts`."""


class ByteCount:
    """The bytes that one direction has `moved`; `counted` of them are in the tally."""

    __slots__ = ("counted", "moved")

    def __init__(self) -> None:
        self.moved = self.counted = 0

    def take(self) -> int:
        """Return the bytes that are not counted yet, and take them for counted."""
        new = self.moved - self.counted
        self.counted = self.moved
        return new


class ConnectionRecord:
    """A connection that a router has taken, until `end`.

    What moves its bytes adds them to `upward` (to the server) and `downward`. If it was never `connected`,
    `outcome` says why.
    """

    __slots__ = ("_server", "_tallies", "_tally", "downward", "key", "outcome", "upward")

    def __init__(self, tallies: ConnectionTallies, key: ConnectionKey) -> None:
        self._tallies = tallies
        self._tally = tally = tallies.tally(key)
        self._server: ConnectionTally | None = None
        self.key = key
        self.upward = ByteCount()
        self.downward = ByteCount()
        self.outcome: Outcome = "aborted"
        tally.open += 1
        tally.changed = True
        tallies.open[self] = None

    def dial_failed(self, service: str, url: str) -> None:
        """Count that a server of this service could not be reached."""
        self._tallies.count_failure(ConnectionKey(self.key.protocol, "", service, url))

    def connected(self, service: str, url: str) -> None:
        """Count the connection at a server of this service."""
        self._tally.forwarded += 1
        self._tally.changed = True
        self._open_at(service, url).forwarded += 1

    def adopted(self, service: str, url: str) -> None:
        """Go on with a session that another worker has counted, at a server of this service."""
        self._open_at(service, url)

    def _open_at(self, service: str, url: str) -> ConnectionTally:
        self._server = server = self._tallies.tally(ConnectionKey(self.key.protocol, "", service, url))
        server.open += 1
        server.changed = True
        return server

    def count_bytes(self) -> None:
        """Add the bytes since the last call to the tally."""
        received, sent = self.upward.take(), self.downward.take()
        if received or sent:
            tally = self._tally
            tally.received += received
            tally.sent += sent
            tally.changed = True

    def end(self) -> None:
        """Count the end; nothing may follow."""
        del self._tallies.open[self]
        self.count_bytes()
        tally, server = self._tally, self._server
        tally.open -= 1
        tally.changed = True
        if server is not None:
            server.open -= 1
            server.changed = True
        elif self.outcome == "refused":
            tally.refused += 1
        elif self.outcome == "failed":
            tally.failed += 1
        else:
            tally.aborted += 1
