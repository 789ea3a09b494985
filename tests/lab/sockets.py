"""A helper for relays between two sockets."""

import socket
from contextlib import suppress


def shut(connection: socket.socket) -> None:
    """Shut down both directions without closing: other threads may still use the descriptor."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
