"""Registers, lists and removes the contributions of agents to an installation."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import redis
from msgspec import Struct

from rondpoint.store.keys import Keys, PublishedKeys
from rondpoint.store.read import parse_revision
from rondpoint.store.scripts import load_script
from rondpoint.store.sections import sections_of


class ContributionState(Struct, frozen=True):
    """The stored revision of a contribution, None if there is none, and whether an agent holds its lease."""

    revision: int | None
    lease_held: bool


def register_contribution(client: redis.Redis, keys: Keys, agent: str) -> None:
    """List the agent's contribution, and publish a wake-up signal if it is new. Raises redis.RedisError."""
    try:
        added = client.sadd(keys.contributions, agent)
    except redis.ResponseError as error:
        if "WRONGTYPE" not in str(error):
            raise
        client.delete(keys.contributions)
        added = client.sadd(keys.contributions, agent)
    if added:
        client.publish(keys.wakeups, agent)


def read_contributions(
    client: redis.Redis, keys: Keys, known: Collection[str] = ()
) -> dict[str, ContributionState]:
    """Return the listed contributions and those `known`, by their agents' names. Raises redis.RedisError."""
    names = sorted({*known, *_listed_agents(client, keys)})
    pipeline = client.pipeline(transaction=False)
    for name in names:
        contribution = keys.contribution(name)
        pipeline.get(contribution.revision)
        pipeline.exists(contribution.leader)
    replies: list[Any] = pipeline.execute(raise_on_error=False) if names else []
    for reply in replies:
        if isinstance(reply, Exception) and "WRONGTYPE" not in str(reply):
            raise reply
    return {
        name: ContributionState(parse_revision(stored), bool(held))
        for name, stored, held in zip(names, replies[::2], replies[1::2], strict=True)
    }


class ContributionRemover:
    """Removes contributions, for the leader."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._keys = keys
        self._script = load_script(client, "remove_contribution.lua")

    def remove(self, agent: str, lease: str) -> bool:
        """Remove a contribution, unless an agent holds its lease or `lease` is not the leader's.

        Return whether it was removed. Raises redis.RedisError.
        """
        contribution = self._keys.contribution(agent)
        keys = [
            self._keys.leader,
            contribution.leader,
            self._keys.contributions,
            *_keys_to_remove(contribution),
        ]
        return bool(self._script(keys=keys, args=[lease, agent]))


def _keys_to_remove(contribution: PublishedKeys) -> list[str]:
    return [
        contribution.revision,
        *sections_of(contribution).values(),
        contribution.diagnostics,
    ]


def _listed_agents(client: redis.Redis, keys: Keys) -> set[str]:
    try:
        members: Any = client.smembers(keys.contributions)
    except redis.ResponseError as error:
        if "WRONGTYPE" in str(error):
            # Each agent registers its contribution again.
            return set()
        raise
    return {member.decode(errors="replace") for member in members}
