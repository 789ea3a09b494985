"""Sockets of another network namespace, used from this process.

A socket belongs for life to the namespace of the thread that made it. So a thread of its own enters the
namespace, makes the socket, and ends; the test then uses the socket like any other.
"""

import ctypes
import os
import socket
import threading
from pathlib import Path

CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def socket_in(namespace: Path | None) -> socket.socket:
    """A new TCP/IPv4 socket of the network namespace at this path; None means this process's own.

    Raises OSError when the namespace cannot be entered (it is gone, or this is not root).
    """
    if namespace is None:
        return socket.socket()
    made: list[socket.socket] = []
    failed: list[OSError] = []

    def make() -> None:
        try:
            descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(descriptor, CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    failed.append(OSError(number, os.strerror(number), str(namespace)))
                    return
                made.append(socket.socket())
            finally:
                os.close(descriptor)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=make, name="namespace")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


def connect(host: str, port: int, *, namespace: Path | None = None, timeout: float = 30.0) -> socket.socket:
    """A connected socket with this timeout in seconds on every later operation; raises OSError."""
    connection = socket_in(namespace)
    try:
        connection.settimeout(timeout)
        connection.connect((host, port))
    except OSError:
        connection.close()
        raise
    return connection
