"""What the store holds of all workers' counts, read at one instant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.agents import AgentStatus, read_agents
from rondpoint.store.ejections import read_ejections
from rondpoint.store.keys import Keys
from rondpoint.store.metrics import Counts, Own, decode_field
from rondpoint.store.server_metrics import ServerCounts, decode_server
from rondpoint.store.transaction import read_at_once
from rondpoint.store.workers import WorkerStatus, read_workers

T = TypeVar("T")

SLICE = 100
"""Fields decoded without a pause."""


class Instance(Struct, frozen=True):
    """A proxy: its workers, and the fields that they and their dead have counted, by hash; those of servers
    in hashes of their own.
    """

    name: str
    workers: tuple[WorkerStatus, ...]
    hashes: tuple[dict[str, Counts | Own], ...]
    servers: tuple[dict[str, ServerCounts], ...] = ()


class StoreSnapshot(Struct, frozen=True):
    """Everything that is told at one time; `now` in Unix seconds, `aside` the URLs of servers put aside."""

    now: float
    instances: tuple[Instance, ...]
    agents: Mapping[str, AgentStatus]
    workers: Mapping[str, WorkerStatus]
    ejected: tuple[str, ...] = ()


def read_snapshot(
    client: redis.Redis,
    keys: Keys,
    now: float,
    yield_if_due: Callable[[], None],
    only: str = "",
    *,
    servers: bool = False,
) -> StoreSnapshot:
    """All instances, or the counts of this one only; of servers where these are asked for.

    `yield_if_due` is called every millisecond or so, for whoever has other things to see to. Raises
    redis.RedisError.
    """
    workers = read_workers(client, keys)
    wanted: dict[str, list[WorkerStatus]] = {only: []} if only else {}
    for worker in workers.values():
        if not only or worker.instance == only:
            wanted.setdefault(worker.instance, []).append(worker)
    # An instance's own hash with those of its workers: what moves between them is in one of them.
    named = {name: [name, *(worker.name for worker in each)] for name, each in wanted.items()}
    every = [name for names in named.values() for name in names]
    commands = [("HGETALL", keys.metrics(name)) for name in every]
    if servers:
        commands += [("HGETALL", keys.server_metrics(name)) for name in every]
    answers = read_at_once(client, commands, yield_if_due) if commands else []
    of_routers, of_servers = iter(answers[: len(every)]), iter(answers[len(every) :])
    instances = tuple(
        Instance(
            name,
            tuple(wanted[name]),
            tuple(dict(_decoded(next(of_routers), decode_field, yield_if_due)) for _ in names),
            tuple(dict(_decoded(next(of_servers), decode_server, yield_if_due)) for _ in names if servers),
        )
        for name, names in named.items()
    )
    ejected = tuple(sorted(notice.url for notice in read_ejections(client, keys).notices))
    return StoreSnapshot(now, instances, read_agents(client, keys), workers, ejected)


def _decoded(
    answer: Any, decode: Callable[[str, bytes], T], yield_if_due: Callable[[], None]
) -> Iterator[tuple[str, T]]:
    if isinstance(answer, Exception):
        # Not a hash: nothing is told there.
        return
    # As the store's newer protocol gives it, or the older one.
    fields = list(answer.items()) if isinstance(answer, dict) else list(zip(*[iter(answer)] * 2, strict=True))
    for number, (raw, value) in enumerate(fields):
        if not number % SLICE:
            yield_if_due()
        try:
            name = raw.decode()
            yield name, decode(name, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
