"""File descriptors: the capacity for client connections, and accepting when no descriptor is left."""

from __future__ import annotations

import _socket
import logging
import resource
from errno import EMFILE, ENFILE
from time import monotonic
from typing import Any

from gevent import get_hub
from gevent.server import StreamServer

log = logging.getLogger(__name__)

MAX_DESCRIPTORS = 1 << 20
"""The highest limit that a process sets, if the system allows any limit or a very high one."""

RESERVED = 128
"""Descriptors for other uses than connections of requests: store, logs, pipes, the admin entry point."""

WARNING_INTERVAL = 60.0
"""Seconds between two warnings that no descriptor is left."""


class NoDescriptorError(OSError):
    """No descriptor is left to accept a connection; it waits in the kernel's queue."""


def raise_limit() -> int:
    """Raise this process's limit as far as the system allows, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MAX_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connection_capacity(descriptors: int, wanted: int, *, explicit: bool = False) -> int:
    """Return how many of the `wanted` client connections these descriptors allow.

    Each client connection may need a second descriptor for a server. If the user set the number (`explicit`),
    one descriptor for each is enough: the user knows how many connections are idle.
    """
    free = descriptors - min(RESERVED, descriptors // 4)
    return max(1, min(wanted, free if explicit else free // 2))


class Acceptor(StreamServer):
    """Accepts connections. If no descriptor is left, they wait, and it tries again within a second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._warned_at = -WARNING_INTERVAL
        hub: Any = get_hub()
        # Otherwise gevent would print a traceback for each attempt.
        if NoDescriptorError not in hub.NOT_ERROR:
            hub.NOT_ERROR += (NoDescriptorError,)

    def do_read(self) -> Any:
        """Return a connection and its address, or None if none waits. Raises OSError."""
        try:
            return self.accept()
        except OSError as error:
            if error.errno not in {EMFILE, ENFILE}:
                raise
            if monotonic() - self._warned_at >= WARNING_INTERVAL:
                self._warned_at = monotonic()
                log.warning("no file descriptor is left; new connections wait: %s", error.strerror)
            raise NoDescriptorError(*error.args) from None

    def accept(self) -> Any:
        """Return a connection, as a socket of gevent, and its address like `do_read`."""
        return super().do_read()


class PlainAcceptor(Acceptor):
    """Accepts connections as plain non-blocking sockets: the data path waits by itself.

    A socket of gevent would cost as much as the request head.
    """

    def __init__(self, listener: Any, **options: Any) -> None:
        super().__init__(listener, **options)
        # Accepted connections inherit it.
        listener.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._kind = (listener.family, listener.type, listener.proto)

    def accept(self) -> tuple[_socket.socket, Any] | None:
        listener: Any = self.socket
        try:
            descriptor, address = listener._accept()
        except BlockingIOError:
            return None
        sock = _socket.socket(*self._kind, fileno=descriptor)
        sock.setblocking(False)
        return sock, address
