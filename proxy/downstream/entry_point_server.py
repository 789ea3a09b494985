"""Serves the connections of a worker's entry points."""

from __future__ import annotations

import _socket
import logging
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from msgspec.structs import replace

from proxy.context import ClientTimeouts
from proxy.downstream.connection import ClientConnection, TrustedConnection
from proxy.downstream.entry_point_limits import entry_point_limits
from proxy.downstream.first_bytes import FirstBytesReader
from proxy.downstream.http2_connection import Http2Connection
from proxy.downstream.http2_stream_handler import StreamHandler, TrustedStreamHandler
from proxy.downstream.keep_alive import KeepAliveLimit
from proxy.downstream.proxy_header import ProxyHeaderReader
from proxy.downstream.served_protocol import ServedProtocol
from proxy.downstream.serving import RequestHandler, serve
from proxy.downstream.tcp_routing import PeerAddress, TcpRouting
from proxy.downstream.tls_handshake import start_tls
from proxy.downstream.trusted_peers import LOOPBACK, TrustedPeers
from proxy.exchange.admin_entry_point import admin_handler
from proxy.exchange.closed_entry_point import refuse_routed_requests
from proxy.exchange.entry_point_handler import make_handler
from proxy.exchange.internal_routes import NO_ROUTES
from proxy.exchange.request_handler import handle_request
from proxy.http1.repeated_heads import ClientHeads
from proxy.http2.errors import INADEQUATE_SECURITY
from proxy.http2.frames import PREFACE
from proxy.http2.settings import LocalSettings
from proxy.net.deadlines import after
from proxy.net.proxy_protocol import ProxyProtocolError
from proxy.net.stream import Stream
from proxy.routing.over_tls import over_tls, without_tls
from proxy.tcp.connection import TcpConnection
from proxy.telemetry.tls_names import tls_name
from proxy.tls.alpn import HTTP_2, is_adequate_for_http2
from proxy.tls.client_hello import HANDSHAKE
from rondpoint.entry_points.options import NO_OPTIONS
from rondpoint.settings import ADMIN
from rondpoint.settings.tree.section import given_names
from rondpoint.tls.model import DEFAULT_OPTIONS

if TYPE_CHECKING:
    from proxy.acme_challenges.tls_alpn_challenges import TlsAlpnChallenges
    from proxy.context import WorkerContext
    from proxy.downstream.http2_request_stream import RequestStream
    from proxy.downstream.observers import Observers
    from proxy.exchange.internal_routes import InternalRoutes
    from proxy.net.proxy_protocol import ProxyHeader
    from proxy.tcp.parts import TcpParts
    from proxy.tls.entry_point_contexts import EntryPointContexts
    from proxy.tls.worker_contexts import WorkerContexts
    from rondpoint.entry_points.options import EntryPointOptions
    from rondpoint.settings import EntryPoint, Settings

log = logging.getLogger(__name__)

_Beginning = ProxyHeaderReader | FirstBytesReader
"""A connection whose protocol is not known yet."""

ADMIN_IDLE = 5.0
"""Seconds of an idle connection of the admin entry point, which has few, unless the settings have others."""

_PREFACE_HEAD = PREFACE[: PREFACE.index(b"SM")]
"""The part of the connection preface of HTTP/2 that looks like a head of HTTP/1."""


def is_preface(first: bytes) -> bool:
    """Return whether a client speaks HTTP/2 without TLS, by prior knowledge (RFC 9113 §3.3)."""
    return first.startswith(_PREFACE_HEAD)


