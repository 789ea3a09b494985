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
from rondpoint.store.master import PlainMasterConnection, TLSMasterConnection, make_master_locator

CONNECT_TIMEOUT = 2.0
RESPONSE_TIMEOUT = 5.0


def connect(url: str, *, namespace: str = "default", **options: Any) -> redis.Redis:
    """Return a client of the store at `url` that returns bytes; it sends nothing yet.

    `rondpoint.store.address` describes the URLs. In a cluster, the client connects to the node that holds the
    keys of `namespace`. Connecting takes at most 2 s and a response at most 5 s, unless `options` (redis-py's
    own) or the URL set other limits. Raises ValueError for any other URL.
    """
    address = parse(url)
    pool_options: dict[str, Any] = {
        "decode_responses": False,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": RESPONSE_TIMEOUT,
        # One retry, for a connection that the server closed while it was idle. Callers that wait longer
        # for an unreachable store use their own timers, and block nothing meanwhile.
        "retry": Retry(NoBackoff(), 1),
        # redis-py would send two further commands on every connection, which need additional rights.
        "driver_info": None,
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        **options,
        **parse_url(address.url),  # type: ignore[no-untyped-call]
    }
    if address.kind != "server":
        pool_options["connection_class"] = TLSMasterConnection if address.secure else PlainMasterConnection
        pool_options["locate"] = make_master_locator(address, Keys(namespace).revision, pool_options)
    return redis.Redis.from_pool(redis.ConnectionPool(**pool_options))


def separate_connection(pool: redis.ConnectionPool) -> Any:
    """Return a new connection like those of `pool`; the caller must close it. Raises redis.RedisError.

    redis-py opens it with the URL, password and database of the pool, at the current master. The pool does
    not count it, because a pool never stops counting a connection that is not returned.
    """
    connection: Any = pool.connection_class(**pool.connection_kwargs)
    connection.connect()
    return connection
