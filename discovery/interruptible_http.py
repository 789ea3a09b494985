"""HTTP connections of `requests` whose waiting calls another thread can interrupt."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # A blocking query or a watch is silent for minutes. Only TCP keep-alive notices meanwhile that the peer
    # has vanished.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine by its loopback interface."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class OpenSockets:
    """The open sockets of one session."""

    def __init__(self) -> None:
        self.aborted = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def add(self, opened: socket.socket) -> None:
        with self._lock:
            self._open.add(opened)
            aborted = self.aborted
        if aborted:
            _shut_down(opened)

    def remove(self, closed: socket.socket) -> None:
        with self._lock:
            self._open.discard(closed)

    def abort(self) -> None:
        """Shut down all sockets, and every later one."""
        with self._lock:
            self.aborted = True
            for each in self._open:
                _shut_down(each)


def _shut_down(opened: socket.socket) -> None:
    try:
        # The plain socket's method: TLS would send a close alert, from a thread that does not own the
        # connection.
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
    except OSError:
        return  # The peer had already closed the connection.


class InterruptibleAdapter(HTTPAdapter):
    """An HTTP adapter whose connections record their sockets in `sockets`."""

    def __init__(self, sockets: OpenSockets) -> None:
        self._sockets = sockets
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, socket_options=_KEEP_ALIVE, **options)
        sockets = self._sockets

        class Plain(_TrackedConnection, HTTPConnection):
            open_sockets = sockets

        class Secure(_TrackedConnection, HTTPSConnection):
            open_sockets = sockets

        plain = type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure})
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": plain, "https": secure}


class _TrackedConnection:
    """A connection that records its socket while it is open."""

    open_sockets: OpenSockets
    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]  # defined by urllib3's class, the other base
        self.open_sockets.add(self.sock)

    def close(self) -> None:
        if self.sock is not None:
            self.open_sockets.remove(self.sock)
        super().close()  # type: ignore[misc]
