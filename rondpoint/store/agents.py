"""The list of agents: each agent renews its entry while it runs."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import redis
from msgspec import Struct, field

from rondpoint.store.corrupt_keys import is_wrong_type
from rondpoint.store.decoding import decode_json
from rondpoint.store.keys import Keys

SILENT_AFTER = 10.0
"""Seconds after its last heartbeat until an agent no longer counts as alive."""

FORGOTTEN_AFTER = 3600
"""Seconds after its last heartbeat until the entry of an agent that did not end in order is removed."""


class ProviderStatus(Struct, frozen=True):
    """The status of one provider of an agent; `since` in Unix seconds, `message` says why it is retried."""

    state: Literal["starting", "ok", "retrying"]
    message: str = ""
    since: float = 0.0


Role = Literal["leader", "member", "standby"]
"""The leader publishes, a member writes its contribution for the leader, a standby writes nothing."""


class AgentStatus(Struct, frozen=True):
    """An agent's own report; times in Unix seconds, `contribution` is the setting `agent.name`."""

    name: str
    host: str
    pid: int
    started_at: float
    seen_at: float
    providers: dict[str, ProviderStatus] = field(default_factory=dict)
    role: Role = "standby"
    contribution: str = ""

    def alive(self, now: float) -> bool:
        """Return whether the agent's last heartbeat is recent; it sends one every second."""
        return now - self.seen_at <= SILENT_AFTER


_decoder = msgspec.json.Decoder(AgentStatus)


def write_agent(client: redis.Redis, keys: Keys, status: AgentStatus) -> None:
    """Store `status` under its name, and replace a key of another type. Raises redis.RedisError."""
    value = msgspec.json.encode(status)
    try:
        client.hset(keys.agents, status.name, value)
    except redis.ResponseError as error:
        if not is_wrong_type(error):
            raise
        client.delete(keys.agents)
        client.hset(keys.agents, status.name, value)


def remove_agent(client: redis.Redis, keys: Keys, name: str) -> None:
    """Remove the entry of an agent that ends in order. Raises redis.RedisError."""
    client.hdel(keys.agents, name)


def forget_silent_agents(client: redis.Redis, keys: Keys, now: float) -> None:
    """Remove the entries of agents that have been silent for FORGOTTEN_AFTER. Raises redis.RedisError."""
    silent = [
        name for name, agent in read_agents(client, keys).items() if now - agent.seen_at > FORGOTTEN_AFTER
    ]
    if silent:
        client.hdel(keys.agents, *silent)


def read_agents(client: redis.Redis, keys: Keys) -> dict[str, AgentStatus]:
    """Return all agents by name, without entries that cannot be decoded. Raises redis.RedisError."""
    fields: Any = client.hgetall(keys.agents)
    agents: dict[str, AgentStatus] = {}
    for name, value in sorted(fields.items()):
        try:
            agents[name.decode()] = decode_json(_decoder, value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
    return agents
