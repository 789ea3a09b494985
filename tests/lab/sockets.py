"""What those that pass on between two sockets do alike."""

import socket
from contextlib import suppress


def shut(connection: socket.socket) -> None:
    """End both directions, and leave it open: others may be at it, and its number must not be given anew."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
