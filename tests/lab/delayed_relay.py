"""Relays connections to a store with a delay, like a network with a long round-trip time."""

import queue
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.background import Background
from tests.lab.sockets import shut

PIECE = 65_536


class DelayedRelay(Background):
    """A relay from a port of the loopback address to a Unix socket, and back.

    A round trip takes `seconds` longer; the attribute may be changed at any time.
    """

    def __init__(self, target: Path, seconds: float) -> None:
        super().__init__("delayed relay")
        self.seconds = seconds
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """The value for the setting `redis.url`."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                break
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._target))
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open += [near, far]
            self._relay(near, far)
            self._relay(far, near)
        self._listener.close()
        for connection in self._open:
            shut(connection)

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        in_flight: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

        def receive() -> None:
            data = b"more"
            while data:
                data = b""
                with suppress(OSError):
                    data = source.recv(PIECE)
                in_flight.put((time.monotonic() + self.seconds / 2, data))

        def send() -> None:
            while True:
                due, data = in_flight.get()
                time.sleep(max(0.0, due - time.monotonic()))
                try:
                    if data:
                        sink.sendall(data)
                        continue
                except OSError:
                    pass
                shut(source)
                shut(sink)
                return

        for work in (receive, send):
            threading.Thread(target=work, name="delayed relay", daemon=True).start()
