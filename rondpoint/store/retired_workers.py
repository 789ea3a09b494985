"""Adds the counts of ended workers to those of their instance, so that its sums never fall.

Each field moves from the worker's hash to the instance's in one transaction, so readers count it exactly
once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.connection_metrics import (
    NOTHING_ACTIVE,
    ActiveConnections,
    add_connections,
    decode_ended,
)
from rondpoint.store.keys import Keys
from rondpoint.store.metric_sums import add
from rondpoint.store.metrics import (
    EXPIRY,
    INTERNAL,
    REMOVED_SUFFIX,
    WORKER_FIELD,
    Counts,
    WorkerCounts,
    decode_field,
    is_router,
)
from rondpoint.store.server_metrics import add_servers, decode_server

T = TypeVar("T")

PORTION = 100
"""Fields moved at once."""


class ActiveNames(Struct, frozen=True):
    """The names of the routers and services in force, and the fields of their servers.

    `connections` knows those of TCP and UDP.
    """

    routers: Collection[str]
    services: Collection[str]
    servers: Container[str] = frozenset()
    connections: ActiveConnections = NOTHING_ACTIVE


def retire(
    client: redis.Redis,
    keys: Keys,
    worker: str,
    instance: str,
    active: ActiveNames,
    yield_if_due: Callable[[], None],
) -> None:
    """Add the counts of an ended worker to its instance's; `yield_if_due` is called between portions.

    Raises redis.WatchError if another worker does the same now, and redis.RedisError; fields moved before the
    error stay moved.
    """
    instance_servers = keys.server_metrics(instance)
    _move(
        client,
        keys.server_metrics(worker),
        instance_servers,
        decode_server,
        add_servers,
        lambda name, _counts: name if name in active.servers else None,
        yield_if_due,
    )
    # Counts of servers removed since the last time must not stay for the life of the instance.
    _delete(
        client,
        instance_servers,
        lambda name: name.decode(errors="replace") not in active.servers,
        yield_if_due,
    )
    instance_connections = keys.connection_metrics(instance)
    _move(
        client,
        keys.connection_metrics(worker),
        instance_connections,
        decode_ended,
        add_connections,
        active.connections.target_field,
        yield_if_due,
    )
    _delete(client, instance_connections, active.connections.is_removed, yield_if_due)
    _move(
        client,
        keys.metrics(worker),
        keys.metrics(instance),
        decode_field,
        add,
        lambda name, counts: target_field(name, counts, active),
        yield_if_due,
    )


def _delete(
    client: redis.Redis, key: str, is_removed: Callable[[bytes], bool], yield_if_due: Callable[[], None]
) -> None:
    """Delete the fields of a hash that count for nothing any more."""
    stored: Any = client.hgetall(key)
    removed = [name for name in stored if is_removed(name)]
    for start in range(0, len(removed), PORTION):
        client.hdel(key, *removed[start : start + PORTION])
        yield_if_due()


def _move(
    client: redis.Redis,
    source: str,
    target: str,
    decode: Callable[[str, bytes], T],
    total: Callable[[T, T], T],
    target_field_of: Callable[[str, T], str | None],
    yield_if_due: Callable[[], None],
) -> None:
    """Add each field of one hash to its target field in another; without a target it is dropped."""
    fields: Any = client.hgetall(source)
    names: list[bytes] = list(fields)
    for start in range(0, len(names), PORTION):
        portion = names[start : start + PORTION]
        with client.pipeline(transaction=True) as pipeline:
            pipeline.watch(source, target)  # type: ignore[no-untyped-call]
            moved = dict(_decode_fields(portion, pipeline.hmget(source, portion), decode))
            targets = {
                name: target_name
                for name, counts in moved.items()
                if (target_name := target_field_of(name, counts)) is not None
            }
            target_names = sorted(set(targets.values()))
            before: Any = pipeline.hmget(target, target_names) if target_names else ()
            sums = dict(_decode_fields([name.encode() for name in target_names], before, decode))
            for name, target_name in targets.items():
                sum_so_far = sums.get(target_name)
                sums[target_name] = moved[name] if sum_so_far is None else total(sum_so_far, moved[name])
            pipeline.multi()
            if sums:
                pipeline.hset(
                    target, mapping={name: msgspec.json.encode(counts) for name, counts in sums.items()}
                )
            pipeline.hdel(source, *portion)
            pipeline.expire(target, EXPIRY)
            pipeline.execute()
        yield_if_due()


def target_field(name: str, counts: Counts | WorkerCounts, active: ActiveNames) -> str:
    """Return the field that continues these counts: the same, unless its router or service was removed."""
    if isinstance(counts, WorkerCounts) or not name or name == REMOVED_SUFFIX:
        return WORKER_FIELD if isinstance(counts, WorkerCounts) else name
    if name.endswith(INTERNAL) or (is_router(name) and name in active.routers):
        return name
    return counts.service + REMOVED_SUFFIX if counts.service in active.services else REMOVED_SUFFIX


def _decode_fields(
    names: Iterable[bytes], values: Any, decode: Callable[[str, bytes], T]
) -> Iterator[tuple[str, T]]:
    for raw, value in zip(names, values, strict=True):
        if value is None:
            continue
        try:
            name = raw.decode()
            yield name, decode(name, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # An undecodable value would be as useless in the target.
            continue
