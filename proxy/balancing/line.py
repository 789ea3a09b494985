"""A connection to the store for commands that are answered with integers, with as little between as can be.

redis-py opens it, and so knows about URLs, passwords and databases. Over a plain socket the bytes then go
the way of all others in a worker; its own reading and writing costs more than all the rest of a ticket.
Over TLS it stays with redis-py.
"""

from __future__ import annotations

import _socket
import os
from typing import TYPE_CHECKING, Any, Protocol

import hiredis
import redis
from redis.connection import SSLConnection

from proxy.stream import Stream

if TYPE_CHECKING:
    from proxy.deadlines import Sweeper


class Line(Protocol):
    """Commands out, integers in, in the same order. All raise redis.RedisError or OSError.

    `ready` tells whether an answer, or an end, is there to be read at once.
    """

    def send(self, commands: bytes) -> None: ...
    def read(self) -> int: ...
    def ready(self) -> bool: ...
    def close(self) -> None: ...


def open_line(pool: redis.ConnectionPool, sweeper: Sweeper) -> Line:
    """A new connection like those of `pool`. Raises redis.RedisError or OSError."""
    connection: Any = pool.make_connection()
    connection.connect()
    return (
        LibraryLine(connection) if isinstance(connection, SSLConnection) else PlainLine(connection, sweeper)
    )


def pack(*words: str) -> bytes:
    """A command in the store's protocol."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


class PlainLine:
    """Over TCP or a Unix socket."""

    def __init__(self, connection: Any, sweeper: Sweeper) -> None:
        # redis-py goes on owning its socket, which has no public name; ours is another handle for it.
        sock = _socket.socket(fileno=os.dup(connection._sock.fileno()))
        sock.setblocking(False)
        self._connection = connection
        self._stream = Stream(sock, sweeper)
        self._reader = hiredis.Reader()

    def send(self, commands: bytes) -> None:
        self._stream.send(commands)

    def read(self) -> int:
        reader = self._reader
        while (answer := reader.gets()) is False:
            data = self._stream.recv()
            if not data:
                raise redis.ConnectionError("the store has closed the connection")
            reader.feed(data)
        return _integer(answer)

    def ready(self) -> bool:
        try:
            self._stream.sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._stream.close()
        self._connection.disconnect()


class LibraryLine:
    """Over whatever else redis-py speaks."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def send(self, commands: bytes) -> None:
        self._connection.send_packed_command([commands], check_health=False)

    def read(self) -> int:
        # A wait that is cut short must leave the connection open: the late answer is still to be read.
        return _integer(self._connection.read_response(disconnect_on_error=False))

    def ready(self) -> bool:
        return bool(self._connection.can_read(timeout=0))

    def close(self) -> None:
        self._connection.disconnect()


def _integer(answer: object) -> int:
    if isinstance(answer, int):
        return answer
    raise redis.ResponseError(f"instead of a number the store answers {answer!r}")
