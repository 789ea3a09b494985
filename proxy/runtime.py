"""One worker's moving parts, put together: context, sweeper, tickets, and the watcher of the store."""

from __future__ import annotations

import _socket
import logging
import os
import socket
import ssl
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
from proxy.background.supervised_task import supervised
from proxy.balancing.ticket_connection import open_ticket_connection
from proxy.balancing.tickets import Tickets
from proxy.configuration.applier import Applier
from proxy.configuration.snapshot import Saver, load, snapshot_path
from proxy.configuration.watcher import Watcher
from proxy.context import ClientTimeouts, Context
from proxy.downstream.connection import ClientConnection
from proxy.downstream.observers import Observers
from proxy.downstream.proxy_header import Preamble
from proxy.downstream.serving import serve
from proxy.downstream.trusted_peers import Trust
from proxy.ejection.ejections import Ejections
from proxy.ejection.sharing import EjectionSync
from proxy.exchange.closed_entry_point import refuse_routed_requests
from proxy.exchange.request_handler import handle_request
from proxy.http1.limits import Limits, limits_of
from proxy.net.deadlines import Sweeper, after
from proxy.net.proxy_protocol import ProxyProtocolError
from proxy.net.stream import Stream
from proxy.net.tls_stream import TlsStream
from proxy.per_request.retries import RetryPolicy
from proxy.routing.table import RoutingTable
from proxy.services.registry import ServiceRegistry
from proxy.telemetry.exposition.exposition import Exposition
from proxy.telemetry.metrics_reporter import MetricsReporter
from proxy.telemetry.tallies import Tallies
from proxy.telemetry.tls_names import tls_name
from proxy.tls.certificate_status import certificates_of
from proxy.tls.server_context import server_context
from proxy.upstream.timeouts import UpstreamTimeouts
from proxy.worker_status import Census
from rondpoint.diagnostics import Diagnostic
from rondpoint.settings import Settings
from rondpoint.settings.closing import METRICS
from rondpoint.store.client import connect
from rondpoint.store.corrupt_keys import drop
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.read import Loaded
from rondpoint.store.retired_workers import Known
from rondpoint.store.server_metrics import ServersInForce
from rondpoint.store.workers import CertificateStatus

log = logging.getLogger(__name__)

LAST_WORDS = 1.0
"""Seconds a leaving worker takes at most to tell the store that it probes no server any more."""

LAST_REPORT = 1.0
"""Seconds a leaving worker takes at most to tell the store what it has counted."""


