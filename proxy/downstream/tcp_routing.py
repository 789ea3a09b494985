"""Serves the connections of an entry point that a TCP router takes; leaves the others to HTTP.

The order is Traefik's. If the entry point has no router over TLS, TCP routers take connections before any
byte has arrived: the server may be the one that begins. Otherwise the first bytes decide. Without TLS, a TCP
router comes before HTTP. Over TLS, the host of an HTTP router comes before all TCP routers. An HTTP router
without a host comes only before a TCP router for all names.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from proxy.acme_challenges.tls_alpn_challenges import is_challenge
from proxy.downstream.tls_handshake import receive_hello, start_tls
from proxy.net.deadlines import NEVER, after
from proxy.net.keep_alive_probes import set_probes
from proxy.net.proxy_protocol import ProxyHeader
from proxy.net.proxy_protocol_header import Addresses
from proxy.tcp.connection import TcpConnection
from proxy.tcp.guards import GuardError, NoServerError, RefusedError
from proxy.tcp.postgres import SSL_REQUEST, WILLING, request_tls
from proxy.tcp.relay import Relay
from proxy.tcp.route import Route
from proxy.tcp.rule_test import ConnectionFacts
from proxy.tcp.served_service import PREFIX
from proxy.telemetry.connections.record import ConnectionRecord
from proxy.tls.client_hello import HANDSHAKE, ClientHello, ClientHelloError
from rondpoint.store.connection_metrics import ConnectionKey

if TYPE_CHECKING:
    from collections.abc import MutableSet
    from typing import Any

    from proxy.acme_challenges.tls_alpn_challenges import TlsAlpnChallenges
    from proxy.context import WorkerContext
    from proxy.net.stream import Stream
    from proxy.tcp.guards import Guard, Release
    from proxy.tcp.parts import TcpParts
    from proxy.tls.entry_point_contexts import EntryPointContexts

log = logging.getLogger(__name__)

_SSL_2 = b"\x80"
"""The first byte of a client of SSL 2: as in Traefik, it counts as one of TLS, and no handshake succeeds."""


class PeerAddress(Struct, frozen=True):
    """The address of a connection's client; `header` is its PROXY header, if a trusted proxy has sent one."""

    peer: str
    port: int
    header: ProxyHeader | None = None

    def addresses(self, stream: Stream) -> Addresses:
        """Return the addresses of client and destination, as servers learn them."""
        header = self.header
        if header is not None and header.source:
            return Addresses(header.source, header.source_port, header.destination, header.destination_port)
        host, port = stream.sock.getsockname()[:2]
        return Addresses(self.peer, self.port, host, port)


class _Taken(Struct, frozen=True):
    """The route of a connection, and what its client has sent after the SSLRequest, if it is `postgres`."""

    route: Route
    first: bytes
    postgres: bool = False


