"""Who feeds the store: one entry per agent, renewed while it lives."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.decoding import decoded
from rondpoint.store.keys import Keys

SILENT_AFTER = 10.0
"""Seconds after its last sign at which an agent no longer counts as one that works."""

FORGOTTEN_AFTER = 3600
"""Seconds after its last sign at which an agent that left no word is dropped from the list."""


class ProviderStatus(Struct, frozen=True):
    """How one provider of an agent fares; `since` in Unix seconds, `message` says why it is retried."""

    state: Literal["starting", "ok", "retrying"]
    message: str = ""
    since: float = 0.0


Role = Literal["leader", "member", "standby"]
"""A leader publishes; a member writes its part, for the leader to publish; one on standby writes nothing."""


class AgentStatus(Struct, frozen=True):
    """An agent's own account of itself; times in Unix seconds, `part` the name that its settings give it."""

    name: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    providers: dict[str, ProviderStatus] = field(default_factory=dict)
    role: Role = "standby"
    part: str = ""

    def alive(self, now: float) -> bool:
        """Whether it has given a sign lately; it does so every second."""
        return now - self.seen_at <= SILENT_AFTER


_decoder = msgspec.json.Decoder(AgentStatus)


def write_agent(client: redis.Redis, keys: Keys, status: AgentStatus) -> None:
    """Store `status` under its name; a list that is none is begun anew. Raises redis.RedisError."""
    value = msgspec.json.encode(status)
    try:
        client.hset(keys.agents, status.name, value)
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        client.delete(keys.agents)
        client.hset(keys.agents, status.name, value)


def remove_agent(client: redis.Redis, keys: Keys, name: str) -> None:
    """An agent that ends in order takes its entry with it. Raises redis.RedisError."""
    client.hdel(keys.agents, name)


def forget_silent_agents(client: redis.Redis, keys: Keys, now: float) -> None:
    """Drop the entries of agents that have been silent for FORGOTTEN_AFTER. Raises redis.RedisError."""
    silent = [
        name for name, agent in read_agents(client, keys).items() if now - agent.seen_at > FORGOTTEN_AFTER
    ]
    if silent:
        client.hdel(keys.agents, *silent)


def read_agents(client: redis.Redis, keys: Keys) -> dict[str, AgentStatus]:
    """All agents by name; an entry that cannot be decoded is passed over. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.agents)
    agents: dict[str, AgentStatus] = {}
    for name, value in sorted(fields.items()):
        try:
            agents[name.decode()] = decoded(_decoder, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return agents
