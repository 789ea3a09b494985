"""Many client connections at once, held by one thread."""

import selectors
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

BATCH = 500  # connections on their way at once: more would overflow a listening socket's queue


class Crowd:
    """So many connections to a loopback port; closed at the end of `with`."""

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

    def say(self, data: bytes) -> int:
        """Sends it over each connection; how many took it."""
        taken = 0
        for connection in self.sockets:
            try:
                connection.sendall(data)
                taken += 1
            except OSError:
                continue
        return taken

    def exchange(self, request: bytes, whole: Callable[[bytes], bool]) -> None:
        """A request over each, and its answer, some at a time. Raises TimeoutError, ConnectionError."""
        for start in range(0, len(self.sockets), BATCH):
            batch = self.sockets[start : start + BATCH]
            for connection in batch:
                connection.sendall(request)
            for connection in batch:
                answer = b""
                while not whole(answer):
                    data = connection.recv(65536)
                    if not data:
                        raise ConnectionError(f"ended after {answer!r}")
                    answer += data

    def disturbed(self) -> int:
        """On how many of them something came, an end among others, that nobody has read."""
        with selectors.DefaultSelector() as selector:
            for connection in self.sockets:
                selector.register(connection, selectors.EVENT_READ)
            return len(selector.select(0))

    def ends(self, seconds: float) -> list[bytes]:
        """What each got until the other side closed; TimeoutError when some are open after `seconds`."""
        deadline = time.monotonic() + seconds
        got = dict.fromkeys(self.sockets, b"")
        with selectors.DefaultSelector() as selector:
            for connection in self.sockets:
                selector.register(connection, selectors.EVENT_READ)
            while selector.get_map():
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{len(selector.get_map())} connections are still open")
                for key, _ in selector.select(0.5):
                    each = key.fileobj
                    assert isinstance(each, socket.socket)
                    try:
                        data = each.recv(65536)
                    except OSError as error:
                        data = b""
                        got[each] += repr(error).encode()
                    got[each] += data
                    if not data:
                        selector.unregister(each)
        return list(got.values())
