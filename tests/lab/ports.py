"""Reserves ports for programs that tests start; no two running test processes get the same port.

The system may assign a free port again, to another test process or an outgoing connection, before the
program that should use it listens. So the ports are below the range that the system assigns, in blocks. An
abstract Unix socket marks each reserved block; it disappears with the process that reserved the block.
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
    """The reserved blocks of this process; it reserves another one if none of their ports is free."""

    def __init__(self) -> None:
        self._marks: list[socket.socket] = []
        self._ports: deque[int] = deque()

    def candidates(self) -> Iterator[int]:
        """Yield the ports of this process, least recently used first, then those of new blocks."""
        while True:
            for _ in range(len(self._ports)):
                self._ports.rotate(-1)
                yield self._ports[-1]
            self._ports.extendleft(reversed(self._reserve_block()))

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
    """Return a TCP port without a listener, which no other test process gets while this one runs.

    The same port is returned again only after all others of this process that are free. Raises LabError if
    all ports are in use, OSError if the namespace cannot be entered.
    """
    with _lock:
        return next(port for port in _ports.candidates() if _is_free(port, namespace))


def _is_free(port: int, namespace: Path | None) -> bool:
    with socket_in(namespace) as probe:
        # As servers do: connections that have ended do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
