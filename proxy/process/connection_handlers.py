"""Greenlets that handle client connections, one after the other."""

from __future__ import annotations

import _socket
import sys
from collections.abc import Callable, Collection
from typing import Any

import gevent
from gevent import get_hub
from gevent.event import Event
from greenlet import GreenletExit, greenlet

Serve = Callable[[_socket.socket, tuple[Any, ...]], None]
"""Serves a connection until it ends, and closes it, given a non-blocking socket and the peer's address."""

MakeRoom = Callable[[Collection[_socket.socket]], None]
"""Ends some of the connections with these sockets, if any can end."""

_Connection = tuple[Serve, _socket.socket, tuple[Any, ...]]

MAX_IDLE = 128
"""The number of greenlets that wait for further connections; each holds some 20 KB."""


class ConnectionHandlers:
    """Handles at most `capacity` connections at once, each in a greenlet of its own.

    A greenlet that has finished a connection takes the next one: each new greenlet maps memory for Python's
    stack, and unmaps it at its end. They are plain greenlets, because an idle connection would keep 0.9 KB
    more with one of gevent's. The length is the number of connections. `make_room` is called when a further
    connection waits.
    """

    def __init__(self, capacity: int, make_room: MakeRoom | None = None) -> None:
        self._capacity = capacity
        self._make_room = make_room
        self._busy: dict[greenlet, _socket.socket] = {}
        self._idle: list[greenlet] = []
        self._on_room: list[Callable[[], None]] = []
        self._all_ended = Event()

    def __len__(self) -> int:
        return len(self._busy)

    @property
    def full(self) -> bool:
        """Whether no further connection can be handled now."""
        return len(self._busy) >= self._capacity

    def call_when_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, when the next connection has ended."""
        self._on_room.append(callback)
        if self._make_room is not None:
            self._make_room(frozenset(self._busy.values()))

    def handle(self, serve: Serve, sock: _socket.socket, address: tuple[Any, ...]) -> None:
        """Begin to serve a connection. Only callbacks of the event loop may call this.

        It returns when the connection waits for the first time.
        """
        if self._idle:
            handler = self._idle.pop()
            self._busy[handler] = sock
            handler.switch((serve, sock, address))
        else:
            handler = greenlet(self._run, get_hub())
            self._busy[handler] = sock
            handler.switch((serve, sock, address))

    def join(self, timeout: float) -> None:
        """Wait until all connections have ended, for at most `timeout` seconds."""
        if self._busy:
            self._all_ended.clear()
            self._all_ended.wait(timeout)

    def kill(self, timeout: float) -> None:
        """End all connections at once; wait for that for at most `timeout` seconds."""
        for handler in list(self._busy):
            gevent.kill(handler)
        self.join(timeout)

    def _run(self, connection: _Connection) -> None:
        """Serve a connection, and then all that `handle` passes to this greenlet."""
        hub = get_hub()
        current = gevent.getcurrent()
        while True:
            serve, sock, address = connection
            try:
                serve(sock, address)
            except GreenletExit:
                sock.close()
                return
            except BaseException:  # noqa: BLE001 (reported as gevent reports those of its greenlets)
                # One connection's fault is not that of the next one. The hub ends the process for SystemExit.
                sock.close()
                hub.handle_error(current, *sys.exc_info())
            finally:
                self._end(current)
            if len(self._idle) >= MAX_IDLE:
                return
            # Nothing of the connection stays while the greenlet waits.
            del connection, serve, sock, address
            self._idle.append(current)
            connection = hub.switch()

    def _end(self, handler: greenlet) -> None:
        self._busy.pop(handler, None)
        if not self._busy:
            self._all_ended.set()
        if self._on_room:
            callbacks, self._on_room = self._on_room, []
            for callback in callbacks:
                callback()
