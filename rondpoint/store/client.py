"""Connections to the store."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0


def connect(url: str, **options: Any) -> redis.Redis:
    """A client of `unix://`, `redis://` or `rediss://` that answers in bytes; nothing is sent yet.

    Connecting takes at most 2 s and an answer at most 5 s, unless `options` (redis-py's own) say
    otherwise. Raises ValueError for another kind of URL.
    """
    defaults: dict[str, Any] = {
        "decode_responses": False,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": ANSWER_TIMEOUT,
        # Once, for a connection that the server closed while it was idle. Whoever waits longer for a
        # store that is away does so by its own clock, with nothing blocked meanwhile.
        "retry": Retry(NoBackoff(), 1),
    }
    return redis.Redis.from_url(url, **(defaults | options))


def separate_connection(pool: redis.ConnectionPool) -> Any:
    """A connection like those of `pool`, which does not count it, for who closes it. Raises redis.RedisError.

    redis-py opens it, and so knows about URLs, passwords and databases; its pool would count it for ever.
    """
    connection: Any = pool.connection_class(**pool.connection_kwargs)
    connection.connect()
    return connection
