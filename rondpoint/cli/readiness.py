"""Children that say when they are ready, as they would say it to systemd (`NOTIFY_SOCKET`)."""

from __future__ import annotations

import socket
from pathlib import Path
from types import TracebackType
from typing import Self

VARIABLE = "NOTIFY_SOCKET"


class Announcements:
    """A datagram socket in a private directory; readable when a child has said something."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "ready.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(self.path))

    def fileno(self) -> int:
        return self._socket.fileno()

    def ready(self) -> bool:
        """Whether something said since the last call was that a child is ready."""
        said = False
        while True:
            try:
                message = self._socket.recv(4096)
            except BlockingIOError:
                return said
            said = said or b"READY=1" in message.splitlines()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
