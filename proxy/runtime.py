"""Creates and connects the components of one worker: data path, tickets, store watcher, reports."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import gevent
import redis
from gevent import Greenlet, Timeout

from proxy.acme_challenges.challenge_lookup import ChallengeLookup
from proxy.acme_challenges.http_challenges import HttpChallenges
from proxy.acme_challenges.tls_alpn_challenges import TlsAlpnChallenges
from proxy.background.cooperative_yield import CooperativeYield
from proxy.background.loop_watchdog import LoopWatchdog
from proxy.background.supervised_task import supervised
from proxy.balancing.ticket_connection import open_ticket_connection
from proxy.balancing.tickets import Tickets
from proxy.configuration.applier import Applier
from proxy.configuration.snapshot import SnapshotSaver, load, snapshot_path
from proxy.configuration.watcher import Watcher
from proxy.context import WorkerContext
from proxy.downstream.entry_point_server import EntryPointServer
from proxy.downstream.observers import Observers
from proxy.ejection.ejections import Ejections
from proxy.ejection.sharing import EjectionSync
from proxy.exchange.internal_routes import (
    InternalRoutes,
    api_finder,
    metrics_route,
    ping_route,
    rest_finder,
)
from proxy.exchange.internal_services import make_internal_services
from proxy.exchange.tls_options_check import require_tls_options
from proxy.http1.limits import Limits
from proxy.limits.in_flight_limits import InFlightLimits
from proxy.limits.installation_size import InstallationSize
from proxy.limits.rate_limits import RateLimits
from proxy.limits.worker_count import WorkerCount
from proxy.net.deadlines import Sweeper
from proxy.per_request.retries import RetryPolicy
from proxy.routing.table import RoutingTable
from proxy.services.registry import ServiceRegistry
from proxy.shared_store.script_calls import ScriptCalls
from proxy.tcp.parts import TcpParts
from proxy.tcp.services import TcpServices
from proxy.telemetry.exposition.exposition import Exposition
from proxy.telemetry.metrics_reporter import MetricsReporter
from proxy.telemetry.tallies import Tallies
from proxy.tls.ticket_rotation import TicketRotation
from proxy.tls.worker_contexts import WorkerContexts
from proxy.udp.entry_points import UdpEntryPoints
from proxy.upstream.timeouts import UpstreamTimeouts
from proxy.worker_status import StatusReporter
from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.options import NO_OPTIONS, read_entry_points
from rondpoint.entry_points.redirection import redirection_targets
from rondpoint.middleware.installed import load_installed
from rondpoint.model import ServersTransport
from rondpoint.servers_transports.contexts import ClientContexts
from rondpoint.servers_transports.default import NAME, default_transport
from rondpoint.settings import Ping, Settings
from rondpoint.store.client import connect, separate_connection
from rondpoint.store.connection_metrics import ActiveConnections
from rondpoint.store.corrupt_keys import drop
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import BOUNDS
from rondpoint.store.read import Loaded
from rondpoint.store.retired_workers import ActiveNames
from rondpoint.store.sealing import sealer_of
from rondpoint.store.server_metrics import ActiveServers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.exchange.internal_routes import Finder
    from proxy.exchange.request_handler import Match
    from rondpoint.store.sealing import Sealer

log = logging.getLogger(__name__)

LEASE_END_TIMEOUT = 1.0
"""The most seconds that a leaving worker takes to end its leases of each kind in the store."""

FINAL_REPORT_TIMEOUT = 1.0
"""The most seconds that a leaving worker takes to write its last counts to the store."""


class Runtime:
    """The components of one worker, created in its process after gevent has patched it.

    Raises ValueError without a store's URL, or if the secret of the store is unusable.
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
        sealer = sealer_of(settings)
        contexts = ClientContexts(default_transport(settings), sealer.open)
        services = ServiceRegistry(sweeper, timeouts, contexts)
        # Servers of TCP services are always verified, unless their own transport says otherwise.
        tcp_services = TcpServices(sweeper, ClientContexts(ServersTransport(NAME), sealer.open))
        # The token makes the name unique: containers may share both host name and process ids.
        self.ejections = Ejections(services, f"{worker}/{token_hex(4)}", tcp_services)
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
            table=RoutingTable(
                frozenset(settings.default_entry_points),
                settings.tls_options,
                require_tls_options,
            ),
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
            open_key=sealer.open,
        )
        for options in self.entry_point_options.values():
            for middleware in options.own.values():
                self.context.chains.put(middleware)
            for diagnostic in options.diagnostics:
                log.warning("%s", diagnostic)
        self._observers = Observers(settings, self.context.tallies.label_sets, self.context.chains)
        self.context.access_log = self._observers.access_log
        self.udp = UdpEntryPoints(self.tickets, self.context.tallies.connections)
        self._ticket_rotation = TicketRotation(self.client, self.keys.tls_tickets)
        self.tls = tls = WorkerContexts(self._ticket_rotation, self.context.tls_options, sealer.open)
        self.tcp = TcpParts(
            frozenset(settings.default_entry_points),
            tcp_services,
            self.tickets,
            self.ejections,
            self.context.in_flight_limits,
            self.context.tallies.connections,
        )
        self.applier = Applier(
            self.context,
            CooperativeYield(),
            self._observers.require,
            {
                "certificates": tls.certificates,
                "tls_options": self.context.tls_options,
                **self.tcp.receivers(),
                "udp_routers": self.udp.routers,
                "udp_services": self.udp.services,
            },
            self.tcp.hold,
        )
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        self.exposition: Exposition | None = None
        if prometheus is not None:
            self.exposition = Exposition(
                self.client, self.keys, self.applier.in_force, prometheus, self.context.chains
            )
        self.context.internal_services.update(
            make_internal_services(settings, self.ping_status, self.exposition)
        )
        self._snapshot = snapshot_path(settings, os.environ)
        self._saver = SnapshotSaver(self._snapshot, self.applier.state)
        load_snapshot = partial(load, self._snapshot)
        self.watcher = Watcher(self.client, self.keys, self.applier, self._saver.changed, load_snapshot)
        # The agents' last known diagnostics, for when the store does not reply.
        self.last_diagnostics: tuple[Diagnostic, ...] = ()
        self.ejection_sync = EjectionSync(self.client, self.keys, self.ejections)
        self._challenges = ChallengeLookup(self.client, self.keys.acme_challenge)
        self.server = EntryPointServer(
            settings,
            self.context,
            self._observers,
            tls,
            self.entry_point_options,
            self._internal_routes,
            self.tcp,
            self._tls_challenges(sealer),
        )
        self.status_reporter = StatusReporter(
            self.context,
            self.tickets,
            self.applier,
            self.watcher.freshness,
            self._observers.dropped,
            tls.statuses,
            tls.by_entry_point,
            self.udp.table,
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
        self._greenlets: list[Greenlet[Any, Any]] = []

    def start(self) -> None:
        """Start the background tasks."""
        for run in (
            self.context.sweeper.run,
            self.tickets.run,
            self._limit_calls.run,
            self._worker_count.run,
            self._ticket_rotation.run,
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

    def _active_names(self) -> ActiveNames:
        in_force = self.applier.in_force()
        return ActiveNames(
            in_force.routers,
            in_force.services,
            ActiveServers(in_force.services),
            ActiveConnections(in_force),
        )

    def _internal_routes(self, entry_point: str) -> InternalRoutes:
        """Return the routes that this entry point serves before all routers."""
        settings = self.settings
        finders = [*self._http_challenges(entry_point)]
        found: dict[bytes, Match] = {}
        if settings.closed_reason(entry_point):
            return InternalRoutes(found, tuple(finders))
        options = self.entry_point_options.get(entry_point, NO_OPTIONS)
        prometheus = settings.metrics.prometheus if settings.metrics is not None else None
        if prometheus is not None and prometheus.entry_point == entry_point and not prometheus.manual_routing:
            assert self.exposition is not None  # noqa: S101 - made of the same settings
            found[b"/metrics"] = metrics_route(options.middlewares, self.exposition)
        ping = settings.ping
        if ping is not None and ping.entry_point == entry_point and not ping.manual_routing:
            found[b"/ping"] = ping_route(options.middlewares, self.ping_status)
        api, rest = settings.api, settings.providers.rest
        if rest is not None and rest.entry_point == entry_point:
            finders.append(rest_finder(options.middlewares))
        if api.entry_point == entry_point:
            finders.append(api_finder(options.middlewares, api.base_path, dashboard=api.dashboard))
        return InternalRoutes(found, tuple(finders))

    def _http_challenges(self, entry_point: str) -> Iterator[Finder]:
        """Yield what finds responses to challenges on this entry point, if a resolver names it."""
        if entry_point in self.settings.http_challenge_entry_points:
            bypass = self.settings.entry_points[entry_point].allow_acme_by_pass
            yield HttpChallenges(self._challenges, bypass=bypass).find

    def _tls_challenges(self, sealer: Sealer) -> TlsAlpnChallenges | None:
        """Return what finds certificates of challenges; None if no resolver uses them."""
        if any(resolver.tls_challenge is not None for resolver in self.settings.acme_resolvers.values()):
            return TlsAlpnChallenges(self._challenges, sealer)
        return None

    def ping_status(self) -> int:
        """Return the status of `/ping`."""
        ping = self.settings.ping or Ping()
        return ping.terminating_status_code if self.context.terminating else 200

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
