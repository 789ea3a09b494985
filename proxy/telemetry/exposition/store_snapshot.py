"""Reads the counts and status of all workers and agents from the store, consistently."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.acme import AcmeState, read_outcomes, read_states
from rondpoint.store.agents import AgentStatus, read_agents
from rondpoint.store.connection_metrics import ConnectionCounts, decode_connections
from rondpoint.store.ejections import read_ejections
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import Counts, WorkerCounts, decode_field
from rondpoint.store.server_metrics import ServerCounts, decode_server
from rondpoint.store.transaction import read_atomically
from rondpoint.store.workers import WorkerStatus, read_workers

C_co = TypeVar("C_co", covariant=True)

SLICE = 20
"""Fields decoded between two yields."""


class Fields(Protocol[C_co]):
    """The counts in one hash, by field."""

    def items(self) -> Iterable[tuple[str, C_co]]: ...


class Instance(Struct, frozen=True):
    """One proxy: its workers, and the hashes with the counts of live and dead workers.

    `hashes` hold the counts of routers and workers, `servers` those of servers, `connections` those of TCP
    and UDP.
    """

    name: str
    workers: tuple[WorkerStatus, ...]
    hashes: tuple[Fields[Counts | WorkerCounts], ...]
    servers: tuple[Fields[ServerCounts], ...] = ()
    connections: tuple[Fields[ConnectionCounts], ...] = ()


class StoreSnapshot(Struct, frozen=True):
    """The values of one rendering; `now` in Unix seconds, `ejected` the keys of ejections.

    `acme` are the states of the certificates that resolvers obtain, `orders` the numbers of their finished
    orders by resolver and outcome.
    """

    now: float
    instances: tuple[Instance, ...]
    agents: Mapping[str, AgentStatus]
    workers: Mapping[str, WorkerStatus]
    ejected: tuple[str, ...] = ()
    acme: tuple[AcmeState, ...] = ()
    orders: Mapping[tuple[str, str], int] = {}


def read_snapshot(
    client: redis.Redis,
    keys: Keys,
    now: float,
    yield_if_due: Callable[[], None],
    only: str = "",
    *,
    servers: bool = False,
    connections: bool = False,
) -> StoreSnapshot:
    """Read the counts of all instances, or of the instance `only`.

    Read those of servers if `servers`, and those of TCP and UDP if `connections`.

    Call `yield_if_due` about every millisecond, so that requests are served meanwhile. Raises
    redis.RedisError.
    """
    workers = read_workers(client, keys)
    wanted: dict[str, list[WorkerStatus]] = {only: []} if only else {}
    for worker in workers.values():
        if not only or worker.instance == only:
            wanted.setdefault(worker.instance, []).append(worker)
    # The hashes of an instance and of its workers at one instant: counts that move are in exactly one of
    # them.
    named = {name: [name, *(worker.name for worker in each)] for name, each in wanted.items()}
    every = [name for names in named.values() for name in names]
    commands = [("HGETALL", keys.metrics(name)) for name in every]
    if servers:
        commands += [("HGETALL", keys.server_metrics(name)) for name in every]
    if connections:
        commands += [("HGETALL", keys.connection_metrics(name)) for name in every]
    results = read_atomically(client, commands, yield_if_due) if commands else []
    replies = iter(results)
    router_hashes = iter([next(replies) for _ in every])
    server_hashes = iter([next(replies) for _ in every if servers])
    instances = tuple(
        Instance(
            name,
            tuple(wanted[name]),
            tuple(EncodedFields(next(router_hashes), decode_field, yield_if_due) for _ in names),
            tuple(EncodedFields(next(server_hashes), decode_server, yield_if_due) for _ in names if servers),
            tuple(
                EncodedFields(next(replies), decode_connections, yield_if_due) for _ in names if connections
            ),
        )
        for name, names in named.items()
    )
    ejected = tuple(sorted(notice.key for notice in read_ejections(client, keys).notices))
    acme = tuple(read_states(client, keys, yield_if_due).values())
    orders = read_outcomes(client, keys)
    return StoreSnapshot(now, instances, read_agents(client, keys), workers, ejected, acme, orders)


class EncodedFields(Generic[C_co]):
    """The counts in one hash, which are decoded whenever they are read.

    Kept decoded, so many objects would cause long garbage collections.
    """

    def __init__(
        self, reply: Any, decode: Callable[[str, bytes], C_co], yield_if_due: Callable[[], None]
    ) -> None:
        self._reply = reply
        self._decode = decode
        self._yield_if_due = yield_if_due

    def items(self) -> Iterator[tuple[str, C_co]]:
        """Decode the fields, without those that cannot be decoded."""
        reply = self._reply
        if isinstance(reply, Exception):
            # The key is not a hash, so it has no counts.
            return
        # A dict with Redis protocol 3, a flat list with protocol 2.
        fields = reply.items() if isinstance(reply, dict) else zip(*[iter(reply)] * 2, strict=True)
        for number, (raw, value) in enumerate(fields):
            if not number % SLICE:
                self._yield_if_due()
            try:
                name = raw.decode()
                yield name, self._decode(name, value)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
