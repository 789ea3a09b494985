"""The gunicorn worker: accepts connections, and passes each to the data path.

gunicorn manages processes, listening sockets, reloads and signals. Connections never become its WSGI
requests: the data path runs the admin application itself.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent.event import Event
from gevent.monkey import MonkeyPatchWarning
from gunicorn.arbiter import Arbiter
from gunicorn.workers.ggevent import GeventWorker

from proxy.limits.in_flight_counts import IN_FLIGHT
from proxy.process.acceptor import BATCH, Acceptor
from proxy.process.connection_handlers import ConnectionHandlers
from proxy.process.current_settings import current_settings
from proxy.process.file_descriptors import connection_capacity, raise_limit, session_capacity
from proxy.process.handover import (
    Departure,
    DepartureNotice,
    announce_accepting,
    last_replaced_age,
    newest_age,
)
from proxy.process.listening import entry_point_of
from proxy.process.udp_sockets import UDP_SOCKETS
from rondpoint.settings import ADMIN
from rondpoint.settings.tree.section import given_names
from rondpoint.ticks import seconds_to_tick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.process.deferred_application import DeferredApplication
    from proxy.runtime import Runtime
    from proxy.udp.entry_points import InheritedShard

STORE_TIMEOUT = 5.0
"""Seconds that a starting worker waits for its first read of the store before it accepts connections."""

SUCCESSOR_TIMEOUT = 60.0
"""Seconds that a leaving worker keeps accepting if no successor does."""

IDLE_TIMEOUT = 1.0
"""Seconds that idle connections have for one more request when the whole proxy ends."""

ADMIN_CONNECTIONS = 100
ADMIN_TIMEOUT = 1.0
"""Seconds that connections of the admin entry point have to end after all others have ended."""


class ProxyWorker(GeventWorker):
    """One worker process of the proxy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.departure_notice = DepartureNotice()
        # The master has chosen it for the worker that it makes now.
        self.udp_slot = UDP_SOCKETS.slot
        self._leaving: Event | None = None
        self._runtime: Runtime | None = None

    def patch(self) -> None:
        """Patch what the master left (see `preload`), which gevent would warn of."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MonkeyPatchWarning)
            super().patch()

    def run(self) -> None:
        """Serve until the worker must leave, then finish running requests within the grace time."""
        # The master imports this module before it patches what these take when they are imported.
        from proxy.downstream.longest_waits import end_longest_waits  # noqa: PLC0415
        from proxy.runtime import Runtime  # noqa: PLC0415
        from proxy.tls.errors import CertificateError  # noqa: PLC0415

        self._leaving = Event()
        IN_FLIGHT.begin()
        self._runtime = runtime = Runtime(current_settings())
        runtime.start()
        runtime.wait_ready(STORE_TIMEOUT)
        cast("DeferredApplication", self.wsgi).serve(runtime)
        sessions = self._session_capacity()
        web = ConnectionHandlers(self._connection_capacity(sessions))
        # Apart, because the streams of dashboards do not end by themselves.
        admin = ConnectionHandlers(ADMIN_CONNECTIONS, partial(end_longest_waits, runtime.context.sweeper))
        try:
            acceptors = [self._acceptor(listener, runtime, web, admin) for listener in self.sockets]
        except CertificateError as error:
            self.log.critical("%s", error)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        runtime.udp.begin(self._inherited_shards(), sessions)
        for acceptor in acceptors:
            acceptor.start()
        announce_accepting(self.age)
        # Objects from the start of a worker stay, so the collector need not examine them each time.
        gc.collect()
        gc.freeze()
        # Also reads the notice, because a process that was forked just then loses a SIGTERM.
        while self.alive and self.departure_notice.departure is Departure.NONE:
            self.notify()
            self._leaving.wait(seconds_to_tick(1.0))
            runtime.udp.look_after_others()
            # Dashboards and scrapers must not replace workers that serve nobody else.
            served = runtime.context.requests - runtime.context.admin_requests
            if served >= self.max_requests:
                self.log.info("%s has served %d requests and is replaced", self, served)
                break
        self._await_successor()
        if self.departure_notice.departure is not Departure.ENDING:
            runtime.udp.leave()
        self._accept_while_ending(runtime)
        self.alive = False
        for acceptor in acceptors:
            acceptor.close_after_waiting()
        self._drain(web, runtime)
        admin.join(timeout=ADMIN_TIMEOUT)
        admin.kill(timeout=1)
        runtime.udp.close()
        runtime.stop()

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self._leaving is not None:
            self._leaving.set()

    def handle_usr1(self, sig: int, frame: Any) -> None:
        super().handle_usr1(sig, frame)
        if self._runtime is not None:
            self._runtime.reopen_logs()

    def _session_capacity(self) -> int:
        """Return how many UDP sessions this worker holds at once."""
        settings = current_settings()
        if not settings.udp_entry_points:
            return 0
        descriptors = raise_limit()
        capacity = session_capacity(descriptors, settings.limits.udp_sessions)
        if capacity < settings.limits.udp_sessions:
            self.log.warning(
                "a worker holds %d UDP sessions instead of the %d of limits.udpSessions: "
                "it may have %d file descriptors (ulimit -n)",
                capacity,
                settings.limits.udp_sessions,
                descriptors,
            )
        return capacity

    def _inherited_shards(self) -> Iterator[InheritedShard]:
        """Yield the shards of UDP entry points that the master has opened."""
        from proxy.udp.entry_points import InheritedShard  # noqa: PLC0415 - imports gevent's functions
        from proxy.udp.succession import Line  # noqa: PLC0415

        settings = current_settings()
        for name, sockets, own in UDP_SOCKETS.assigned(settings):
            yield InheritedShard(
                name,
                settings.entry_points[name].udp.timeout,
                sockets.listener.fileno(),
                Line(
                    sockets.offers.fileno(),
                    sockets.offering.fileno(),
                    UDP_SOCKETS.lock_file.fileno(),
                    sockets.lock,
                ),
                own,
                settings.closed_reason(name),
            )

    def _connection_capacity(self, sessions: int) -> int:
        """Return how many client connections this worker holds at once beside so many UDP sessions."""
        descriptors = raise_limit()
        explicit = "connections" in given_names(current_settings().limits)
        capacity = connection_capacity(descriptors - sessions, self.worker_connections, explicit=explicit)
        if capacity < self.worker_connections:
            self.log.warning(
                "a worker holds %d client connections instead of the %d of limits.connections: "
                "it may have %d file descriptors (ulimit -n)%s",
                capacity,
                self.worker_connections,
                descriptors,
                f", {sessions} of them for UDP sessions" if sessions else "",
            )
        return capacity

    def _acceptor(
        self, listener: Any, runtime: Runtime, web: ConnectionHandlers, admin: ConnectionHandlers
    ) -> Acceptor:
        listener.setblocking(True)
        name = entry_point_of(current_settings().entry_points, listener.getsockname()[:2])
        if name is None:
            raise LookupError(f"no entry point has the address {listener.getsockname()}")
        # One connection at a time spreads connections over the workers.
        batch = 1 if self.cfg.workers > 1 else BATCH
        handlers = admin if name == ADMIN else web
        return Acceptor(listener, runtime.server.connection_handler(name), handlers, batch)

    def _await_successor(self) -> None:
        """Keep accepting until a newer worker accepts connections, unless the proxy ends."""
        before, end = last_replaced_age(self.age), monotonic() + SUCCESSOR_TIMEOUT
        self.departure_notice.set(Departure.REPLACED)
        # Wakes the master, which then reads the notice and starts the successor.
        os.kill(self.ppid, signal.SIGCHLD)
        # A loop, because a change in shared memory cannot wake this process.
        while (
            self.departure_notice.departure is Departure.REPLACED
            and newest_age() <= before
            and monotonic() < end
        ):
            self.notify()
            gevent.sleep(0.05)
        if newest_age() > before:
            self.log.info("%s has a successor and stops accepting", self)

    def _accept_while_ending(self, runtime: Runtime) -> None:
        """If the whole proxy ends, keep accepting until load balancers in front have noticed that it does."""
        seconds = current_settings().accept_grace_seconds
        if not seconds or self.departure_notice.departure is not Departure.ENDING:
            return
        runtime.context.terminating = True
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            # The master kills a worker that does not report for long.
            self.notify()
            gevent.sleep(min(left, 1.0))

    def _drain(self, web: ConnectionHandlers, runtime: Runtime) -> None:
        """Let running requests finish, and give idle connections one more (see EntryPointServer.drain)."""
        grace = current_settings().grace_seconds
        end = monotonic() + grace
        idle_end, ending = end, False
        runtime.server.drain(idle_end)
        while (len(web) or len(runtime.udp)) and monotonic() < end:
            if self.departure_notice.departure is Departure.ENDING and not ending:
                ending = True
                runtime.udp.end()
                idle_end = min(end, monotonic() + IDLE_TIMEOUT)
                runtime.server.drain(idle_end)
            self.notify()
            (web if len(web) else runtime.udp).join(0.2)
        if len(runtime.udp):
            self.log.warning(
                "%s ends with %d UDP sessions open: the grace time is over", self, len(runtime.udp)
            )
        if len(web):
            self.log.warning("%s ends with %d connections unfinished: the grace time is over", self, len(web))
            web.kill(timeout=1)