class TcpRouting:
    """The TCP routers of one entry point, and their connections.

    Each connection is among the `connections` from its begin to its end. `closed` says why routers of the
    entry point take no connections. `challenges` are answered before routers are looked at. A client has
    `read_timeout` seconds for a ClientHello, and as many for the handshake.
    """

    def __init__(
        self,
        entry_point: str,
        parts: TcpParts,
        context: WorkerContext,
        contexts: EntryPointContexts,
        challenges: TlsAlpnChallenges | None,
        connections: MutableSet[Any],
        *,
        read_timeout: float,
        closed: str,
    ) -> None:
        self.routes = parts.table.entry_point(entry_point)
        self._entry_point = entry_point
        self._parts = parts
        self._context = context
        self._contexts = contexts
        self._challenges = challenges
        self._connections = connections
        self._read_timeout = read_timeout
        self._closed = closed

    def serve(self, stream: Stream, client: PeerAddress, early: bytes, wait_until: float) -> bytes | None:
        """Serve and close a connection that a router takes; otherwise return what the client has sent.

        Return None if the connection has ended. Its first bytes must arrive until `wait_until` (monotonic
        seconds); those in `early` are here.
        """
        connection = TcpConnection(stream)
        self._connections.add(connection)
        is_for_http = False
        try:
            found = self._decide(connection, client, early, wait_until)
            if isinstance(found, bytes):
                is_for_http = True
                stream.deadline = NEVER
                return found
            if found is not None:
                self._forward(connection, found, client)
        except (ClientHelloError, OSError) as error:
            log.debug("a connection from %s ended before a TCP router took it: %s", client.peer, error)
        finally:
            self._connections.discard(connection)
            if not is_for_http:
                connection.stream.close()
        return None

    def _decide(
        self, connection: TcpConnection, client: PeerAddress, early: bytes, wait_until: float
    ) -> _Taken | bytes | None:
        """Return the route of a connection, or its first bytes if none takes it, or None if it has ended.

        Raises ClientHelloError, OSError.
        """
        routes, stream = self.routes, connection.stream
        https = self._context.table.https_hosts(self._entry_point)
        if not routes.tls and not https.routers:
            return self._decide_plain(client, early)
        first = early or self._receive_first(connection, wait_until)
        if not first:
            return None
        stream.deadline = after(self._read_timeout)
        if routes.tls and SSL_REQUEST.startswith(first[: len(SSL_REQUEST)]):
            while len(first) < len(SSL_REQUEST) and SSL_REQUEST.startswith(first):
                first += _receive(stream)
            if first.startswith(SSL_REQUEST):
                return self._decide_postgres(stream, client, first[len(SSL_REQUEST) :])
        if not first.startswith((HANDSHAKE, _SSL_2)):
            return self._decide_plain(client, first)
        hello, first = _receive_hello(stream, first)
        if self._challenges is not None and is_challenge(hello):
            return first
        self._parts.settled.wait()
        route = routes.tls.match(_facts(client, hello))
        if route is None or https.includes(hello.server_name) or (route.is_catch_all and https.anywhere):
            return None if first.startswith(_SSL_2) else first
        return _Taken(route, first)

    def _decide_plain(self, client: PeerAddress, first: bytes) -> _Taken | bytes:
        self._parts.settled.wait()
        route = self.routes.plain.match(ConnectionFacts(client.peer))
        return first if route is None else _Taken(route, first)

    def _decide_postgres(self, stream: Stream, client: PeerAddress, first: bytes) -> _Taken | None:
        """Take up TLS with a client of PostgreSQL; HTTP has no part in it."""
        stream.send(WILLING)
        hello, first = receive_hello(stream, first or _receive(stream))
        self._parts.settled.wait()
        route = self.routes.tls.match(_facts(client, hello))
        if route is None:
            log.debug("no TCP router takes the PostgreSQL client %s for %r", client.peer, hello.server_name)
        return None if route is None else _Taken(route, first, postgres=True)

    def _receive_first(self, connection: TcpConnection, wait_until: float) -> bytes:
        """Return the first bytes; b"" if the client ends, or sends none in time. Raises OSError."""
        context = self._context
        connection.stream.deadline = (
            min(wait_until, context.drain_deadline) if context.draining else wait_until
        )
        connection.waits = True
        try:
            return connection.stream.recv()
        finally:
            connection.waits = False

    def _forward(self, connection: TcpConnection, taken: _Taken, client: PeerAddress) -> None:
        """Serve a connection: the middlewares first, then TLS, then the server. Raises OSError."""
        router = taken.route.router
        opened = self._context.connections
        opened[self._entry_point] += 1
        record = ConnectionRecord(self._parts.tallies, ConnectionKey("tcp", router.name, router.service))
        releases: list[Release] = []
        try:
            if self._closed:
                raise RefusedError(f"entry point {self._entry_point} is closed: {self._closed}")
            guards = self._parts.guards.compile(router.middlewares, router.name)
            for guard in guards:
                release = guard(client.peer, router.name)
                if release is not None:
                    releases.append(release)
            first = taken.first
            if router.tls and not router.passthrough:
                if not self._end_tls(connection, taken):
                    return
                first = b""
            self._join(connection, taken, client, first, guards, record)
        except (RefusedError, GuardError) as error:
            record.outcome = "failed" if isinstance(error, NoServerError) else "refused"
            log.debug("TCP router %s refuses a connection from %s: %s", router.name, client.peer, error)
        finally:
            opened[self._entry_point] -= 1
            for release in releases:
                release()
            record.end()

    def _end_tls(self, connection: TcpConnection, taken: _Taken) -> bool:
        """Perform the handshake, and return whether it succeeded."""
        options, wanted = self._context.tls_options, taken.route.tls_options
        changes = options.changes
        deadline = after(self._read_timeout)
        stream = start_tls(connection.stream, self._contexts, None, deadline, taken.first, wanted)
        if stream is None:
            return False
        connection.stream = stream
        # The handshake may have begun with the former options.
        return options.changes == changes

    def _require_current(self, route: Route, guards: tuple[Guard, ...]) -> None:
        """Raise RefusedError or GuardError if the router or a middleware is not the one that has admitted.

        The client may have taken its time for the handshake. The service may have servers now that only
        clients may reach whom the present middlewares admit.
        """
        parts, router = self._parts, route.router
        parts.settled.wait()
        if (
            parts.table.routes.get(router.name) is not route
            or parts.guards.compile(router.middlewares, router.name) is not guards
        ):
            raise RefusedError("the router or a middleware has changed meanwhile")

    def _join(
        self,
        connection: TcpConnection,
        taken: _Taken,
        client: PeerAddress,
        first: bytes,
        guards: tuple[Guard, ...],
        record: ConnectionRecord,
    ) -> None:
        """Connect to a server, and move bytes until both sides have ended.

        Raises RefusedError, GuardError, OSError.
        """
        self._require_current(taken.route, guards)
        stream = connection.stream
        stream.deadline = NEVER
        set_probes(stream.sock)
        service = taken.route.router.service
        server, target = self._parts.connector.connect(service, partial(client.addresses, stream), record)
        try:
            if stream.expired:
                return
            self._require_current(taken.route, guards)
            if taken.postgres and taken.route.router.passthrough and not request_tls(server):
                raise NoServerError(f"server {target.url} does not speak TLS with clients of PostgreSQL")
            record.connected(target.service.removeprefix(PREFIX), target.url)
            connection.relay = Relay(stream, server, target.pool.termination_delay, record)
            connection.relay.run(first)
        finally:
            server.close()


def _facts(client: PeerAddress, hello: ClientHello) -> ConnectionFacts:
    return ConnectionFacts(client.peer, hello.server_name, hello.alpn_protocols)


def _receive(stream: Stream) -> bytes:
    """Return further bytes. Raises OSError, also at the end of the stream."""
    received = stream.recv()
    if not received:
        raise ConnectionResetError("the client has ended in the middle of its first message")
    return received


def _receive_hello(stream: Stream, first: bytes) -> tuple[ClientHello, bytes]:
    """Return the ClientHello and all bytes received so far. Raises ClientHelloError, OSError."""
    return (ClientHello(""), first) if first.startswith(_SSL_2) else receive_hello(stream, first)
