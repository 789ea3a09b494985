"""Accepts the connections of an entry point."""

from __future__ import annotations

import _socket
import logging
from typing import TYPE_CHECKING, Any

import gevent
from gevent import get_hub
from gevent.event import Event

from proxy.net import keep_alive_probes
from proxy.net.stream import READ
from proxy.process.file_descriptors import DescriptorShortage

if TYPE_CHECKING:
    from socket import socket

    from proxy.process.connection_handlers import ConnectionHandlers, Serve

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.01, 1.0
"""Seconds without accepting after a failure; each further failure doubles them."""

BATCH = 16
"""Connections accepted in one turn of the event loop, so that a burst does not hold up other requests."""


class Acceptor:
    """Accepts connections as plain non-blocking sockets, and passes them to `handlers`.

    A socket of gevent would cost as much as the request head. It owns the listening socket. While all
    handlers are busy, or no descriptor is left, connections wait in the kernel's queue.
    """

    def __init__(
        self, listener: socket, serve: Serve, handlers: ConnectionHandlers, batch: int = BATCH
    ) -> None:
        self._kind = kind = (listener.family, listener.type, listener.proto)
        self._listener: Any = _socket.socket(*kind, fileno=listener.detach())
        self._listener.setblocking(False)
        # Accepted connections inherit them.
        for option in ((_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1), *keep_alive_probes.OPTIONS):
            self._listener.setsockopt(*option)
        self._serve = serve
        self._handlers = handlers
        self._batch = batch
        self._loop = get_hub().loop
        self._watcher = self._loop.io(self._listener.fileno(), READ)
        self._pause = FIRST_PAUSE
        self._shortage = DescriptorShortage()
        self._closed = False

    def start(self) -> None:
        """Begin to accept connections, or go on after a pause."""
        if not self._closed:
            self._watcher.start(self._accept_batch)

    def close_after_waiting(self) -> None:
        """Accept all waiting connections, then stop: the end of the last worker would reset them."""
        accepted = Event()
        self._loop.run_callback(self._accept_last, accepted)
        accepted.wait()
        self._watcher.close()
        self._listener.close()

    def _accept_last(self, accepted: Event) -> None:
        try:
            while self._accept():
                pass
        finally:
            self._closed = True
            self._watcher.stop()
            accepted.set()

    def _accept_batch(self) -> None:
        for _ in range(self._batch):
            if not self._accept():
                return

    def _accept(self) -> bool:
        """Accept one connection, and begin to serve it; return False if there is none for now."""
        handlers = self._handlers
        if handlers.full:
            self._watcher.stop()
            handlers.call_when_room(self.start)
            return False
        try:
            descriptor, address = self._listener._accept()
        except BlockingIOError:
            return False
        except ConnectionAbortedError:
            # The client has left before it was accepted.
            return True
        except OSError as error:
            if not self._shortage.recognises(error):
                log.warning("accepting a connection failed: %s", error)
            self._watcher.stop()
            gevent.spawn_later(self._pause, self.start)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return False
        self._pause = FIRST_PAUSE
        sock = _socket.socket(*self._kind, fileno=descriptor)
        sock.setblocking(False)
        handlers.handle(self._serve, sock, address)
        return True
