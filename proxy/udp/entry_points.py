"""The UDP entry points of one worker: its shards, and the configuration that they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import monotonic
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event
from msgspec import Struct

from proxy.background.cooperative_yield import CooperativeYield
from proxy.udp.datagrams import MAX_DATAGRAM
from proxy.udp.routes import UdpRouters, UdpServices
from proxy.udp.session_table import SessionTable
from proxy.udp.shard import Shard
from proxy.udp.shard_context import ShardContext, Tickets
from proxy.udp.succession import Line, Seat, duplicate
from rondpoint.ticks import seconds_to_tick

if TYPE_CHECKING:
    from gevent import Greenlet

    from proxy.telemetry.connections.tallies import ConnectionTallies


class InheritedShard(Struct, frozen=True):
    """A shard that the master has opened: the descriptor of its socket, and how workers succeed each other.

    `own`: this worker is meant to read it. `closed`: why its entry point serves nothing, or empty.
    """

    entry_point: str
    timeout: float
    listener: int
    line: Line
    own: bool
    closed: str = ""


class UdpEntryPoints:
    """The shards of a worker. `routers` and `services` receive the configuration; `table` counts sessions.

    `tallies` count them by router and server.
    """

    def __init__(self, tickets: Tickets, tallies: ConnectionTallies) -> None:
        self._change = Event()
        self.routers = UdpRouters(self._change.set)
        self.services = UdpServices(self._change.set)
        self.table = SessionTable(0)
        self._tickets = tickets
        self._tallies = tallies
        self._seats: list[Seat] = []
        self._greenlets: list[Greenlet[..., None]] = []
        # To end thousands of sessions takes so long that requests would wait.
        self._yield_if_due = CooperativeYield()
        self._interval = 1.0

    def __len__(self) -> int:
        return self.table.sessions

    def begin(self, shards: Iterable[InheritedShard], capacity: int) -> None:
        """Serve the shards of this worker, with `capacity` sessions at most, and know those of others."""
        self.table.capacity = capacity
        context: ShardContext | None = None
        for inherited in shards:
            if context is None:
                buffer = bytearray(MAX_DATAGRAM)
                context = ShardContext(
                    self.routers, self.services, self._tickets, self.table, buffer, self._tallies
                )
            listener = duplicate(inherited.listener)
            shard = Shard(inherited.entry_point, inherited.timeout, listener, context, inherited.closed)
            self._seats.append(Seat(shard, inherited.line, own=inherited.own))
            self._interval = min(self._interval, inherited.timeout / 4)
        for seat in self._seats:
            if seat.own:
                self._spawn(seat.run)
        if self._seats:
            self._spawn(self._sweep)
            self._spawn(self._follow_changes)

    def look_after_others(self) -> None:
        """Take the shards that other workers have left; call this about once a second."""
        for seat in self._seats:
            seat.look()

    def leave(self) -> None:
        """Offer all shards and sessions to other workers, and serve them until one takes them."""
        for seat in self._seats:
            self._spawn(seat.leave)

    def end(self) -> None:
        """Begin no further sessions, because the whole proxy ends."""
        for seat in self._seats:
            seat.shard.drain()

    def join(self, seconds: float) -> None:
        """Wait until no session is left, for at most `seconds`."""
        if self.table.sessions:
            self.table.empty.wait(seconds)

    def close(self) -> None:
        """End all sessions, and read no shard any more."""
        gevent.killall(self._greenlets)
        for seat in self._seats:
            seat.shard.close()

    def _spawn(self, run: Callable[[], None]) -> None:
        self._greenlets.append(gevent.spawn(run))

    def _follow_changes(self) -> None:
        """Look at all sessions once after the changes of a revision."""
        while True:
            self._change.wait()
            self._change.clear()
            for seat in self._seats:
                seat.shard.reroute()
            for seat in self._seats:
                seat.shard.end_unserved(self._yield_if_due)

    def _sweep(self) -> None:
        while True:
            self.table.used.wait()
            gevent.sleep(seconds_to_tick(self._interval))
            now = monotonic()
            for seat in self._seats:
                seat.shard.sweep(now, self._yield_if_due)
