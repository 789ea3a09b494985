"""What dead workers have counted, added up for their instance, so that its sums never fall.

Field after field moves from the worker's hash to the instance's, each in one step for whoever reads.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import msgspec
import redis
from msgspec import Struct

from rondpoint.store.keys import Keys
from rondpoint.store.metrics import EXPIRY, GONE, INTERNAL, OWN, Counts, Own, decode_field, is_router
from rondpoint.store.sums import add

PORTION = 100
"""Fields moved at once."""


class Known(Struct, frozen=True):
    """Names of the routers and services in force."""

    routers: Collection[str]
    services: Collection[str]


def retire(
    client: redis.Redis,
    keys: Keys,
    worker: str,
    instance: str,
    known: Known,
    breathe: Callable[[], None],
) -> None:
    """Add a dead worker's counts to its instance's; `breathe` is called between portions.

    Raises redis.WatchError when somebody else does the same now, and redis.RedisError; what was moved until
    then is moved.
    """
    source, target = keys.metrics(worker), keys.metrics(instance)
    fields: Any = client.hgetall(source)
    names: list[bytes] = list(fields)
    for start in range(0, len(names), PORTION):
        portion = names[start : start + PORTION]
        with client.pipeline(transaction=True) as pipeline:
            pipeline.watch(source, target)  # type: ignore[no-untyped-call]
            told = dict(_decoded(portion, pipeline.hmget(source, portion)))
            places = {name: place(name, counts, known) for name, counts in told.items()}
            wanted = sorted(set(places.values()))
            before: Any = pipeline.hmget(target, wanted) if wanted else ()
            sums = dict(_decoded([name.encode() for name in wanted], before))
            for name, counts in told.items():
                there = sums.get(places[name])
                sums[places[name]] = counts if there is None else add(there, counts)
            pipeline.multi()
            if sums:
                pipeline.hset(
                    target, mapping={name: msgspec.json.encode(counts) for name, counts in sums.items()}
                )
            pipeline.hdel(source, *portion)
            pipeline.expire(target, EXPIRY)
            pipeline.execute()
        breathe()


def place(name: str, counts: Counts | Own, known: Known) -> str:
    """The field where a field's counts go on: its own, unless what it is about is gone."""
    if isinstance(counts, Own) or not name or name == GONE:
        return OWN if isinstance(counts, Own) else name
    if name.endswith(INTERNAL) or (is_router(name) and name in known.routers):
        return name
    return counts.service + GONE if counts.service in known.services else GONE


def _decoded(names: Iterable[bytes], values: Any) -> Iterator[tuple[str, Counts | Own]]:
    for raw, value in zip(names, values, strict=True):
        if value is None:
            continue
        try:
            name = raw.decode()
            yield name, decode_field(name, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # It would be of no more use where it goes.
            continue
