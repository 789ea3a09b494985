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
from typing import Any

import gevent
import redis
from gevent import Greenlet, Timeout

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
from proxy.downstream.observers import Observers
from proxy.downstream.proxy_header import ProxyHeaderReader
from proxy.downstream.serving import RequestHandler, serve
from proxy.downstream.tls_handshake import start_tls
from proxy.downstream.trusted_peers import TrustedPeers
from proxy.ejection.ejections import Ejections
from proxy.ejection.sharing import EjectionSync
from proxy.exchange.closed_entry_point import refuse_routed_requests
from proxy.exchange.entry_point_handler import make_handler
from proxy.exchange.request_handler import handle_request
from proxy.http1.limits import Limits, limits_for
from proxy.limits.rate_limits import RateLimits
from proxy.limits.worker_count import WorkerCount
from proxy.net.deadlines import Sweeper
from proxy.net.proxy_protocol import ProxyProtocolError
from proxy.net.stream import Stream
from proxy.per_request.retries import RetryPolicy
from proxy.routing.table import RoutingTable
from proxy.services.registry import ServiceRegistry
from proxy.telemetry.exposition.exposition import Exposition
from proxy.telemetry.metrics_reporter import MetricsReporter
from proxy.telemetry.tallies import Tallies
from proxy.telemetry.tls_names import tls_name
from proxy.tls.server_contexts import ServerContexts
from proxy.tls.ticket_rotation import TicketRotation
from proxy.upstream.timeouts import UpstreamTimeouts
from proxy.worker_status import StatusReporter
from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.options import read_entry_points
from rondpoint.entry_points.redirection import redirection_targets
from rondpoint.middleware.installed import load_installed
from rondpoint.settings import Settings
from rondpoint.settings.closed_parts import METRICS
from rondpoint.store.client import connect, separate_connection
from rondpoint.store.corrupt_keys import drop
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.read import Loaded
from rondpoint.store.retired_workers import ActiveNames
from rondpoint.store.server_metrics import ActiveServers
from rondpoint.store.workers import CertificateStatus

log = logging.getLogger(__name__)

