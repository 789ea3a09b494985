"""What dead workers have counted, added up for their instance, so that its sums never fall.

Field after field moves from the worker's hash to the instance's, each in one step for whoever reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.keys import Keys
from rondpoint.store.metric_sums import add
from rondpoint.store.metrics import EXPIRY, REMOVED_SUFFIX, INTERNAL, WORKER_FIELD, Counts, WorkerCounts, decode_field, is_router
from rondpoint.store.server_metrics import add_servers, decode_server

T = TypeVar("T")

PORTION = 100
"""Fields moved at once."""


class ActiveNames(Struct, frozen=True):
    """Names of the routers and services in force, and the fields of these services' servers."""

    routers: Collection[str]
    services: Collection[str]
    servers: Container[str] = frozenset()


def retire(
    client: redis.Redis,
    keys: Keys,
    worker: str,
    instance: str,
    known: ActiveNames,
    yield_if_due: Callable[[], None],
) -> None:
    """Add a dead worker's counts to its instance's; `yield_if_due` is called between portions.

    Raises redis.WatchError when somebody else does the same now, and redis.RedisError; what was moved until
    then is moved.
    """
    of_servers = keys.server_metrics(instance)
    _move(
        client,
        keys.server_metrics(worker),
        of_servers,
        decode_server,
        add_servers,
        lambda name, _counts: name if name in known.servers else None,
        yield_if_due,
    )
    # What has left since the last time must not stay for as long as the instance does.
    left: Any = client.hgetall(of_servers)
    gone = [name for name in left if name.decode(errors="replace") not in known.servers]
    for start in range(0, len(gone), PORTION):
        client.hdel(of_servers, *gone[start : start + PORTION])
        yield_if_due()
    _move(
        client,
        keys.metrics(worker),
        keys.metrics(instance),
        decode_field,
        add,
        lambda name, counts: target_field(name, counts, known),
        yield_if_due,
    )


def _move(
    client: redis.Redis,
    source: str,
    target: str,
    decode: Callable[[str, bytes], T],
    total: Callable[[T, T], T],
    target_field_of: Callable[[str, T], str | None],
    yield_if_due: Callable[[], None],
) -> None:
    """Add the fields of one hash to those of another, where each has its place; None drops it."""
    fields: Any = client.hgetall(source)
    names: list[bytes] = list(fields)
    for start in range(0, len(names), PORTION):
        portion = names[start : start + PORTION]
        with client.pipeline(transaction=True) as pipeline:
            pipeline.watch(source, target)  # type: ignore[no-untyped-call]
            told = dict(_decoded(portion, pipeline.hmget(source, portion), decode))
            places = {
                name: goes_on
                for name, counts in told.items()
                if (goes_on := target_field_of(name, counts)) is not None
            }
            wanted = sorted(set(places.values()))
            before: Any = pipeline.hmget(target, wanted) if wanted else ()
            sums = dict(_decoded([name.encode() for name in wanted], before, decode))
            for name, goes_on in places.items():
                there = sums.get(goes_on)
                sums[goes_on] = told[name] if there is None else total(there, told[name])
            pipeline.multi()
            if sums:
                pipeline.hset(
                    target, mapping={name: msgspec.json.encode(counts) for name, counts in sums.items()}
                )
            pipeline.hdel(source, *portion)
            pipeline.expire(target, EXPIRY)
            pipeline.execute()
        yield_if_due()


def target_field(name: str, counts: Counts | WorkerCounts, known: ActiveNames) -> str:
    """The field where a field's counts go on: its own, unless what it is about is gone."""
    if isinstance(counts, WorkerCounts) or not name or name == REMOVED_SUFFIX:
        return WORKER_FIELD if isinstance(counts, WorkerCounts) else name
    if name.endswith(INTERNAL) or (is_router(name) and name in known.routers):
        return name
    return counts.service + REMOVED_SUFFIX if counts.service in known.services else REMOVED_SUFFIX


def _decoded(
    names: Iterable[bytes], values: Any, decode: Callable[[str, bytes], T]
) -> Iterator[tuple[str, T]]:
    for raw, value in zip(names, values, strict=True):
        if value is None:
            continue
        try:
            name = raw.decode()
            yield name, decode(name, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # It would be of no more use where it goes.
            continue
