"""Ports for programs that tests start, of which no two running test processes are ever given the same.

A port that the system picks for a moment may be picked again, by another test process or for somebody's
outgoing connection, before the program that was told of it listens. So ports come from below those that the
system picks, in blocks; the name of an abstract Unix socket says which blocks are taken, and is gone with the
process that took it.
"""

import os
import socket
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from tests.lab.errors import LabError
from tests.lab.namespace import socket_in

FIRST, END = 10_000, 32_000
BLOCK = 200

_lock = threading.Lock()


class _Ports:
    """This process's blocks; a further one is taken where none of their ports is free."""

    def __init__(self) -> None:
        self._marks: list[socket.socket] = []
        self._ports: deque[int] = deque()

    def candidates(self) -> Iterator[int]:
        """Ports of this process, those given longest ago first, then those of new blocks."""
        while True:
            for _ in range(len(self._ports)):
                self._ports.rotate(-1)
                yield self._ports[-1]
            self._ports.extendleft(reversed(self._take_block()))

    def _take_block(self) -> range:
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
        raise LabError(f"every block of ports from {FIRST} to {END} is taken by a test process")


_ports = _Ports()


def free_port(*, namespace: Path | None = None) -> int:
    """A TCP port on which nothing listens, and which no other test process is given while this one runs.

    The same one comes again after BLOCK others at the earliest. Raises LabError when all are taken, OSError
    when the namespace cannot be entered.
    """
    with _lock:
        return next(port for port in _ports.candidates() if _is_free(port, namespace))


def _is_free(port: int, namespace: Path | None) -> bool:
    with socket_in(namespace) as probe:
        # As servers do; connections that have ended do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
