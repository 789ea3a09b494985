"""Connection pools to auxiliary servers: those that middlewares ask, such as an authentication server."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from proxy.upstream.pool import Pool
from proxy.upstream.server_tls import ServerTls

if TYPE_CHECKING:
    from proxy.net.deadlines import Sweeper
    from proxy.upstream.timeouts import UpstreamTimeouts

DIAL_TIMEOUT = 30.0
"""The most seconds that a dial to an auxiliary server may take; the settings may allow fewer."""


class ServerAddress(NamedTuple):
    """Host name or IP address, without brackets, and port."""

    host: str
    port: int


class AuxiliaryPools:
    """The pools of all middlewares, by the middleware's name and the server's address.

    A middleware is compiled once for each combination of middlewares that contains it, and all share its
    pools.
    """

    def __init__(self, sweeper: Sweeper, timeouts: UpstreamTimeouts) -> None:
        self._sweeper = sweeper
        self._timeouts = timeouts
        self._pools: dict[str, dict[ServerAddress, Pool]] = {}

    def open(
        self, owner: str, address: ServerAddress, create_context: Callable[[], ssl.SSLContext] | None
    ) -> Pool:
        """Return the owner's pool for this address; create it, with a TLS context if there is a function."""
        owned = self._pools.setdefault(owner, {})
        pool = owned.get(address)
        if pool is None:
            timeouts = self._timeouts
            pool = owned[address] = Pool(
                (address.host, address.port),
                self._sweeper,
                min(timeouts.dial or DIAL_TIMEOUT, DIAL_TIMEOUT),
                timeouts.idle,
                ServerTls(create_context()) if create_context is not None else None,
                timeouts.stall,
            )
        return pool

    def close(self, owner: str) -> None:
        """Close the pools of a middleware that is changed or removed; ignore an unknown name."""
        for pool in self._pools.pop(owner, {}).values():
            pool.close()
