"""A session: the datagrams between one client's address and port and the server that was chosen for it."""

from __future__ import annotations

import _socket
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from gevent import get_hub

from proxy.udp.datagrams import Client, EntryPointSocket, Local

if TYPE_CHECKING:
    from proxy.telemetry.connections.record import ConnectionRecord
    from proxy.udp.routes import Route

_READ = 1
BATCH = 32
"""Datagrams of one server socket that are relayed in one turn of the event loop."""


class Owner(Protocol):
    """What holds sessions by client; `buffer` is a view that receives any datagram."""

    buffer: memoryview

    def unreachable(self, session: Session, datagram: bytes) -> None:
        """Take notice that the server's machine refuses datagrams; an empty one was sent before."""


class Session:
    """A session with a server; it owns `sock`, which is connected to the server.

    `record` counts its bytes. `last` is the time of the last datagram in either direction, in monotonic
    seconds.
    """

    __slots__ = (
        "_downward",
        "_entry",
        "_owner",
        "_send",
        "_sock",
        "_upward",
        "_watcher",
        "client",
        "last",
        "local",
        "record",
        "route",
    )

    def __init__(
        self,
        owner: Owner,
        entry: EntryPointSocket,
        client: Client,
        local: Local,
        route: Route,
        sock: Any,
        record: ConnectionRecord,
    ) -> None:
        self._owner = owner
        self._entry = entry
        self.client = client
        self.local = local
        self.route = route
        self.record = record
        self._upward = record.upward
        self._downward = record.downward
        self.last = monotonic()
        self._sock = sock
        self._send = sock.send
        self._watcher = get_hub().loop.io(sock.fileno(), _READ)
        self._watcher.start(self._relay_replies)

    def to_server(self, datagram: Any) -> None:
        """Send a client's datagram to the server."""
        self.last = monotonic()
        try:
            self._send(datagram)
        except BlockingIOError:
            # The socket's send buffer is full: UDP drops what a network cannot take.
            return
        except ConnectionRefusedError:
            # The error is that of an earlier datagram, and this one was not sent.
            self._owner.unreachable(self, bytes(datagram))
        except OSError:
            # Such as a datagram that is larger than the route to the server allows.
            return
        else:
            self._upward.moved += len(datagram)

    def _relay_replies(self) -> None:
        receive, reply, buffer = self._sock.recv_into, self._entry.reply, self._owner.buffer
        for _ in range(BATCH):
            try:
                size = receive(buffer)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                self._owner.unreachable(self, b"")
                return
            except OSError:
                # Such as a host that is unreachable for now; the socket stays usable.
                return
            self.last = monotonic()
            try:
                reply(buffer[:size], self.local, self.client)
            except OSError:
                # The client's machine is unreachable for now, or the send buffer is full.
                continue
            self._downward.moved += size

    def release(self) -> Any:
        """End the session in this process, and return the socket to the server, still open."""
        self._watcher.close()
        self.record.end()
        return self._sock

    def close(self) -> None:
        """End the session."""
        self.release().close()


def connect(family: int, host: str, port: int) -> Any:
    """Return a non-blocking socket that is connected to this numeric address.

    Raises OSError, or OverflowError for a port that cannot be one.
    """
    sock = _socket.socket(family, _socket.SOCK_DGRAM | _socket.SOCK_NONBLOCK)
    try:
        sock.connect((host, port))
    except (OSError, OverflowError):
        sock.close()
        raise
    return sock
