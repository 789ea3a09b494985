"""Connections of urllib3 whose sockets another thread can shut down."""

from __future__ import annotations

import socket
import threading
from typing import Any
from weakref import WeakSet

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


class OpenSockets:
    """The open sockets of one client.

    A connection whose response ends with it is closed before its body has been read: the response holds the
    socket then. So sockets leave the set when nobody refers to them any more.
    """

    def __init__(self) -> None:
        self.aborted = False
        self._open: WeakSet[socket.socket] = WeakSet()
        self._lock = threading.Lock()

    def add(self, opened: socket.socket) -> None:
        """Record a socket; shut it down if `abort` was called before."""
        with self._lock:
            self._open.add(opened)
            aborted = self.aborted
        if aborted:
            _shut_down(opened)

    def interrupt(self) -> None:
        """Shut down the sockets that are open now; calls that wait for them fail."""
        with self._lock:
            for each in self._open:
                _shut_down(each)

    def abort(self) -> None:
        """Shut down all sockets, also those that are opened later."""
        with self._lock:
            self.aborted = True
        self.interrupt()

    def track(self, manager: PoolManager) -> None:
        """Record the sockets of all connections that this manager opens from now on."""
        sockets = self

        class Plain(_TrackedConnection, HTTPConnection):
            open_sockets = sockets

        class Secure(_TrackedConnection, HTTPSConnection):
            open_sockets = sockets

        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
        manager.pool_classes_by_scheme = {"http": plain, "https": secure}


def _shut_down(opened: socket.socket) -> None:
    try:
        # The plain socket's method: TLS would send a close alert, from a thread that does not own the
        # connection.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
    except OSError:
        return  # The peer had already closed the connection.


class _TrackedConnection:
    """A connection that records its socket."""

    open_sockets: OpenSockets
    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # defined by urllib3's class, the other base
        self.open_sockets.add(self.sock)
