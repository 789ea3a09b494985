"""A connection to the store for commands that are answered with integers, with as little between as can be.

redis-py opens it, and so knows about URLs, passwords and databases. Over a plain socket the bytes then go
the way of all others in a worker; its own reading and writing costs more than all the rest of a ticket.
Over TLS it stays with redis-py.
"""

from __future__ import annotations

import _socket
import os
from collections.abc import Callable
from typing import Any, Protocol

import gevent
import hiredis
import redis
from gevent import Greenlet, get_hub
from gevent.queue import Queue
from redis.connection import SSLConnection

from proxy.net.stream import PIECE, READ
from rondpoint.store.client import separate_connection

OnReply = Callable[[int], None]
OnFailure = Callable[[Exception], None]


class TicketConnection(Protocol):
    """Commands out, integers in, in the same order.

    `listen` says whom to call, in the event loop: with each answer, or once with the error that ended it all,
    a redis.RedisError or OSError. `send` takes the bytes of so many commands, when all before are answered;
    it does not wait, and raises the same. `ready` tells whether an answer, or an end, is known to be there.
    """

    def listen(self, answered: OnReply, failed: OnFailure) -> None: ...
    def send(self, commands: bytes, count: int) -> None: ...
    def ready(self) -> bool: ...
    def close(self) -> None: ...


def open_ticket_connection(pool: redis.ConnectionPool) -> TicketConnection:
    """A new connection like those of `pool`. Raises redis.RedisError or OSError."""
    connection = separate_connection(pool)
    return RedisPyTicketConnection(connection) if isinstance(connection, SSLConnection) else SocketTicketConnection(connection)


def pack_command(*words: str) -> bytes:
    """A command in the store's protocol."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


class SocketTicketConnection:
    """Over TCP or a Unix socket."""

    def __init__(self, connection: Any) -> None:
        # redis-py goes on owning its socket, which has no public name; ours is another handle for it.
        self._sock = _socket.socket(fileno=os.dup(connection._sock.fileno()))
        self._sock.setblocking(False)
        self._connection = connection
        self._reader = hiredis.Reader()
        self._watcher = get_hub().loop.io(self._sock.fileno(), READ)

    def listen(self, answered: OnReply, failed: OnFailure) -> None:
        self._watcher.start(self._readable, answered, failed)

    def send(self, commands: bytes, count: int) -> None:
        # The buffer is empty, and large enough.
        if self._sock.send(commands) < len(commands):
            raise redis.ConnectionError("the store takes nothing")

    def ready(self) -> bool:
        try:
            self._sock.recv(1, _socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        self._watcher.close()
        self._sock.close()
        self._connection.disconnect()

    def _readable(self, answered: OnReply, failed: OnFailure) -> None:
        try:
            data = self._sock.recv(PIECE)
            if not data:
                raise redis.ConnectionError("the store has closed the connection")
            self._reader.feed(data)
            answers = []
            while (answer := self._reader.gets()) is not False:
                answers.append(_integer(answer))
        except BlockingIOError:
            return
        except (redis.RedisError, OSError, hiredis.HiredisError) as error:
            self._watcher.stop()
            failed(error)
            return
        for number in answers:
            answered(number)


class RedisPyTicketConnection:
    """Over whatever else redis-py speaks, which waits for each step: in a greenlet of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._commands: Queue[tuple[bytes, int]] = Queue()
        self._greenlet: Greenlet[Any, Any] | None = None

    def listen(self, answered: OnReply, failed: OnFailure) -> None:
        self._greenlet = gevent.spawn(self._run, answered, failed)

    def send(self, commands: bytes, count: int) -> None:
        self._commands.put((commands, count))

    def ready(self) -> bool:
        # To look would be to read, under the eyes of the greenlet that does.
        return False

    def close(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
        self._connection.disconnect()

    def _run(self, answered: OnReply, failed: OnFailure) -> None:
        connection = self._connection
        try:
            while True:
                commands, count = self._commands.get()
                connection.send_packed_command([commands], check_health=False)
                for _ in range(count):
                    number = _integer(connection.read_response(disconnect_on_error=False))
                    get_hub().loop.run_callback(answered, number)
        except (redis.RedisError, OSError) as error:
            failed(error)


def _integer(answer: object) -> int:
    if isinstance(answer, int):
        return answer
    raise redis.ResponseError(f"instead of a number the store answers {answer!r}")
