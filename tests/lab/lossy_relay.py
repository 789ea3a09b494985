"""Relays connections to a store and drops chosen responses."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

from tests.lab.background import Background
from tests.lab.sockets import shut

PIECE = 65_536


class LossyRelay(Background):
    """A relay between two Unix sockets; `lost` counts the dropped responses."""

    def __init__(self, path: Path, target: Path) -> None:
        super().__init__("lossy relay")
        self.url = f"unix://{path}"
        self.lost = 0
        self._command = b""
        self._target = target
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []

    def lose_response_to(self, command: bytes) -> None:
        """Let the store run the next such command, but end the connection instead of its response."""
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
                is_losing = threading.Event()
                for work in (self._relay_commands, self._relay_responses):
                    threading.Thread(target=work, args=(near, far, is_losing), daemon=True).start()
        self._listener.close()
        for connection in self._open:
            shut(connection)

    def _relay_commands(self, near: socket.socket, far: socket.socket, is_losing: threading.Event) -> None:
        with suppress(OSError):
            while data := near.recv(PIECE):
                if self._command and self._command in data:
                    self._command = b""
                    is_losing.set()
                far.sendall(data)
        shut(far)

    def _relay_responses(self, near: socket.socket, far: socket.socket, is_losing: threading.Event) -> None:
        with suppress(OSError):
            while data := far.recv(PIECE):
                if is_losing.is_set():
                    self.lost += 1
                    break
                near.sendall(data)
        shut(near)
        shut(far)
