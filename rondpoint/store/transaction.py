"""Reads large replies in one transaction, chunk by chunk.

A client library returns a reply only once it is complete. Here the caller passes a function to call between
chunks, so a worker can go on serving requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hiredis
import redis

from rondpoint.store.client import separate_connection

CHUNK = 65536
"""Bytes read at once."""

Command = tuple[str, ...]


def read_atomically(
    client: redis.Redis, commands: Sequence[Command], yield_if_due: Callable[[], None]
) -> list[Any]:
    """Run `commands` in one transaction over a separate connection, and return their replies.

    `yield_if_due` is called after each chunk. An error reply is a redis.ResponseError in the list. Raises
    redis.RedisError.
    """
    connection = separate_connection(client.connection_pool)
    try:
        connection.send_packed_command(
            connection.pack_commands([("MULTI",), *commands, ("EXEC",)]), check_health=False
        )
        # redis-py has no public attribute for the socket.
        *queued, replies = _read_replies(connection._sock, len(commands) + 2, yield_if_due)
    except OSError as error:
        raise redis.ConnectionError(f"the connection to the store broke: {error}") from error
    finally:
        connection.disconnect()
    for reply in (replies, *queued):
        if isinstance(reply, Exception):
            raise reply
    return list(replies)


def _read_replies(sock: Any, count: int, yield_if_due: Callable[[], None]) -> list[Any]:
    reader = hiredis.Reader(protocolError=redis.InvalidResponse, replyError=redis.ResponseError)
    replies: list[Any] = []
    while len(replies) < count:
        data = sock.recv(CHUNK)
        if not data:
            raise redis.ConnectionError("the store has closed the connection")
        reader.feed(data)
        while (reply := reader.gets()) is not False:
            if not isinstance(reply, hiredis.PushNotification):
                replies.append(reply)
        yield_if_due()
    return replies
