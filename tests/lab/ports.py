"""Reserves ports for programs that tests start: each port is given once, and to one test process only.

The system may assign a free port again, to another test process or an outgoing connection, before the
program that should use it listens. So the ports are below the range that the system assigns, in blocks. An
abstract Unix socket marks each reserved block; it disappears with the process that reserved the block.
"""

import os
import socket
import threading
from collections import deque
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.namespace import socket_in

FIRST, END = 10_000, 32_000
BLOCK = 200

_lock = threading.Lock()


class _Ports:
    """The reserved blocks of this process; it reserves another one once it has given all ports of these."""

    def __init__(self) -> None:
        self._marks: list[socket.socket] = []
        self._left: deque[int] = deque()

    def take(self) -> int:
        """Return the next port."""
        if not self._left:
            self._left.extend(self._reserve_block())
        return self._left.popleft()

    def _reserve_block(self) -> range:
        count = (END - FIRST) // BLOCK
        begin = os.getpid() % count
        for offset in range(count):
            first = FIRST + (begin + offset) % count * BLOCK
            mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                mark.bind(f"\0rondpoint-test-ports-{first}")
            except OSError:
                mark.close()
                continue
            self._marks.append(mark)
            return range(first, first + BLOCK)
        raise LabError(f"every block of ports from {FIRST} to {END} is reserved by a test process")


_ports = _Ports()


def free_port(*, namespace: Path | None = None) -> int:
    """Return a port without a listener for TCP or UDP, which is given to nobody else while this process runs.

    A port that a test has used is not given again: a program of a later test may still know a server there.
    Raises LabError if no block of ports is left, OSError if the namespace cannot be entered.
    """
    with _lock:
        while not _is_free(port := _ports.take(), namespace):
            pass
    return port


def _is_free(port: int, namespace: Path | None) -> bool:
    return all(_binds(port, namespace, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM))


def _binds(port: int, namespace: Path | None, kind: socket.SocketKind) -> bool:
    with socket_in(namespace, kind) as probe:
        # As servers do: connections that have ended do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind is socket.SOCK_STREAM))
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
