"""Reading much at one instant, in pieces.

A client library gives an answer only when it has the whole of it. Here whoever reads says what to do between
the pieces, so that a worker can go on serving.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import hiredis
import redis

from rondpoint.store.client import separate_connection

PIECE = 65536
"""Bytes read at once."""

Command = tuple[str, ...]


def read_at_once(
    client: redis.Redis, commands: Sequence[Command], yield_if_due: Callable[[], None]
) -> list[Any]:
    """The answers to `commands`, all run in one transaction, over a connection of its own.

    An answer that is an error is a redis.ResponseError in the list. Raises redis.RedisError.
    """
    connection = separate_connection(client.connection_pool)
    try:
        connection.send_packed_command(
            connection.pack_commands([("MULTI",), *commands, ("EXEC",)]), check_health=False
        )
        # Its socket has no public name.
        *queued, answers = _answers(connection._sock, len(commands) + 2, yield_if_due)
    except OSError as error:
        raise redis.ConnectionError(f"the connection to the store broke: {error}") from error
    finally:
        connection.disconnect()
    for answer in (answers, *queued):
        if isinstance(answer, Exception):
            raise answer
    return list(answers)


def _answers(sock: Any, count: int, yield_if_due: Callable[[], None]) -> list[Any]:
    reader = hiredis.Reader(protocolError=redis.InvalidResponse, replyError=redis.ResponseError)
    answers: list[Any] = []
    while len(answers) < count:
        data = sock.recv(PIECE)
        if not data:
            raise redis.ConnectionError("the store has closed the connection")
        reader.feed(data)
        while (answer := reader.gets()) is not False:
            if not isinstance(answer, hiredis.PushNotification):
                answers.append(answer)
        yield_if_due()
    return answers
