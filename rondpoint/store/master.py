"""Locates the current master of the store; only this module queries Sentinel or the cluster.

Every connection, of the pool or opened beside it, locates the master when it is opened. So after a failover
each new connection reaches the new master.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MasterDownError, ReadOnlyError
from redis.retry import Retry

from rondpoint.store.address import Address, Host

HOST_TIMEOUT = 1.0
"""Seconds in which a sentinel or node must accept the connection, and again in which it must respond."""

MasterQuery = Callable[[Any, Host], tuple[Host | None, tuple[Host, ...]]]
"""Queries a host over a connection for the master and further hosts to query; raises redis.RedisError."""


class MasterLocator:
    """Locates the master by querying one host after the other; the last host that knew it comes first.

    `last_found` is the address that the last successful query returned.
    """

    def __init__(self, hosts: tuple[Host, ...], query: MasterQuery, connection: Callable[..., Any]) -> None:
        self.last_found: Host | None = None
        self._configured = hosts
        self._order = hosts
        self._query = query
        self._connection = connection

    def __call__(self) -> Host:
        """Return the current address of the master. Raises redis.ConnectionError if no host knows it."""
        faults: list[str] = []
        for host in self._order:
            try:
                master, others = self._query_host(host)
            except (redis.RedisError, OSError) as error:
                faults.append(str(error))
                continue
            if master is not None:
                self._order = tuple(dict.fromkeys((host, *others, *self._order)))
                self.last_found = master
                return master
            faults.append(f"{host[0]}:{host[1]} knows no master")
        # The hosts learned from replies may all be outdated, so start again from the configured ones.
        self._order = self._configured
        raise redis.ConnectionError(f"the master of the store is not found: {'; '.join(faults)}")

    def distrust_first_host(self) -> None:
        """Move the first host to the end, because its master was not one or does not respond."""
        first, *others = self._order
        self._order = (*others, first)

    def _query_host(self, host: Host) -> tuple[Host | None, tuple[Host, ...]]:
        connection = self._connection(
            host=host[0],
            port=host[1],
            socket_connect_timeout=HOST_TIMEOUT,
            socket_timeout=HOST_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            connection.connect()
            return self._query(connection, host)
        finally:
            connection.disconnect()


def make_master_locator(address: Address, key: str, options: dict[str, Any]) -> MasterLocator:
    """Return a locator of the master that holds `key`; `options` are redis-py's for store connections."""
    kind = SSLConnection if address.secure else Connection
    query_options = {name: value for name, value in options.items() if name.startswith(("ssl_", "driver_"))}
    if address.kind == "cluster":
        query_options |= {name: options[name] for name in ("username", "password") if name in options}
        query = _cluster_query(key_slot(key.encode()))
    else:
        if address.sentinel_password:
            query_options["password"] = address.sentinel_password
            if address.sentinel_username:
                query_options["username"] = address.sentinel_username
        query = _sentinel_query(address.master)
    return MasterLocator(address.hosts, query, lambda **host: kind(**query_options, **host))


def _sentinel_query(name: str) -> MasterQuery:
    def query(connection: Any, host: Host) -> tuple[Host | None, tuple[Host, ...]]:
        connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
        reply = connection.read_response()
        return (None if reply is None else (_text(reply[0]), int(reply[1]))), ()

    return query


def _cluster_query(slot: int) -> MasterQuery:
    def query(connection: Any, host: Host) -> tuple[Host | None, tuple[Host, ...]]:
        connection.send_command("CLUSTER", "SLOTS")
        master: Host | None = None
        nodes: list[Host] = []
        for first, last, *replicas in connection.read_response():
            # A node that does not know its own address omits it.
            found = [(_text(node[0]) or host[0], int(node[1])) for node in replicas]
            nodes += found
            if first <= slot <= last:
                master = found[0]
        return master, tuple(nodes)

    return query


def _text(reply: bytes | str | None) -> str:
    text = reply.decode() if isinstance(reply, bytes) else reply or ""
    return "" if text == "?" else text


class _MasterConnection:
    """A connection that locates the master when it is opened, and reopens once the master has moved."""

    def __init__(self, locate: MasterLocator, **options: Any) -> None:
        self._locate = locate
        self._connected_to: Host | None = None
        super().__init__(**options)

    def _connect(self) -> Any:
        self._connected_to = self.host, self.port = self._locate()
        try:
            return super()._connect()  # type: ignore[misc]  # redis-py's class comes next in the MRO
        except OSError:
            self._locate.distrust_first_host()
            raise

    def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        # A server that was unreachable for a while may not know yet that another one is the master.
        if self._locate.last_found != self._connected_to:
            self.disconnect()  # type: ignore[attr-defined]
        super().send_packed_command(*arguments, **options)  # type: ignore[misc]

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().read_response(*arguments, **options)  # type: ignore[misc]
        except redis.ResponseError as error:
            if not _means_not_master(error):
                raise
            self._locate.distrust_first_host()
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError(f"this is not the master any more: {error}") from error


class PlainMasterConnection(_MasterConnection, Connection):
    """A connection to the master over TCP."""


class TLSMasterConnection(_MasterConnection, SSLConnection):
    """A connection to the master over TLS."""


def _means_not_master(error: redis.ResponseError) -> bool:
    # Before version 7, the error that stops a script is only part of the error text.
    return isinstance(error, _NOT_MASTER_ERRORS) or "-READONLY " in str(error)


_NOT_MASTER_ERRORS = (ReadOnlyError, AskError, ClusterDownError, MasterDownError)
