"""A connection to one ZooKeeper server: frames over TCP or TLS, each wait with a deadline."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from discovery.providers.errors import ProviderError
from discovery.providers.zookeeper_client.endpoint import Endpoint
from discovery.providers.zookeeper_client.errors import ClosedError
from discovery.providers.zookeeper_client.records import FRAME_LENGTH, encode_frame

_CONNECT_TIMEOUT = 5.0
_MAX_FRAME = 256 * 1024 * 1024
"""Bytes; above it, the peer is hardly a ZooKeeper server."""

_PIECE = 256 * 1024
_SHORTEST_WAIT = 0.001


class Connection:
    """A connection, whose calls must come from one thread; only `abort` may come from another.

    Calls raise ProviderError or, after `abort`, ClosedError.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        """Connect to nothing yet; `open` does."""
        self._endpoint = endpoint
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._aborted = threading.Event()

    def open(self) -> None:
        """Connect, with TLS if the endpoint has it."""
        address, tls = self._endpoint.address, self._endpoint.tls
        try:
            self._socket = socket.create_connection((address.host, address.port), _CONNECT_TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self._socket = tls.wrap_socket(self._socket, server_hostname=address.host)
        except OSError as error:
            raise self._fault(f"cannot be reached: {error}") from error

    def abort(self) -> None:
        """Interrupt a waiting call in another thread, and refuse every later one."""
        self._aborted.set()
        if (connection := self._socket) is not None:
            # It may have broken meanwhile.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; it need not be open."""
        if self._socket is not None:
            self._socket.close()

    def send(self, content: bytes, timeout: float) -> None:
        """Send a frame within `timeout` seconds."""
        connection = self._open_socket()
        try:
            connection.settimeout(timeout)
            connection.sendall(encode_frame(content))
        except OSError as error:
            raise self._fault(f"does not take a request: {error}") from error

    def receive(self, end: float) -> bytes | None:
        """Return the content of the next frame, or None at the time `end` (monotonic)."""
        while (frame := self._take_frame()) is None:
            piece = self._receive_piece(end)
            if piece is None:
                return None
            if not piece:
                raise self._fault("has closed the connection")
            self._received += piece
        return frame

    def _receive_piece(self, end: float) -> bytes | None:
        connection = self._open_socket()
        try:
            connection.settimeout(max(_SHORTEST_WAIT, end - time.monotonic()))
            return connection.recv(_PIECE)
        except TimeoutError:
            return None
        except OSError as error:
            raise self._fault(f"cannot be read: {error}") from error

    def _take_frame(self) -> bytes | None:
        """Remove the first complete frame from what was received, and return its content."""
        start = FRAME_LENGTH.size
        if len(self._received) < start:
            return None
        (length,) = FRAME_LENGTH.unpack_from(self._received)
        if not 0 <= length <= _MAX_FRAME:
            raise self._fault("does not speak ZooKeeper's protocol")
        end = start + length
        if len(self._received) < end:
            return None
        content = bytes(self._received[start:end])
        del self._received[:end]
        return content

    def _open_socket(self) -> socket.socket:
        if self._socket is None or self._aborted.is_set():
            raise ClosedError
        return self._socket

    def _fault(self, what: str) -> Exception:
        """Return the exception for a fault; after `abort`, the abort was its cause."""
        return (
            ClosedError()
            if self._aborted.is_set()
            else ProviderError(f"ZooKeeper at {self._endpoint} {what}")
        )