LEASE_END_TIMEOUT = 1.0
"""The most seconds that a leaving worker takes to end its ejection leases in the store."""

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
            forwarding.response_header_timeout,
            forwarding.idle_conn_timeout,
            settings.limits.stall_timeout,
            settings.limits.response_pause_timeout,
        )
        worker = f"{socket.gethostname()}:{os.getpid()}"
        services = ServiceRegistry(sweeper, timeouts)
        # The token makes the name unique: containers may share both host name and process ids.
        self.ejections = Ejections(services, f"{worker}/{token_hex(4)}")
        self.tickets = Tickets(
            partial(open_ticket_connection, self.client.connection_pool),
            self.keys.tickets,
            partial(drop, self.client, self.keys.tickets),
        )
        rate_limits = RateLimits(
            partial(separate_connection, self.client.connection_pool),
            self.keys.rate_limit,
            settings.workers,
        )
        self._worker_count = WorkerCount(self.client, self.keys, rate_limits)
        installed = load_installed(settings.middlewares.modules)
        self._loop_watchdog = LoopWatchdog() if installed.names else None
        self.context = WorkerContext(
            table=RoutingTable(frozenset(settings.default_entry_points), settings.tls_entry_points),
            services=services,
            tickets=self.tickets,
            rate_limits=rate_limits,
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
            self.exposition = Exposition(self.client, self.keys, self.applier.in_force, prometheus)
        self._snapshot = snapshot_path(settings, os.environ)
        self._saver = SnapshotSaver(self._snapshot, self.applier.state)
        load_snapshot = partial(load, self._snapshot)
        self.watcher = Watcher(self.client, self.keys, self.applier, self._saver.changed, load_snapshot)
        # The agents' last known diagnostics, for when the store does not reply.
        self.last_diagnostics: tuple[Diagnostic, ...] = ()
        self.ejection_sync = EjectionSync(self.client, self.keys, self.ejections)
        self._ticket_rotation = TicketRotation(self.client, self.keys.tls_tickets)
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
            self.context.rate_limits.run,
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
        tls_contexts = None if point.tls is None else ServerContexts(point.tls)
        if tls_contexts is not None:
            for tls_context in tls_contexts.all():
                self._ticket_rotation.add(tls_context)
            self._certificates.update(each.status for each in tls_contexts.contents)
        forwarded_trust = TrustedPeers(point.forwarded_headers.insecure, point.forwarded_headers.trusted_ips)
        proxy_trust = TrustedPeers(point.proxy_protocol.insecure, point.proxy_protocol.trusted_ips)
        context, connections = self.context, self._connections
        label_sets = context.tallies.label_sets
        underscores = point.headers_with_underscores
        for_clients = limits_for(context.limits, underscores)
        for_proxies = limits_for(context.limits, underscores, trusted=True)
        metered = point.observability.metrics
        plain_label_set = label_sets.number(entry_point, metered=metered)
        setup = self._observers.setup_for(point, self._exposition_for(entry_point))
        closed = self.settings.closed_reason(entry_point)
        options = self.entry_point_options.get(entry_point)
        handle: RequestHandler = handle_request
        if closed:
            handle = refuse_routed_requests(closed)
        elif options is not None:
            handle = make_handler(entry_point, options)
        opened = context.connections
        opened.setdefault(entry_point, 0)

        def serve_connection(client: Any, address: tuple[Any, ...]) -> None:
            # The data path waits for the socket itself, and does not need gevent's wrapper.
            sock = _socket.socket(client.family, client.type, client.proto, client.detach())
            sock.setblocking(False)
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            stream = Stream(sock, context.sweeper)
            peer, port = address[:2]
            buffer, label_set = b"", plain_label_set
            if proxy_trust.includes(peer):
                header = self._read_proxy_header(stream, timeouts.read)
                if header is None:
                    return
                # If the PROXY header names another client, the peer's port is not that client's.
                peer, port, buffer = header[0] or peer, 0 if header[0] else port, header[1]
            if tls_contexts is not None:
                tls_stream = start_tls(stream, tls_contexts, context.sweeper, timeouts.read, buffer)
                if tls_stream is None:
                    return
                stream, buffer = tls_stream, b""
                label_set = label_sets.number(entry_point, tls_name(*tls_stream.negotiated), metered=metered)
            trusted = forwarded_trust.includes(peer)
            create = setup.create_trusted if trusted else setup.create
            downstream = create(stream, peer, entry_point, timeouts, context, port, label_set, setup.observer)
            downstream.limits = for_proxies if trusted else for_clients
            downstream.buffer = buffer
            connections.add(downstream)
            opened[entry_point] += 1
            try:
                serve(downstream, handle)
            finally:
                connections.discard(downstream)
                opened[entry_point] -= 1

        return serve_connection

    def _active_names(self) -> ActiveNames:
        in_force = self.applier.in_force()
        return ActiveNames(in_force.routers, in_force.services, ActiveServers(in_force.services))

    def _exposition_for(self, entry_point: str) -> Exposition | None:
        """Return the exposition of `/metrics` if this entry point serves it."""
        metrics = self.settings.metrics
        if metrics is None or metrics.prometheus is None or metrics.prometheus.entry_point != entry_point:
            return None
        if self.settings.closed_reason(entry_point) or self.settings.refusal(METRICS):
            return None
        if entry_point in self.entry_point_options:
            # The exposition comes before all routers, so the options would not apply to it.
            return None
        return self.exposition

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


def _histogram_bounds(settings: Settings) -> tuple[float, ...]:
    """Return the union of the bounds that statistics and metrics need."""
    metrics = settings.metrics
    if metrics is None or metrics.prometheus is None or set(metrics.prometheus.buckets) <= set(BOUNDS):
        return BOUNDS
    return tuple(sorted({*BOUNDS, *metrics.prometheus.buckets}))
