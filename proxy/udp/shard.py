"""One shard of a UDP entry point in a worker: reads its socket, and holds the sessions of its clients."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gevent
from gevent import get_hub
from gevent.event import Event

from proxy.telemetry.connections.record import ConnectionRecord
from proxy.udp.datagrams import Client, Key, Local, entry_point_socket, key_of
from proxy.udp.routes import Address, Route
from proxy.udp.server_address import numeric, resolve
from proxy.udp.session import Session, connect
from proxy.udp.shard_context import MustWaitError, ShardContext
from rondpoint.store.connection_metrics import ConnectionKey

log = logging.getLogger(__name__)

_READ = 1
BATCH = 64
"""Datagrams that are read in one turn of the event loop, so that a busy client does not hold up requests."""

MAX_WAITING = 16
"""Datagrams that a session keeps until its server is chosen; further ones are dropped."""


class _Opening:
    """A session whose server is not chosen yet, with the datagrams for it."""

    __slots__ = ("client", "local", "record", "waiting")

    last = float("inf")

    def __init__(self, client: Client, local: Local, record: ConnectionRecord) -> None:
        self.client = client
        self.local = local
        self.record = record
        self.waiting: list[bytes] = []

    def to_server(self, datagram: Any) -> None:
        if len(self.waiting) < MAX_WAITING:
            self.waiting.append(bytes(datagram))


class Shard:
    """The sessions of one shard. The socket belongs to the master and to all workers.

    A client that uses several addresses of this machine has a session for each: a reply must come from the
    address that was asked. A session ends after `timeout` seconds without a datagram. With `closed`, a
    reason, there are none.
    """

    def __init__(
        self, entry_point: str, timeout: float, listener: Any, context: ShardContext, closed: str = ""
    ) -> None:
        self.entry_point = entry_point
        self.timeout = timeout
        self.sessions: dict[Key, Session | _Opening] = {}
        self.buffer = context.view
        self._context = context
        self._entry = entry_point_socket(listener, context.buffer)
        self._watcher = get_hub().loop.io(listener.fileno(), _READ)
        self._closed = closed
        self._service = ""
        self._counted: ConnectionKey | None = None
        self._opening = 0
        self._opened = Event()
        self._opened.set()
        self._draining = False
        self.reroute()

    def start(self) -> None:
        """Begin or go on to read datagrams of clients."""
        self._watcher.start(self._read_batch)

    def stop(self) -> None:
        """Stop reading; datagrams of clients wait in the socket. Replies still reach clients."""
        self._watcher.stop()

    def drain(self) -> None:
        """Begin no further sessions."""
        self._draining = True

    def close(self) -> None:
        """Stop reading, and end all sessions."""
        self._watcher.close()
        for key in list(self.sessions):
            self._end(key)

    def reroute(self) -> None:
        """Begin further sessions by the current routers."""
        router = None if self._closed else self._context.routers.of(self.entry_point)
        self._service = "" if router is None else router.service
        self._counted = None if router is None else ConnectionKey("udp", router.name, router.service)

    def end_unserved(self, yield_if_due: Callable[[], None]) -> None:
        """End the sessions that lead to no server of the current services any more."""
        leads: dict[tuple[str, Address], bool] = {}
        for key, session in list(self.sessions.items()):
            if isinstance(session, _Opening):
                # Its greenlet looks at the services again once it has a server.
                continue
            route = session.route
            server = route.service, route.address
            if server not in leads:
                leads[server] = self._serves(route)
            if not leads[server] and self.sessions.get(key) is session:
                self._end(key)
                yield_if_due()

    def sweep(self, now: float, yield_if_due: Callable[[], None]) -> None:
        """End the sessions that have been silent for too long."""
        oldest = now - self.timeout
        silent = [(key, session) for key, session in self.sessions.items() if session.last < oldest]
        for key, session in silent:
            # Other greenlets have run meanwhile.
            if session.last < oldest and self.sessions.get(key) is session:
                self._end(key)
                yield_if_due()

    def unreachable(self, session: Session, datagram: bytes) -> None:
        """End the session of a server whose machine refuses datagrams; begin another with the datagram."""
        self._context.avoid(session.route)
        self._end(key_of(session.client, session.local))
        if datagram:
            self._begin(session.client, session.local, datagram)

    def wait_opened(self) -> None:
        """Wait until all sessions have their servers."""
        self._opened.wait()

    def release(self) -> Iterator[tuple[Session, Any]]:
        """Yield each session with its socket to the server; the caller now owns the socket."""
        for key, session in list(self.sessions.items()):
            if isinstance(session, Session):
                del self.sessions[key]
                self._context.table.end(self.entry_point)
                yield session, session.release()

    def adopt(self, client: Client, local: Local, route: Route, last: float, sock: Any) -> None:
        """Go on with a session of another worker, if there is room for it and its server still serves."""
        context, counted = self._context, self._counted
        if counted is None or not (self._serves(route) and context.table.begin(self.entry_point)):
            sock.close()
            return
        record = ConnectionRecord(context.tallies, counted)
        record.adopted(route.service, route.url)
        session = Session(self, self._entry, client, local, route, sock, record)
        session.last = last
        self.sessions[key_of(client, local)] = session

    def _serves(self, route: Route) -> bool:
        return bool(self._service) and self._context.services.leads_to(self._service, route)

    def _read_batch(self) -> None:
        receive, buffer, sessions = self._entry.receive, self.buffer, self.sessions
        for _ in range(BATCH):
            try:
                size, client, local = receive()
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("entry point %s: receiving a datagram failed: %s", self.entry_point, error)
                return
            session = sessions.get(key_of(client, local))
            if session is not None:
                session.to_server(buffer[:size])
            else:
                self._begin(client, local, buffer[:size])

    def _begin(self, client: Client, local: Local, datagram: Any) -> None:
        """Begin a session with its first datagram, unless there is no server or no room for it."""
        context, counted = self._context, self._counted
        if counted is None or self._draining or not context.services.available(self._service):
            context.table.dropped += 1
            if counted is not None:
                context.tallies.count_dropped(counted)
            return
        if not context.table.begin(self.entry_point):
            context.tallies.count_refused(counted)
            return
        opening = _Opening(client, local, ConnectionRecord(context.tallies, counted))
        opening.to_server(datagram)
        key = key_of(client, local)
        self.sessions[key] = opening
        try:
            route = context.choose_at_once(self._service)
            self._open(key, opening, route, None if route is None else numeric(route))
        except MustWaitError:
            context.table.opening += 1
            self._opening += 1
            self._opened.clear()
            gevent.spawn(self._open_later, key, opening)

    def _open_later(self, key: Key, opening: _Opening) -> None:
        context = self._context
        try:
            route = context.choose(self._service)
            while route is not None and not self._serves(route):
                # The configuration has changed while the ticket was on its way.
                route = context.choose(self._service)
            found: tuple[int, str] | None = None
            if route is not None:
                try:
                    found = resolve(route)
                except OSError as error:
                    context.report(route, error)
            if self.sessions.get(key) is opening:
                self._open(key, opening, route, found)
        finally:
            context.table.opening -= 1
            self._opening -= 1
            if not self._opening:
                self._opened.set()

    def _open(self, key: Key, opening: _Opening, route: Route | None, found: tuple[int, str] | None) -> None:
        """Open the session with this server, at this family and numeric address; drop it without one."""
        sock = None
        if route is not None and found is not None and self._serves(route):
            try:
                sock = connect(*found, route.server.port)
            except (OSError, OverflowError) as error:
                # A port above 65535 is an OverflowError.
                self._context.report(route, error)
        if route is None or sock is None:
            record = opening.record
            record.outcome = "failed"
            self._context.table.dropped += len(opening.waiting)
            self._context.tallies.count_dropped(record.key, len(opening.waiting))
            self._end(key)
            return
        opening.record.connected(route.service, route.url)
        session = Session(self, self._entry, opening.client, opening.local, route, sock, opening.record)
        self.sessions[key] = session
        for datagram in opening.waiting:
            # If the server's machine refuses one of them, the rest belongs to another session.
            current = self.sessions.get(key)
            if current is not None:
                current.to_server(datagram)
            else:
                self._begin(opening.client, opening.local, datagram)

    def _end(self, key: Key) -> None:
        session = self.sessions.pop(key, None)
        if session is None:
            return
        self._context.table.end(self.entry_point)
        if isinstance(session, Session):
            session.close()
        else:
            session.record.end()
