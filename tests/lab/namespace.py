"""Creates sockets in another network namespace.

A socket always belongs to the namespace of the thread that created it. A separate thread enters the
namespace, creates the socket and ends; the test then uses the socket like any other.
"""

import ctypes
import os
import socket
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(namespace: Path | None, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Create an IPv4 socket in the network namespace at this path; None means this process's own.

    Raises OSError if the namespace cannot be entered: it was removed, or the process is not root.
    """
    if namespace is None:
        return socket.socket(type=kind)
    created: list[socket.socket] = []
    failures: list[OSError] = []

    def create() -> None:
        try:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(descriptor, CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    failures.append(OSError(number, os.strerror(number), str(namespace)))
                    return
                created.append(socket.socket(type=kind))
            finally:
                os.close(descriptor)
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=create, name="namespace")
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return created[0]


def connect(host: str, port: int, *, namespace: Path | None = None, timeout: float = 30.0) -> socket.socket:
    """Return a connected socket with this timeout, in seconds, for every operation. Raises OSError."""
    connection = socket_in(namespace)
    try:
        connection.settimeout(timeout)
        connection.connect((host, port))
    except OSError:
        connection.close()
        raise
    return connection