class EntryPointServer:
    """The open connections of a worker, and the functions that serve them.

    `options` are those of entry points for all their routers; `internal_routes` returns the routes that an
    entry point serves before all routers. `tcp` has the TCP routers. `challenges` are answered on every entry
    point that speaks TLS.
    """

    def __init__(
        self,
        settings: Settings,
        context: WorkerContext,
        observers: Observers,
        tls: WorkerContexts,
        options: Mapping[str, EntryPointOptions],
        internal_routes: Callable[[str], InternalRoutes],
        tcp: TcpParts,
        challenges: TlsAlpnChallenges | None = None,
    ) -> None:
        self._settings = settings
        self._context = context
        self._observers = observers
        self._tls = tls
        self._options = options
        self._internal_routes = internal_routes
        self._tcp = tcp
        self._challenges = challenges
        metrics = settings.metrics
        self._counts_internals = metrics is not None and metrics.add_internals
        self._connections: set[ClientConnection | Http2Connection | TcpConnection | _Beginning] = set()
        context.tls_options.on_change = self._end_connections_with

    @property
    def connections(self) -> int:
        """The number of open client connections."""
        return len(self._connections)

    def connection_handler(self, entry_point: str) -> Callable[[_socket.socket, tuple[Any, ...]], None]:
        """Return a function that serves a connection, given a non-blocking socket and the peer's address."""
        point = self._settings.entry_points[entry_point]
        configured = point.transport.responding_timeouts
        is_admin = entry_point == ADMIN
        limits = self._settings.limits
        timeouts = ClientTimeouts(
            configured.read_timeout,
            ADMIN_IDLE
            if is_admin and "idle_timeout" not in given_names(configured)
            else configured.idle_timeout,
            configured.write_timeout or limits.stall_timeout,
            limits.tunnel_idle_timeout,
        )
        context, connections, challenges = self._context, self._connections, self._challenges
        table, options = context.table, context.tls_options
        contexts = self._tls.open(entry_point, point.tls, partial(table.tls_options.for_host, entry_point))
        has_tls, secure_point = point.tls is not None, over_tls(entry_point)
        trusted = point.forwarded_headers.trusted_ips or (LOOPBACK if is_admin else ())
        forwarded_trust = TrustedPeers(point.forwarded_headers.insecure, trusted)
        proxy_trust = TrustedPeers(point.proxy_protocol.insecure, point.proxy_protocol.trusted_ips)
        label_sets = context.tallies.label_sets
        for_clients = entry_point_limits(context.limits, point)
        for_proxies = entry_point_limits(context.limits, point, trusted=True)
        metered = self._counts_internals if is_admin else point.observability.metrics
        plain_label_set = label_sets.number(entry_point, metered=metered)
        plain, secure, checked = self._protocols(entry_point, point)
        transport = point.transport
        keep_alive = KeepAliveLimit(transport.keep_alive_max_requests, transport.keep_alive_max_time)
        http2 = LocalSettings(
            streams=point.http2.max_concurrent_streams,
            header_bytes=max(2 * for_clients.head_bytes, 2 * for_proxies.head_bytes),
            decoder_table=point.http2.max_decoder_header_table_size,
            encoder_table=point.http2.max_encoder_header_table_size,
        )
        client_heads = ClientHeads()
        tcp = self._tcp_routing(entry_point, contexts)
        tcp_routes = tcp.routes
        opened = context.connections
        opened.setdefault(entry_point, 0)

        def serve_connection(sock: _socket.socket, address: tuple[Any, ...]) -> None:
            stream = Stream(sock, context.sweeper)
            peer, port = address[:2]
            buffer = b""
            header = None
            if proxy_trust.includes(peer):
                read = self._read_proxy_header(stream, timeouts.read)
                if read is None:
                    return
                header, buffer = read
                if header.source:
                    # The peer's port is not that of the client that the header names.
                    peer, port = header.source, 0
            deadline = after(timeouts.read)
            speaks_tls = has_tls or table.has_tls_router(secure_point)
            if tcp_routes.has_any:
                first = tcp.serve(
                    stream,
                    PeerAddress(peer, port, header),
                    buffer,
                    deadline if has_tls else after(timeouts.idle),
                )
                if first is None:
                    return
                buffer, deadline = first, after(timeouts.read)
                speaks_tls = speaks_tls or bool(tcp_routes.tls)
            if speaks_tls and not buffer:
                buffer = self._read_first_bytes(stream, deadline if has_tls else after(timeouts.idle))
                if not buffer:
                    return
            if not speaks_tls or not buffer.startswith(HANDSHAKE):
                buffer = serve_requests(stream, peer, port, buffer, plain_label_set, plain)
                if buffer.startswith(_PREFACE_HEAD):
                    serve_streams(stream, peer, port, buffer, plain_label_set, plain)
                    return
                if not buffer:
                    return
            if not has_tls:
                # The client was free to be silent before, like one of a plain entry point.
                deadline = after(timeouts.read)
            changes = options.changes
            tls_stream = start_tls(stream, contexts, challenges, deadline, buffer)
            if tls_stream is not None and options.changes != changes:
                # The handshake may have begun with the former options.
                tls_stream.close()
            elif tls_stream is not None:
                version, suite = tls_stream.negotiated
                label_set = label_sets.number(entry_point, tls_name(version, suite), metered=metered)
                protocol = secure if tls_stream.tls_options == DEFAULT_OPTIONS else checked
                if tls_stream.protocol == HTTP_2:
                    is_adequate = is_adequate_for_http2(version, suite)
                    serve_streams(tls_stream, peer, port, b"", label_set, protocol, is_adequate=is_adequate)
                else:
                    serve_requests(tls_stream, peer, port, b"", label_set, protocol)

        def serve_requests(
            stream: Stream, peer: str, port: int, buffer: bytes, label_set: int, protocol: ServedProtocol
        ) -> bytes:
            """Serve a connection of HTTP/1.1 like `serve`."""
            trusted = forwarded_trust.includes(peer)
            setup, handle = protocol.setup, protocol.handle
            base = TrustedConnection if trusted else ClientConnection
            downstream = setup.create(base, stream, peer, entry_point, timeouts, context, port, label_set)
            downstream.routing_point = protocol.routing_point
            downstream.limits = for_proxies if trusted else for_clients
            downstream.heads = client_heads.begin(peer)
            downstream.buffer = buffer
            connections.add(downstream)
            opened[entry_point] += 1
            try:
                return serve(
                    downstream, keep_alive.limited(handle) if keep_alive else handle, protocol.is_other
                )
            finally:
                connections.discard(downstream)
                opened[entry_point] -= 1

        def serve_streams(
            stream: Stream,
            peer: str,
            port: int,
            buffer: bytes,
            label_set: int,
            protocol: ServedProtocol,
            *,
            is_adequate: bool = True,
        ) -> None:
            """Serve a connection of HTTP/2, unless its TLS is not adequate."""
            trusted = forwarded_trust.includes(peer)
            base = TrustedStreamHandler if trusted else StreamHandler
            limits = for_proxies if trusted else for_clients

            def create(request_stream: RequestStream) -> StreamHandler:
                handler = protocol.setup.create(
                    base, request_stream, peer, entry_point, timeouts, context, port, label_set
                )
                handler.routing_point = protocol.routing_point
                handler.limits = limits
                return handler

            is_last = keep_alive.counter() if keep_alive else None
            connection = Http2Connection(
                stream, context, timeouts, http2, limits, create, protocol.handle, is_last
            )
            connections.add(connection)
            opened[entry_point] += 1
            try:
                if is_adequate:
                    connection.run(buffer)
                else:
                    connection.refuse(
                        INADEQUATE_SECURITY, "HTTP/2 prohibits this TLS version or cipher suite"
                    )
            finally:
                connections.discard(connection)
                opened[entry_point] -= 1

        return serve_connection

    def drain(self, idle_end: float) -> None:
        """End connections after their current request, and idle connections after their next.

        A request may be on its way on an idle connection; only its response can tell the client to send no
        more (RFC 9112 §9.6). At `idle_end` (monotonic seconds) connections that are still idle are closed.
        """
        context = self._context
        context.draining = True
        context.drain_deadline = idle_end
        for connection in self._connections:
            connection.drain(idle_end)
        # The sweep comes slightly after `idle_end`, so that the deadlines have passed.
        gevent.spawn_later(max(0.0, idle_end - monotonic()) + 0.01, context.sweeper.sweep)

    def _end_connections_with(self, options: str) -> None:
        """End the connections that were made with TLS options of this name, after their current request.

        They may lack the client certificate that the new options want. Idle ones end at once.
        """
        now = monotonic()
        ending = copy(self._context)
        ending.draining, ending.drain_deadline = True, now
        for connection in list(self._connections):
            if isinstance(connection, _Beginning) or connection.stream.tls_options != options:
                continue
            if isinstance(connection, TcpConnection):
                connection.end()
                continue
            if isinstance(connection, Http2Connection):
                connection.leave()
                continue
            connection.context = ending
            if connection.idle:
                connection.stream.deadline = now
        gevent.spawn_later(0.01, self._context.sweeper.sweep)

    def _protocols(
        self, entry_point: str, point: EntryPoint
    ) -> tuple[ServedProtocol, ServedProtocol, ServedProtocol]:
        """Return how an entry point serves plain connections, and those over TLS.

        The last is for connections that were made with other than the default TLS options.
        """
        table, options = self._context.table, self._options.get(entry_point)
        if entry_point == ADMIN:
            return self._admin_protocols(point, options or NO_OPTIONS)
        setup = self._observers.setup_for(point, self._internal_routes(entry_point))
        bare_setup = self._observers.setup_for(point, NO_ROUTES)
        if point.tls is not None:
            # All routers use TLS here, so that plain requests get a 404.
            plain = ServedProtocol(without_tls(entry_point), bare_setup, handle_request, is_preface)
            routing_point = entry_point
        else:
            plain = ServedProtocol(
                entry_point,
                setup,
                self._request_handler(entry_point, options),
                lambda first: (
                    is_preface(first)
                    or (first.startswith(HANDSHAKE) and table.has_tls_router(over_tls(entry_point)))
                ),
            )
            routing_point, setup = over_tls(entry_point), bare_setup
            # As in Traefik, redirections and internal routes of such an entry point are for plain requests.
            options = options and replace(options, redirection=None)
        secure = ServedProtocol(routing_point, setup, self._request_handler(entry_point, options))
        handler = self._request_handler(entry_point, options, checks_tls_options=True)
        return plain, secure, ServedProtocol(routing_point, setup, handler)

    def _admin_protocols(
        self, point: EntryPoint, options: EntryPointOptions
    ) -> tuple[ServedProtocol, ServedProtocol, ServedProtocol]:
        """Return how the admin entry point serves connections, as `_protocols` does."""
        setup = self._observers.setup_for_internals(point)
        handle = admin_handler(
            options.middlewares, self._settings.api.base_path, counted=self._counts_internals
        )
        served = ServedProtocol(ADMIN, setup, handle, is_preface)
        if point.tls is None:
            return served, served, served
        plain = ServedProtocol(without_tls(ADMIN), setup, handle_request, is_preface)
        return plain, served, served

    def _tcp_routing(self, entry_point: str, contexts: EntryPointContexts) -> TcpRouting:
        """Return what serves the connections that TCP routers take."""
        point = self._settings.entry_points[entry_point]
        return TcpRouting(
            entry_point,
            self._tcp,
            self._context,
            contexts,
            # As in Traefik, servers may answer the challenges of their own CA.
            None if point.allow_acme_by_pass else self._challenges,
            self._connections,
            read_timeout=point.transport.responding_timeouts.read_timeout,
            closed=self._settings.closed_reason(entry_point),
        )

    def _request_handler(
        self, entry_point: str, options: EntryPointOptions | None, *, checks_tls_options: bool = False
    ) -> RequestHandler:
        """Return the handler of requests of an entry point with these options."""
        closed = self._settings.closed_reason(entry_point)
        if closed:
            return refuse_routed_requests(closed)
        if options is None and not checks_tls_options:
            return handle_request
        return make_handler(entry_point, options or NO_OPTIONS, checks_tls_options=checks_tls_options)

    def _read_first_bytes(self, stream: Stream, deadline: float) -> bytes:
        """Read the first bytes like `FirstBytesReader.read`."""
        context = self._context
        reader = FirstBytesReader(stream)
        self._connections.add(reader)
        try:
            return reader.read(min(deadline, context.drain_deadline) if context.draining else deadline)
        finally:
            self._connections.discard(reader)

    def _read_proxy_header(self, stream: Stream, timeout: float) -> tuple[ProxyHeader, bytes] | None:
        """Read the PROXY header like `ProxyHeaderReader.read`; close the connection if that fails."""
        reader = ProxyHeaderReader(stream)
        self._connections.add(reader)
        read = None
        try:
            read = reader.read(timeout)
        except ProxyProtocolError as error:
            log.info("a connection with a malformed PROXY header was closed: %s", error)
        finally:
            self._connections.discard(reader)
            if read is None:
                stream.close()
        return read
