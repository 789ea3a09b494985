"""Creates and connects the components of one worker: data path, tickets, store watcher, reports."""

from __future__ import annotations

import _socket
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from secrets import token_hex
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
import redis
from gevent import Greenlet, Timeout
from msgspec.structs import replace

from proxy.background.cooperative_yield import CooperativeYield
from proxy.background.loop_watchdog import LoopWatchdog
from proxy.background.supervised_task import supervised
from proxy.balancing.ticket_connection import open_ticket_connection
from proxy.balancing.tickets import Tickets
from proxy.configuration.applier import Applier
from proxy.configuration.snapshot import SnapshotSaver, load, snapshot_path
from proxy.configuration.watcher import Watcher
from proxy.context import ClientTimeouts, WorkerContext
from proxy.downstream.connection import ClientConnection
from proxy.downstream.entry_point_limits import entry_point_limits
from proxy.downstream.keep_alive import KeepAliveLimit
from proxy.downstream.observers import Observers
from proxy.downstream.proxy_header import ProxyHeaderReader
from proxy.downstream.served_protocol import ServedProtocol
from proxy.downstream.serving import RequestHandler, never, serve
from proxy.downstream.tls_handshake import start_tls
from proxy.downstream.trusted_peers import TrustedPeers
from proxy.ejection.ejections import Ejections
from proxy.ejection.sharing import EjectionSync
from proxy.exchange.closed_entry_point import refuse_routed_requests
from proxy.exchange.entry_point_handler import make_handler
from proxy.exchange.internal_routes import metrics_route, ping_route
from proxy.exchange.request_handler import handle_request
from proxy.http1.limits import Limits
from proxy.limits.in_flight_limits import InFlightLimits
from proxy.limits.installation_size import InstallationSize
from proxy.limits.rate_limits import RateLimits
from proxy.limits.worker_count import WorkerCount
from proxy.net.deadlines import Sweeper
from proxy.net.proxy_protocol import ProxyProtocolError
from proxy.net.stream import Stream
from proxy.per_request.retries import RetryPolicy
from proxy.routing.over_tls import over_tls
from proxy.routing.table import RoutingTable
from proxy.services.registry import ServiceRegistry
from proxy.shared_store.script_calls import ScriptCalls
from proxy.telemetry.exposition.exposition import Exposition
from proxy.telemetry.metrics_reporter import MetricsReporter
from proxy.telemetry.tallies import Tallies
from proxy.telemetry.tls_names import tls_name
from proxy.tls.default_certificate import default_certificate
from proxy.tls.server_contexts import ServerContexts
from proxy.tls.ticket_rotation import TicketRotation
from proxy.upstream.timeouts import UpstreamTimeouts
from proxy.worker_status import StatusReporter
from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.options import NO_OPTIONS, EntryPointOptions, read_entry_points
from rondpoint.entry_points.redirection import redirection_targets
from rondpoint.middleware.installed import load_installed
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.servers_transports.default import default_transport
from rondpoint.settings import EntryPoint, Ping, Settings
from rondpoint.settings.closed_parts import METRICS
from rondpoint.settings.tree.entry_points import Tls
from rondpoint.store.client import connect, separate_connection
from rondpoint.store.corrupt_keys import drop
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.read import Loaded
from rondpoint.store.retired_workers import ActiveNames
from rondpoint.store.server_metrics import ActiveServers
from rondpoint.store.workers import CertificateStatus

if TYPE_CHECKING:
    from proxy.exchange.internal_routes import InternalRoutes
    from proxy.exchange.request_handler import Match

log = logging.getLogger(__name__)

LEASE_END_TIMEOUT = 1.0
"""The most seconds that a leaving worker takes to end its leases of each kind in the store."""

FINAL_REPORT_TIMEOUT = 1.0
"""The most seconds that a leaving worker takes to write its last counts to the store."""


