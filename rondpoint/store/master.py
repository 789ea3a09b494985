"""Where the master of the store is now: the one place that asks Sentinel or the cluster.

Every connection asks when it is opened, be it of the pool or one that somebody opens beside it. So after a
failover whoever connects again is at the new master.
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

PATIENCE = 1.0
"""Seconds that one who is asked has to connect, and to answer."""

Ask = Callable[[Any, Host], tuple[Host | None, tuple[Host, ...]]]
"""Over a connection to this host: the master, and who else may be asked; raises redis.RedisError."""


class Master:
    """Finds it by asking one after the other; who knew it last is asked first the next time.

    `found` is where it was when somebody last asked.
    """

    def __init__(self, hosts: tuple[Host, ...], ask: Ask, connection: Callable[..., Any]) -> None:
        self.found: Host | None = None
        self._given = hosts
        self._order = hosts
        self._ask = ask
        self._connection = connection

    def __call__(self) -> Host:
        """The address of the master now; redis.ConnectionError when nobody knows it."""
        faults: list[str] = []
        for host in self._order:
            try:
                master, others = self._asked(host)
            except (redis.RedisError, OSError) as error:
                faults.append(str(error))
                continue
            if master is not None:
                self._order = tuple(dict.fromkeys((host, *others, *self._order)))
                self.found = master
                return master
            faults.append(f"{host[0]}:{host[1]} knows no master")
        # Whatever was learned, what was given is not forgotten.
        self._order = self._given
        raise redis.ConnectionError(f"the master of the store is not found: {'; '.join(faults)}")

    def doubt(self) -> None:
        """It was not the master, or does not answer: ask another one first the next time."""
        first, *others = self._order
        self._order = (*others, first)

    def _asked(self, host: Host) -> tuple[Host | None, tuple[Host, ...]]:
        connection = self._connection(
            host=host[0],
            port=host[1],
            socket_connect_timeout=PATIENCE,
            socket_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            connection.connect()
            return self._ask(connection, host)
        finally:
            connection.disconnect()


def master_of(address: Address, key: str, options: dict[str, Any]) -> Master:
    """What finds the master of `key` by `address`; `options` are redis-py's for connections to the store."""
    kind = SSLConnection if address.secure else Connection
    asking = {name: value for name, value in options.items() if name.startswith(("ssl_", "driver_"))}
    if address.kind == "cluster":
        asking |= {name: options[name] for name in ("username", "password") if name in options}
        slot = key_slot(key.encode())
        return Master(address.hosts, _asking_node(slot), lambda **where: kind(**asking, **where))
    if address.sentinel_password:
        asking["password"] = address.sentinel_password
        if address.sentinel_username:
            asking["username"] = address.sentinel_username
    return Master(address.hosts, _asking_sentinel(address.master), lambda **where: kind(**asking, **where))


def _asking_sentinel(name: str) -> Ask:
    def ask(connection: Any, host: Host) -> tuple[Host | None, tuple[Host, ...]]:
        connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
        answer = connection.read_response()
        return (None if answer is None else (_text(answer[0]), int(answer[1]))), ()

    return ask


def _asking_node(slot: int) -> Ask:
    def ask(connection: Any, host: Host) -> tuple[Host | None, tuple[Host, ...]]:
        connection.send_command("CLUSTER", "SLOTS")
        master: Host | None = None
        nodes: list[Host] = []
        for first, last, *replicas in connection.read_response():
            # A node that does not know its own address leaves it out.
            found = [(_text(node[0]) or host[0], int(node[1])) for node in replicas]
            nodes += found
            if first <= slot <= last:
                master = found[0]
        return master, tuple(nodes)

    return ask


def _text(answer: bytes | str | None) -> str:
    text = answer.decode() if isinstance(answer, bytes) else answer or ""
    return "" if text == "?" else text


class _AtMaster:
    """A connection that looks for the master when it is opened, and is opened anew once that is elsewhere."""

    def __init__(self, locate: Master, **options: Any) -> None:
        self._locate = locate
        self._at: Host | None = None
        super().__init__(**options)

    def _connect(self) -> Any:
        self._at = self.host, self.port = self._locate()
        try:
            return super()._connect()  # type: ignore[misc]  # redis-py's, beside this one
        except OSError:
            self._locate.doubt()
            raise

    def send_packed_command(self, *arguments: Any, **options: Any) -> None:
        # A server that was away for a while may not know yet that another one is the master.
        if self._locate.found != self._at:
            self.disconnect()  # type: ignore[attr-defined]
        super().send_packed_command(*arguments, **options)  # type: ignore[misc]

    def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().read_response(*arguments, **options)  # type: ignore[misc]
        except redis.ResponseError as error:
            if not _is_elsewhere(error):
                raise
            self._locate.doubt()
            self.disconnect()  # type: ignore[attr-defined]
            raise redis.ConnectionError(f"this is not the master any more: {error}") from error


class PlainAtMaster(_AtMaster, Connection):
    """Over TCP."""


class SecureAtMaster(_AtMaster, SSLConnection):
    """Over TLS."""


def _is_elsewhere(error: redis.ResponseError) -> bool:
    # Before version 7, what stops a script is told within a text.
    return isinstance(error, _ELSEWHERE) or "-READONLY " in str(error)


_ELSEWHERE = (ReadOnlyError, AskError, ClusterDownError, MasterDownError)