class Runtime:
    """Built in the worker's process, after gevent has taken over. ValueError without a store's URL."""

    def __init__(self, settings: Settings) -> None:
        if settings.redis.url is None:
            raise ValueError("redis.url is not set")
        self.settings = settings
        self.keys = Keys(settings.redis.namespace)
        self.client = connect(settings.redis.url, namespace=settings.redis.namespace)
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
        # Containers may have both the same host name and the same process ids.
        self.ejections = Ejections(services, f"{worker}/{token_hex(4)}")
        self.tickets = Tickets(
            partial(open_ticket_connection, self.client.connection_pool),
            self.keys.tickets,
            partial(drop, self.client, self.keys.tickets),
        )
        self.context = Context(
            table=RoutingTable(frozenset(settings.default_entry_points), settings.tls_entry_points),
            services=services,
            tickets=self.tickets,
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
            tallies=Tallies(_bounds(settings), settings.api.statistics.recent_errors),
            retry=RetryPolicy(retries) if (retries := settings.servers_transport.retry_attempts) else None,
        )
        self._observers = Observers(settings, self.context.tallies.label_sets, self.context.chains)
        self.context.access_log = self._observers.access_log
        self.applier = Applier(self.context, CooperativeYield(), self._observers.ask)
        self.internals = self._observers.internals()
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        self.exposition: Exposition | None = None
        if prometheus is not None:
            self.exposition = Exposition(self.client, self.keys, self.applier.in_force, prometheus)
        self._snapshot = snapshot_path(settings, os.environ)
        self._saver = Saver(self._snapshot, self.applier.state)
        last = partial(load, self._snapshot)
        self.watcher = Watcher(self.client, self.keys, self.applier, self._saver.changed, last)
        # What the agents were last seen to have found, for when the store does not answer.
        self.diagnosed: tuple[Diagnostic, ...] = ()
        self.sharing = EjectionSync(self.client, self.keys, self.ejections)
        self._certificates: set[CertificateStatus] = set()
        self.census = Census(
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
            self.census.status,
            self.census.own,
            self._known,
        )
        self._reporting = Greenlet(supervised, self.reporter.run)
        self._connections: set[ClientConnection | Preamble] = set()
        self._greenlets: list[Greenlet[Any, Any]] = []

    def start(self) -> None:
        """Spawn what runs beside the requests."""
        for run in (
            self.context.sweeper.run,
            self.tickets.run,
            self.watcher.run,
            self._saver.run,
            self.sharing.run_writer,
            self.sharing.run_reader,
        ):
            self._greenlets.append(gevent.spawn(supervised, run))
        self._observers.start()

    def reopen_logs(self) -> None:
        """Go on in new files: the old ones were moved away."""
        self._observers.reopen()

    def wait_ready(self, seconds: float) -> None:
        """Wait for a first look at the store; or else take the last configuration there was.

        From then on, it is told what this worker counts.
        """
        self.watcher.attempted.wait(seconds)
        if self.watcher.connected:
            self.tickets.attempted.wait(seconds)
        if self.applier.revision is None:
            state = load(self._snapshot)
            if state is not None:
                self.applier.replace(Loaded(state))
                log.warning("serving revision %d, read from %s", state.revision, self._snapshot)
        self._reporting.start()

    def connections_of(self, entry_point: str) -> Callable[[Any, tuple[Any, ...]], None]:
        """What serves a client's connection, given as gevent's socket and the peer's address."""
        point = self.settings.entry_points[entry_point]
        configured = point.transport.responding_timeouts
        limits = self.settings.limits
        timeouts = ClientTimeouts(
            configured.read_timeout,
            configured.idle_timeout,
            configured.write_timeout or limits.stall_timeout,
            limits.tunnel_idle_timeout,
        )
        secure = None if point.tls is None else server_context(point.tls)
        if point.tls is not None and self.exposition is not None:
            self._certificates.update(certificates_of(point.tls.certificates))
        forwarding = Trust(point.forwarded_headers.insecure, point.forwarded_headers.trusted_ips)
        proxying = Trust(point.proxy_protocol.insecure, point.proxy_protocol.trusted_ips)
        context, connections = self.context, self._connections
        label_sets = context.tallies.label_sets
        underscores = point.headers_with_underscores
        for_clients = limits_of(context.limits, underscores)
        for_proxies = limits_of(context.limits, underscores, trusted=True)
        metered = point.observability.metrics
        plain_lane = label_sets.number(entry_point, metered=metered)
        told = self._observers.of(point, self._exposed_on(entry_point))
        closed = self.settings.why_closed(entry_point)
        handle = refuse_routed_requests(closed) if closed else handle_request
        opened = context.connections
        opened.setdefault(entry_point, 0)

        def accepted(client: Any, address: tuple[Any, ...]) -> None:
            # The data path waits by itself, and has no use for gevent's wrapper.
            sock = _socket.socket(client.family, client.type, client.proto, client.detach())
            sock.setblocking(False)
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
            stream = Stream(sock, context.sweeper)
            peer, port = address[:2]
            buffer, label_set = b"", plain_lane
            if proxying.includes(peer):
                preamble = self._preamble(stream, timeouts.read)
                if preamble is None:
                    return
                # The port of a client that is spoken for is not told on.
                peer, port, buffer = preamble[0] or peer, 0 if preamble[0] else port, preamble[1]
            if secure is not None:
                secured = self._secured(stream, secure, timeouts.read, buffer)
                if secured is None:
                    return
                stream, buffer = secured, b""
                label_set = label_sets.number(entry_point, tls_name(*secured.agreed), metered=metered)
            trusted = forwarding.includes(peer)
            kind = told.trusted_form if trusted else told.form
            downstream = kind(stream, peer, entry_point, timeouts, context, port, label_set, told.observer)
            downstream.limits = for_proxies if trusted else for_clients
            downstream.buffer = buffer
            connections.add(downstream)
            opened[entry_point] += 1
            try:
                serve(downstream, handle)
            finally:
                connections.discard(downstream)
                opened[entry_point] -= 1

        return accepted

    def _known(self) -> Known:
        in_force = self.applier.in_force()
        return Known(in_force.routers, in_force.services, ServersInForce(in_force.services))

    def _exposed_on(self, entry_point: str) -> Exposition | None:
        """What answers `/metrics` on a web entry point, if that is the one to serve it."""
        metrics = self.settings.metrics
        if metrics is None or metrics.prometheus is None or metrics.prometheus.entry_point != entry_point:
            return None
        if self.settings.why_closed(entry_point) or self.settings.why_no(METRICS):
            return None
        return self.exposition

    def _preamble(self, stream: Stream, timeout: float) -> tuple[str | None, bytes] | None:
        """As `Preamble.read`, but a connection that is of no use is closed."""
        preamble = Preamble(stream)
        self._connections.add(preamble)
        read = None
        try:
            read = preamble.read(timeout)
        except ProxyProtocolError as error:
            log.info("a connection with a malformed PROXY header was closed: %s", error)
        finally:
            self._connections.discard(preamble)
            if read is None:
                stream.close()
        return read

    def _secured(
        self, stream: Stream, context: ssl.SSLContext, timeout: float, early: bytes
    ) -> TlsStream | None:
        """The connection in TLS; None when the client does not manage the handshake in time."""
        sock = stream.give_up()
        try:
            return TlsStream(sock, self.context.sweeper, context, deadline=after(timeout), early=early)
        except OSError as error:
            log.debug("a TLS handshake failed: %s", error)
            return None

    @property
    def connections(self) -> int:
        """Client connections open now."""
        return len(self._connections)

    def drain(self, idle_end: float) -> None:
        """Have connections end after their present request, and the idle ones after their next.

        A request may be on its way to an idle connection, which only its answer can tell to send no more
        (RFC 9112 §9.6). What has sent nothing by `idle_end` (monotonic seconds) is closed without.
        """
        context = self.context
        context.draining = True
        context.drain_deadline = idle_end
        for downstream in self._connections:
            if downstream.idle:
                stream = downstream.stream
                stream.deadline = min(stream.deadline, idle_end)
        # A little later, so that the deadline has passed by then.
        gevent.spawn_later(max(0.0, idle_end - monotonic()) + 0.01, context.sweeper.sweep)

    def stop(self) -> None:
        """End what `start` began, and leave what was counted to those who follow."""
        gevent.kill(self._reporting)
        with suppress(Timeout, redis.RedisError, OSError), Timeout(LAST_REPORT):
            self.reporter.finish()
        self._observers.stop()
        gevent.killall(self._greenlets)
        self.sharing.end_leases(LAST_WORDS)


def _bounds(settings: Settings) -> tuple[float, ...]:
    """Bounds of which all that are shown anywhere can be made."""
    metrics = settings.metrics
    if metrics is None or metrics.prometheus is None or set(metrics.prometheus.buckets) <= set(BOUNDS):
        return BOUNDS
    return tuple(sorted({*BOUNDS, *metrics.prometheus.buckets}))
