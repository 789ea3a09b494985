"""The gunicorn worker: accepts connections, and hands each to the data path or to the admin application.

gunicorn owns processes, listening sockets, reload and signals. Connections of web entry points never become
WSGI requests; those of the admin entry point are gunicorn's own to handle.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gunicorn.arbiter import Arbiter
from gunicorn.workers.ggevent import GeventWorker

from proxy.limits.in_flight_counts import IN_FLIGHT
from proxy.process.current_settings import current_settings, grace_seconds
from proxy.process.file_descriptors import Acceptor, raise_limit, room_for_connections
from proxy.process.handover import Departure, Notice, announce, newest, predecessor
from proxy.process.listening import entry_point_of
from rondpoint.settings import ADMIN

if TYPE_CHECKING:
    from socket import socket

    from flask import Flask

    from proxy.runtime import Runtime

STORE_PATIENCE = 5.0
"""Seconds a starting worker waits for its first look at the store before it accepts connections."""

SUCCESSOR_PATIENCE = 60.0
"""Seconds a leaving worker goes on accepting for want of another that does."""

IDLE_PATIENCE = 1.0
"""Seconds that idle connections get for one more request when the whole proxy ends."""

ADMIN_CONNECTIONS = 100
ADMIN_PATIENCE = 1.0
"""Seconds for connections of the admin entry point to end, once those of the others have."""


class ProxyWorker(GeventWorker):
    """One process of the proxy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notice = Notice()
        self._leaving: Event | None = None
        self._runtime: Runtime | None = None

    def run(self) -> None:
        """Serve until told to leave, then finish what has begun, within the grace time."""
        # Not before gevent has patched this process: it must come ahead of ssl and the store's client.
        from proxy.runtime import Runtime  # noqa: PLC0415
        from proxy.tls.server_context import CertificateError  # noqa: PLC0415

        self._leaving = Event()
        IN_FLIGHT.begin()
        self._runtime = runtime = Runtime(current_settings())
        runtime.start()
        runtime.wait_ready(STORE_PATIENCE)
        cast("Flask", self.wsgi).config["RUNTIME"] = runtime
        web, admin = Pool(self._room()), Pool(ADMIN_CONNECTIONS)
        try:
            servers = [self._server(listener, runtime, web, admin) for listener in self.sockets]
        except CertificateError as error:
            self.log.critical("%s", error)
            sys.exit(Arbiter.APP_LOAD_ERROR)
        for server in servers:
            server.start()
        announce(self.age)
        # What a worker starts with is there to stay, and need not be looked at in every collection.
        gc.collect()
        gc.freeze()
        # The notice is looked at too, since a SIGTERM is lost on a process that was forked just then.
        while self.alive and self.notice.departure is Departure.NONE:
            self.notify()
            self._leaving.wait(1.0)
            if runtime.context.requests >= self.max_requests:
                self.log.info("%s has served %d requests and is replaced", self, runtime.context.requests)
                break
        self._await_successor()
        # What gunicorn itself serves, the admin entry point, keeps no connection from now on.
        self.alive = False
        for server in servers:
            _close(server)
        self._drain(web, runtime)
        admin.join(timeout=ADMIN_PATIENCE)
        admin.kill(timeout=1)
        runtime.stop()

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        if self._leaving is not None:
            self._leaving.set()

    def handle_usr1(self, sig: int, frame: Any) -> None:
        super().handle_usr1(sig, frame)
        if self._runtime is not None:
            self._runtime.reopen_logs()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """As gunicorn does, but that a connection waiting for a request is cut at the end is no error."""
        if not isinstance(exc, gevent.GreenletExit):
            super().handle_error(req, client, addr, exc)

    def _room(self) -> int:
        """Client connections to be held at once."""
        descriptors = raise_limit()
        asked_for = "connections" in current_settings().limits.model_fields_set
        room = room_for_connections(descriptors, self.worker_connections, asked_for=asked_for)
        if room < self.worker_connections:
            self.log.warning(
                "a worker holds %d client connections instead of the %d of limits.connections: "
                "it may have %d file descriptors (ulimit -n)",
                room,
                self.worker_connections,
                descriptors,
            )
        return room

    def _server(self, listener: Any, runtime: Runtime, web: Pool, admin: Pool) -> Acceptor:
        listener.setblocking(True)
        name = entry_point_of(current_settings().entry_points, listener.getsockname()[:2])
        if name is None:
            raise LookupError(f"no entry point has the address {listener.getsockname()}")
        if name == ADMIN:
            handle = partial(self.handle, cast("socket", _Address(listener.getsockname())))
            server = Acceptor(listener, handle=handle, spawn=admin)
        else:
            server = Acceptor(listener, handle=runtime.connections_of(name), spawn=web)
        if self.cfg.workers > 1:
            # Connections that come one at a time then spread over the workers.
            server.max_accept = 1
        return server

    def _await_successor(self) -> None:
        """Go on accepting until a worker does that comes after the present ones, unless the proxy ends."""
        before, end = predecessor(self.age), monotonic() + SUCCESSOR_PATIENCE
        self.notice.give(Departure.REPLACED)
        # Wakes the master, which then sees the notice and starts the successor.
        os.kill(self.ppid, signal.SIGCHLD)
        # Shared memory wakes nobody.
        while self.notice.departure is Departure.REPLACED and newest() <= before and monotonic() < end:
            self.notify()
            gevent.sleep(0.05)
        if newest() > before:
            self.log.info("%s is followed by another one", self)

    def _drain(self, web: Pool, runtime: Runtime) -> None:
        """Let requests finish, and idle connections have one more answered (see Runtime.drain)."""
        grace = grace_seconds(current_settings())
        end = monotonic() + grace
        idle_end, ending = end, False
        runtime.drain(idle_end)
        while len(web) and monotonic() < end:
            if self.notice.departure is Departure.ENDING and not ending:
                ending = True
                idle_end = min(end, monotonic() + IDLE_PATIENCE)
                runtime.drain(idle_end)
            self.notify()
            web.join(timeout=0.2)
        if len(web):
            self.log.warning("%s ends with %d connections unfinished: the grace time is over", self, len(web))
            web.kill(timeout=1)


class _Address:
    """In a listening socket's place for gunicorn, which asks for its address even after it is closed."""

    def __init__(self, address: Any) -> None:
        self._address = address

    def getsockname(self) -> Any:
        return self._address


def _close(server: Acceptor) -> None:
    """Stop accepting, but take what waits to be accepted: the end of the last worker would reset it."""
    while not server.full():
        try:
            accepted = server.do_read()
        except OSError:
            break
        if not accepted:
            break
        server.do_handle(*accepted)
    server.close()