class Runtime:
    """The components of one worker, created in its process after gevent has patched it.

    Raises ValueError without a store's URL.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.redis.url is None:
            raise ValueError("redis.url is not set")
        self.settings = settings
        self.keys = Keys(settings.redis.namespace)
        self.client = connect(settings.redis.url, namespace=settings.redis.namespace)
        self.entry_point_options = read_entry_points(settings)
        sweeper = Sweeper()
        forwarding = settings.servers_transport.forwarding_timeouts
        timeouts = UpstreamTimeouts(
            forwarding.dial_timeout,
            forwarding.idle_conn_timeout,
            settings.limits.stall_timeout,
            settings.limits.response_pause_timeout,
        )
        worker = f"{socket.gethostname()}:{os.getpid()}"
        contexts = ClientContexts(default_transport(settings))
        services = ServiceRegistry(sweeper, timeouts, contexts)
        # The token makes the name unique: containers may share both host name and process ids.
        self.ejections = Ejections(services, f"{worker}/{token_hex(4)}")
        self.tickets = Tickets(
            partial(open_ticket_connection, self.client.connection_pool),
            self.keys.tickets,
            partial(drop, self.client, self.keys.tickets),
        )
        self._limit_calls = ScriptCalls(partial(separate_connection, self.client.connection_pool))
        size = InstallationSize(workers=settings.workers)
        self._worker_count = WorkerCount(self.client, self.keys, size, lambda: self._limit_calls.used)
        installed = load_installed(settings.middlewares.modules)
        self._loop_watchdog = LoopWatchdog() if installed.names else None
        self.context = WorkerContext(
            table=RoutingTable(frozenset(settings.default_entry_points), settings.tls_entry_points),
            services=services,
            tickets=self.tickets,
            rate_limits=RateLimits(self._limit_calls, self.keys.rate_limit, size),
            in_flight_limits=InFlightLimits(
                self._limit_calls, self.keys.in_flight_leases, self.keys.in_flight_slots, size
            ),
            sweeper=sweeper,
            ejections=self.ejections,
            upstream_timeouts=timeouts,
            limits=Limits(
                head_bytes=settings.limits.head_bytes,
                line_bytes=settings.limits.target_bytes,
                headers=settings.limits.header_count,
                body_bytes=settings.limits.body_bytes,
            ),
            server_name=socket.gethostname().encode(),
            tallies=Tallies(_histogram_bounds(settings), settings.api.statistics.recent_errors),
            retry=RetryPolicy(retries) if (retries := settings.servers_transport.retry_attempts) else None,
            entry_points=redirection_targets(settings),
            installed=installed,
        )
        for options in self.entry_point_options.values():
            for middleware in options.own.values():
                self.context.chains.put(middleware)
            for diagnostic in options.diagnostics:
                log.warning("%s", diagnostic)
        self._observers = Observers(settings, self.context.tallies.label_sets, self.context.chains)
        self.context.access_log = self._observers.access_log
        self.applier = Applier(self.context, CooperativeYield(), self._observers.require)
        self.internals = self._observers.internals()
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        self.exposition: Exposition | None = None
        if prometheus is not None:
            self.exposition = Exposition(
                self.client, self.keys, self.applier.in_force, prometheus, self.context.chains
            )
        self._snapshot = snapshot_path(settings, os.environ)
        self._saver = SnapshotSaver(self._snapshot, self.applier.state)
        load_snapshot = partial(load, self._snapshot)
        self.watcher = Watcher(self.client, self.keys, self.applier, self._saver.changed, load_snapshot)
        # The agents' last known diagnostics, for when the store does not reply.
        self.last_diagnostics: tuple[Diagnostic, ...] = ()
        self.ejection_sync = EjectionSync(self.client, self.keys, self.ejections)
        self._ticket_rotation = TicketRotation(self.client, self.keys.tls_tickets)
        self._contexts_without_tls: ServerContexts | None = None
        self._certificates: set[CertificateStatus] = set()
        self.status_reporter = StatusReporter(
            self.context,
            self.tickets,
            self.applier,
            self.watcher.freshness,
            self._observers.dropped,
            self._certificates,
        )
        self.reporter = MetricsReporter(
            self.client,
            self.keys,
            self.context.tallies,
            self.status_reporter.status,
            self.status_reporter.counters,
            self._active_names,
        )
        self._report_greenlet = Greenlet(supervised, self.reporter.run)
        self._connections: set[ClientConnection | ProxyHeaderReader] = set()
        self._greenlets: list[Greenlet[Any, Any]] = []

    def start(self) -> None:
        """Start the background tasks."""
        for run in (
            self.context.sweeper.run,
            self.tickets.run,
            self._limit_calls.run,
            self._worker_count.run,
            *([self._ticket_rotation.run] if self.settings.tls_entry_points else []),
            self.watcher.run,
            self._saver.run,
            self.ejection_sync.run_writer,
            self.ejection_sync.run_reader,
        ):
            self._greenlets.append(gevent.spawn(supervised, run))
        self._observers.start()
        if self._loop_watchdog is not None:
            self._loop_watchdog.start()

    def reopen_logs(self) -> None:
        """Open the log files again after others have moved them away."""
        self._observers.reopen()

    def wait_ready(self, seconds: float) -> None:
        """Wait up to `seconds` for the first read of the store; without one, load the local snapshot.

        Then start to report this worker's counts to the store.
        """
        self.watcher.attempted.wait(seconds)
        if self.watcher.connected:
            self.tickets.attempted.wait(seconds)
        if self.applier.revision is None:
            state = load(self._snapshot)
            if state is not None:
                self.applier.replace(Loaded(state))
                log.warning("serving revision %d, read from %s", state.revision, self._snapshot)
        self._report_greenlet.start()

    def connection_handler(self, entry_point: str) -> Callable[[Any, tuple[Any, ...]], None]:
        """Return a function that serves a connection, given gevent's socket and the peer's address."""
        point = self.settings.entry_points[entry_point]
        configured = point.transport.responding_timeouts
        limits = self.settings.limits
        timeouts = ClientTimeouts(
            configured.read_timeout,
            configured.idle_timeout,
            configured.write_timeout or limits.stall_timeout,
            limits.tunnel_idle_timeout,
        )
        tls_contexts = None if point.tls is None else self._tls_contexts(point.tls)
        forwarded_trust = TrustedPeers(point.forwarded_headers.insecure, point.forwarded_headers.trusted_ips)
        proxy_trust = TrustedPeers(point.proxy_protocol.insecure, point.proxy_protocol.trusted_ips)
        context, connections = self.context, self._connections
        label_sets = context.tallies.label_sets
        for_clients = entry_point_limits(context.limits, point)
        for_proxies = entry_point_limits(context.limits, point, trusted=True)
        metered = point.observability.metrics
        plain_label_set = label_sets.number(entry_point, metered=metered)
        main = ServedProtocol(
            entry_point,
            self._observers.setup_for(point, self._internal_routes(entry_point)),
            self._request_handler(entry_point, self.entry_point_options.get(entry_point)),
            never
            if tls_contexts is not None
            else partial(context.table.has_tls_router, over_tls(entry_point)),
        )
        secure = main if tls_contexts is not None else self._protocol_over_tls(entry_point, point)
        transport = point.transport
        keep_alive = KeepAliveLimit(transport.keep_alive_max_requests, transport.keep_alive_max_time)
        opened = context.connections
        opened.setdefault(entry_point, 0)

        def serve_connection(client: Any, address: tuple[Any, ...]) -> None:
            # The data path waits for the socket itself, and does not need gevent's wrapper.
            sock = _socket.socket(client.family, client.type, client.proto, client.detach())
            sock.setblocking(False)
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            stream = Stream(sock, context.sweeper)
            peer, port = address[:2]
            buffer = b""
            if proxy_trust.includes(peer):
                header = self._read_proxy_header(stream, timeouts.read)
                if header is None:
                    return
                # If the PROXY header names another client, the peer's port is not that client's.
                peer, port, buffer = header[0] or peer, 0 if header[0] else port, header[1]
            if tls_contexts is None:
                buffer = serve_requests(stream, peer, port, buffer, plain_label_set, main)
                if not buffer:
                    return
            contexts = tls_contexts or self._default_contexts()
            tls_stream = start_tls(stream, contexts, context.sweeper, timeouts.read, buffer)
            if tls_stream is not None:
                label_set = label_sets.number(entry_point, tls_name(*tls_stream.negotiated), metered=metered)
                serve_requests(tls_stream, peer, port, b"", label_set, secure)

        def serve_requests(
            stream: Stream, peer: str, port: int, buffer: bytes, label_set: int, protocol: ServedProtocol
        ) -> bytes:
            """Serve a connection like `serve`."""
            trusted = forwarded_trust.includes(peer)
            setup, handle = protocol.setup, protocol.handle
            create = setup.create_trusted if trusted else setup.create
            downstream = create(stream, peer, entry_point, timeouts, context, port, label_set, setup.observer)
            downstream.routing_point = protocol.routing_point
            downstream.limits = for_proxies if trusted else for_clients
            downstream.buffer = buffer
            connections.add(downstream)
            opened[entry_point] += 1
            try:
                return serve(
                    downstream, keep_alive.limited(handle) if keep_alive else handle, protocol.takes_tls
                )
            finally:
                connections.discard(downstream)
                opened[entry_point] -= 1

        return serve_connection

    def _request_handler(self, entry_point: str, options: EntryPointOptions | None) -> RequestHandler:
        """Return the handler of requests of an entry point with these options."""
        closed = self.settings.closed_reason(entry_point)
        if closed:
            return refuse_routed_requests(closed)
        return handle_request if options is None else make_handler(entry_point, options)

    def _protocol_over_tls(self, entry_point: str, point: EntryPoint) -> ServedProtocol:
        """Return how an entry point without `tls` serves the connections that speak TLS all the same.

        As in Traefik, its redirection and its internal routes are for plain requests.
        """
        options = self.entry_point_options.get(entry_point)
        if options is not None:
            options = replace(options, redirection=None)
        return ServedProtocol(
            over_tls(entry_point),
            self._observers.setup_for(point, {}),
            self._request_handler(entry_point, options),
        )

    def _tls_contexts(self, tls: Tls) -> ServerContexts:
        """Return the contexts for an entry point, and report its certificates."""
        contexts = ServerContexts(tls)
        for context in contexts.all():
            self._ticket_rotation.add(context)
        self._certificates.update(each.status for each in contexts.contents)
        return contexts

    def _default_contexts(self) -> ServerContexts:
        """Return the contexts for TLS on entry points without `tls`, made for the first such connection."""
        if self._contexts_without_tls is None:
            # In a thread, because the import of the library behind it takes up to 0.2 s.
            gevent.get_hub().threadpool.apply(default_certificate)
        if self._contexts_without_tls is None:
            self._contexts_without_tls = self._tls_contexts(Tls())
            if not self.settings.tls_entry_points:
                self._greenlets.append(gevent.spawn(supervised, self._ticket_rotation.run))
        return self._contexts_without_tls

    def _active_names(self) -> ActiveNames:
        in_force = self.applier.in_force()
        return ActiveNames(in_force.routers, in_force.services, ActiveServers(in_force.services))

    def _internal_routes(self, entry_point: str) -> InternalRoutes:
        """Return the routes that this entry point serves before all routers."""
        settings = self.settings
        found: dict[bytes, Match] = {}
        if settings.closed_reason(entry_point):
            return found
        options = self.entry_point_options.get(entry_point, NO_OPTIONS)
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        if prometheus is not None and prometheus.entry_point == entry_point and not settings.refusal(METRICS):
            assert self.exposition is not None  # noqa: S101 - made of the same settings
            found[b"/metrics"] = metrics_route(options.middlewares, self.exposition)
        if settings.ping is not None and settings.ping.entry_point == entry_point:
            found[b"/ping"] = ping_route(options.middlewares, self.ping_status)
        return found

    def ping_status(self) -> int:
        """Return the status of `/ping`."""
        ping = self.settings.ping or Ping()
        return ping.terminating_status_code if self.context.terminating else 200

    def _read_proxy_header(self, stream: Stream, timeout: float) -> tuple[str | None, bytes] | None:
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

    @property
    def connections(self) -> int:
        """The number of open client connections."""
        return len(self._connections)

    def drain(self, idle_end: float) -> None:
        """End connections after their current request, and idle connections after their next.

        A request may be on its way on an idle connection; only its response can tell the client to send no
        more (RFC 9112 §9.6). At `idle_end` (monotonic seconds) connections that are still idle are closed.
        """
        context = self.context
        context.draining = True
        context.drain_deadline = idle_end
        for downstream in self._connections:
            if downstream.idle:
                stream = downstream.stream
                stream.deadline = min(stream.deadline, idle_end)
        # The sweep comes slightly after `idle_end`, so that the deadlines have passed.
        gevent.spawn_later(max(0.0, idle_end - monotonic()) + 0.01, context.sweeper.sweep)

    def stop(self) -> None:
        """Stop the background tasks, and write the last counts to the store."""
        gevent.kill(self._report_greenlet)
        with suppress(Timeout, redis.RedisError, OSError), Timeout(FINAL_REPORT_TIMEOUT):
            self.reporter.finish()
        self._observers.stop()
        if self._loop_watchdog is not None:
            self._loop_watchdog.stop()
        gevent.killall(self._greenlets)
        self.ejection_sync.end_leases(LEASE_END_TIMEOUT)
        if self._limit_calls.used:
            with suppress(Timeout, redis.RedisError, OSError), Timeout(LEASE_END_TIMEOUT):
                self.client.hdel(self.keys.in_flight_leases, self.context.in_flight_limits.worker)


def _histogram_bounds(settings: Settings) -> tuple[float, ...]:
    """Return the union of the bounds that statistics and metrics need."""
    metrics = settings.metrics
    if metrics is None or metrics.prometheus is None or set(metrics.prometheus.buckets) <= set(BOUNDS):
        return BOUNDS
    return tuple(sorted({*BOUNDS, *metrics.prometheus.buckets}))
