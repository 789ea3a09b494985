"""Receives readiness messages from child processes, with systemd's protocol (`NOTIFY_SOCKET`)."""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType

VARIABLE = "NOTIFY_SOCKET"


class ReadinessSocket:
    """A datagram socket in a private directory; readable after a child has sent a message."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "ready.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self.path))

    def fileno(self) -> int:
        return self._socket.fileno()

    def receive_ready(self) -> bool:
        """Read all messages since the last call; return whether one reports that a child is ready."""
        ready = False
        while True:
            try:
                message = self._socket.recv(4096)
            except BlockingIOError:
                return ready
            ready = ready or b"READY=1" in message.splitlines()

    def __enter__(self) -> ReadinessSocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
