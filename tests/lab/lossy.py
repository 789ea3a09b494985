"""A way to the store on which an answer gets lost."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

from tests.lab.background import Background
from tests.lab.sockets import shut

PIECE = 65_536


class Lossy(Background):
    """A Unix socket that leads to another; `lost` counts the answers that did not arrive."""

    def __init__(self, path: Path, target: Path) -> None:
        super().__init__("lossy")
        self.url = f"unix://{path}"
        self.lost = 0
        self._command = b""
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []

    def lose(self, command: bytes) -> None:
        """Of the next such command the store has its way, and the connection ends in place of the answer."""
        self._command = command

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)

    def run(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect(str(self._target))
                self._open += [near, far]
                losing = threading.Event()
                for work in (self._ask, self._answer):
                    threading.Thread(target=work, args=(near, far, losing), daemon=True).start()
        self._listener.close()
        for connection in self._open:
            shut(connection)

    def _ask(self, near: socket.socket, far: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while asked := near.recv(PIECE):
                if self._command and self._command in asked:
                    self._command = b""
                    losing.set()
                far.sendall(asked)
        shut(far)

    def _answer(self, near: socket.socket, far: socket.socket, losing: threading.Event) -> None:
        with suppress(OSError):
            while answered := far.recv(PIECE):
                if losing.is_set():
                    self.lost += 1
                    break
                near.sendall(answered)
        shut(near)
        shut(far)
