"""Opens many client connections at once, in one thread."""

import selectors
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

BATCH = 500  # requests in flight at once: more would overflow a listening socket's queue


class ClientConnections:
    """`count` connections to a loopback port; leaving `with` closes them."""

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._count = count
        self.sockets: list[socket.socket] = []

    def __enter__(self) -> Self:
        try:
            for _ in range(self._count):
                self.sockets.append(socket.create_connection(("127.0.0.1", self._port), timeout=30))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def _close(self) -> None:
        for connection in self.sockets:
            connection.close()

    def send_to_all(self, data: bytes) -> int:
        """Send data over each connection; return the number of successes."""
        sent = 0
        for connection in self.sockets:
            try:
                connection.sendall(data)
                sent += 1
            except OSError:
                continue
        return sent

    def exchange(self, request: bytes, is_complete: Callable[[bytes], bool]) -> None:
        """Send a request over each connection, in batches, and read each response until `is_complete`.

        Raises TimeoutError and ConnectionError.
        """
        for start in range(0, len(self.sockets), BATCH):
            batch = self.sockets[start : start + BATCH]
            for connection in batch:
                connection.sendall(request)
            for connection in batch:
                response = b""
                while not is_complete(response):
                    data = connection.recv(65536)
                    if not data:
                        raise ConnectionError(f"ended after {response!r}")
                    response += data

    def count_readable(self) -> int:
        """Return how many connections have unread data or were closed by the other side."""
        with selectors.DefaultSelector() as selector:
            for connection in self.sockets:
                selector.register(connection, selectors.EVENT_READ)
            return len(selector.select(0))

    def read_to_end(self, seconds: float) -> list[bytes]:
        """Read each connection until the other side closes it; return the bytes of each.

        Raises TimeoutError if some are still open after `seconds`.
        """
        deadline = time.monotonic() + seconds
        received = dict.fromkeys(self.sockets, b"")
        with selectors.DefaultSelector() as selector:
            for connection in self.sockets:
                selector.register(connection, selectors.EVENT_READ)
            while selector.get_map():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{len(selector.get_map())} connections are still open")
                for key, _ in selector.select(0.5):
                    readable = key.fileobj
                    assert isinstance(readable, socket.socket)
                    try:
                        data = readable.recv(65536)
                    except OSError as error:
                        data = b""
                        received[readable] += repr(error).encode()
                    received[readable] += data
                    if not data:
                        selector.unregister(readable)
        return list(received.values())
