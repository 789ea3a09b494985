"""A store that is far away: what is sent to it, and what it answers, takes its time."""

import queue
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

from tests.lab.background import Background
from tests.lab.sockets import shut

PIECE = 65_536


class Distance(Background):
    """Listens on a port of the loopback address and passes everything on to a Unix socket, and back.

    A round trip takes `seconds` longer, which may change at any time.
    """

    def __init__(self, target: Path, seconds: float) -> None:
        super().__init__("distance")
        self.seconds = seconds
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)

    @property
    def url(self) -> str:
        """What `redis.url` takes."""
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
            self._pass(near, far)
            self._pass(far, near)
        self._listener.close()
        for connection in self._open:
            shut(connection)

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        under_way: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()

        def receive() -> None:
            data = b"more"
            while data:
                data = b""
                with suppress(OSError):
                    data = source.recv(PIECE)
                under_way.put((time.monotonic() + self.seconds / 2, data))

        def send() -> None:
            while True:
                due, data = under_way.get()
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
            threading.Thread(target=work, name="distance", daemon=True).start()
