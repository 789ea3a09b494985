"""Connections to the store."""

from __future__ import annotations

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from rondpoint.store.address import parse
from rondpoint.store.keys import Keys
from rondpoint.store.master import PlainAtMaster, SecureAtMaster, master_of

CONNECT_TIMEOUT = 2.0
ANSWER_TIMEOUT = 5.0


def connect(url: str, *, namespace: str = "default", **options: Any) -> redis.Redis:
    """A client of the store at `url` that answers in bytes; nothing is sent yet.

    `url` is one of `rondpoint.store.address`; in a cluster it is the node that holds the keys of `namespace`.
    Connecting takes at most 2 s and an answer at most 5 s, unless `options` (redis-py's own) or the URL say
    otherwise. Raises ValueError for another kind of URL.
    """
    address = parse(url)
    settled: dict[str, Any] = {
        "decode_responses": False,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": ANSWER_TIMEOUT,
        # Once, for a connection that the server closed while it was idle. Whoever waits longer for a
        # store that is away does so by its own clock, with nothing blocked meanwhile.
        "retry": Retry(NoBackoff(), 1),
        # Two things redis-py would tell and ask with every connection; it needs rights for them.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **options,
        **parse_url(address.url),  # type: ignore[no-untyped-call]
    }
    if address.kind != "server":
        settled["connection_class"] = SecureAtMaster if address.secure else PlainAtMaster
        settled["locate"] = master_of(address, Keys(namespace).revision, settled)
    return redis.Redis.from_pool(redis.ConnectionPool(**settled))


def separate_connection(pool: redis.ConnectionPool) -> Any:
    """A connection like those of `pool`, which does not count it, for who closes it. Raises redis.RedisError.

    redis-py opens it, and so knows about URLs, passwords and databases, and where the master is; its pool
    would count it for ever.
    """
    connection: Any = pool.connection_class(**pool.connection_kwargs)
    connection.connect()
    return connection
