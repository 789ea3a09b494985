"""A connection to the store for commands with integer replies, at the lowest cost per command.

redis-py opens the connection, and so handles URLs, passwords and databases. On a plain socket this module
then reads and writes the bytes itself, in the worker's event loop: reading and writing by redis-py costs more
than the rest of a ticket. Connections over TLS stay with redis-py.
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

from proxy.net.stream import READ, READ_SIZE
from rondpoint.store.client import separate_connection

OnReply = Callable[[int], None]
OnFailure = Callable[[Exception], None]


class TicketConnection(Protocol):
    """A connection that sends commands and delivers integer replies in the same order.

    `listen` sets the functions that the event loop calls: `on_reply` with each reply, and `on_failure` once,
    with the redis.RedisError or OSError that ended the connection. `send` takes the bytes of `count`
    commands, only after all earlier commands have replies; it does not wait, and raises the same errors.
    `readable` returns whether a reply, or the connection's end, is known to have arrived.
    """

    def listen(self, on_reply: OnReply, on_failure: OnFailure) -> None: ...
    def send(self, commands: bytes, count: int) -> None: ...
    def readable(self) -> bool: ...
    def close(self) -> None: ...


def open_ticket_connection(pool: redis.ConnectionPool) -> TicketConnection:
    """Open a new connection like those of `pool`. Raises redis.RedisError or OSError."""
    connection = separate_connection(pool)
    if isinstance(connection, SSLConnection):
        return RedisPyTicketConnection(connection)
    return SocketTicketConnection(connection)


def pack_command(*words: str) -> bytes:
    """Encode a command in the store's protocol."""
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)


class SocketTicketConnection:
    """A connection over TCP or a Unix socket, read by the event loop."""

    def __init__(self, connection: Any) -> None:
        # redis-py keeps its socket, which has no public name. Ours is a second descriptor for it.
        self._sock = _socket.socket(fileno=os.dup(connection._sock.fileno()))
        self._sock.setblocking(False)
        self._connection = connection
        self._reader = hiredis.Reader()
        self._watcher = get_hub().loop.io(self._sock.fileno(), READ)

    def listen(self, on_reply: OnReply, on_failure: OnFailure) -> None:
        self._watcher.start(self._read_replies, on_reply, on_failure)

    def send(self, commands: bytes, count: int) -> None:
        # The send buffer is empty, and large enough.
        if self._sock.send(commands) < len(commands):
            raise redis.ConnectionError("the store takes nothing")

    def readable(self) -> bool:
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

    def _read_replies(self, on_reply: OnReply, on_failure: OnFailure) -> None:
        try:
            data = self._sock.recv(READ_SIZE)
            if not data:
                raise redis.ConnectionError("the store has closed the connection")
            self._reader.feed(data)
            numbers = []
            while (reply := self._reader.gets()) is not False:
                numbers.append(_integer(reply))
        except BlockingIOError:
            return
        except (redis.RedisError, OSError, hiredis.HiredisError) as error:
            self._watcher.stop()
            on_failure(error)
            return
        for number in numbers:
            on_reply(number)


class RedisPyTicketConnection:
    """A connection over another transport of redis-py, which blocks: it runs in a greenlet of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._commands: Queue[tuple[bytes, int]] = Queue()
        self._greenlet: Greenlet[Any, Any] | None = None

    def listen(self, on_reply: OnReply, on_failure: OnFailure) -> None:
        self._greenlet = gevent.spawn(self._run, on_reply, on_failure)

    def send(self, commands: bytes, count: int) -> None:
        self._commands.put((commands, count))

    def readable(self) -> bool:
        # To find out would mean to read, which would interfere with the greenlet that reads.
        return False

    def close(self) -> None:
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
        self._connection.disconnect()

    def _run(self, on_reply: OnReply, on_failure: OnFailure) -> None:
        connection = self._connection
        try:
            while True:
                commands, count = self._commands.get()
                connection.send_packed_command([commands], check_health=False)
                for _ in range(count):
                    number = _integer(connection.read_response(disconnect_on_error=False))
                    get_hub().loop.run_callback(on_reply, number)
        except (redis.RedisError, OSError) as error:
            on_failure(error)


def _integer(reply: object) -> int:
    if isinstance(reply, int):
        return reply
    raise redis.ResponseError(f"the store replies {reply!r} instead of a number")
