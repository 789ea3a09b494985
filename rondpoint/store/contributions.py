"""The parts of an installation that agents with names contribute: which there are, and an end of one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis
from msgspec import Struct

from rondpoint.store.keys import Keys, PublishedKeys
from rondpoint.store.read import parse_revision
from rondpoint.store.scripts import script


class PartState(Struct, frozen=True):
    """`revision` None: nothing is stored; `fed` tells whether an agent holds the part's lease."""

    revision: int | None
    fed: bool


def register_part(client: redis.Redis, keys: Keys, agent: str) -> None:
    """See that the part is listed, and tell who looks for parts if it was not. Raises redis.RedisError."""
    try:
        added = client.sadd(keys.parts, agent)
    except redis.ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        client.delete(keys.parts)
        added = client.sadd(keys.parts, agent)
    if added:
        client.publish(keys.bell, agent)


def read_parts(client: redis.Redis, keys: Keys, known: Collection[str] = ()) -> dict[str, PartState]:
    """The parts that are listed, and those `known`, by their agents' names. Raises redis.RedisError."""
    names = sorted({*known, *_listed(client, keys)})
    pipeline = client.pipeline(transaction=False)
    for name in names:
        part = keys.part(name)
        pipeline.get(part.revision)
        pipeline.exists(part.leader)
    answers: list[Any] = pipeline.execute(raise_on_error=False) if names else []
    for answer in answers:
        if isinstance(answer, Exception) and "WRONGTYPE" not in str(answer):
            raise answer
    return {
        name: PartState(parse_revision(stored), bool(held))
        for name, stored, held in zip(names, answers[::2], answers[1::2], strict=True)
    }


class Forgetter:
    """Ends parts on behalf of the agent that leads."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._keys = keys
        self._script = script(client, "remove_contribution.lua")

    def forget(self, agent: str, lease: str) -> bool:
        """Remove a part; False when `lease` is not in force, or the part's is. Raises redis.RedisError."""
        part = self._keys.part(agent)
        keys = [self._keys.leader, part.leader, self._keys.parts, *_stored(part)]
        return bool(self._script(keys=keys, args=[lease, agent]))


def _stored(part: PublishedKeys) -> list[str]:
    return [part.revision, part.routers, part.services, part.middlewares, part.diagnostics]


def _listed(client: redis.Redis, keys: Keys) -> set[str]:
    try:
        members: Any = client.smembers(keys.parts)
    except redis.ResponseError as error:
        if "WRONGTYPE" in str(error):
            # Whoever has a part registers it anew.
            return set()
        raise
    return {member.decode(errors="replace") for member in members}
