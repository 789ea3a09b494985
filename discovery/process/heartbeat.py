"""The agent's heartbeat: its entry in the store's list of agents."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping

import redis

from rondpoint.store import agents
from rondpoint.store.agents import AgentStatus, ProviderStatus, Role
from rondpoint.store.keys import Keys

INTERVAL = 1.0
"""Seconds between two heartbeats, and between two checks that the store has lost no data."""


def unique_name() -> str:
    """Return a name that no other agent has; in containers, host name and process id are not unique."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


class Heartbeat:
    """One agent's entry in the list of agents. Every method raises redis.RedisError."""

    def __init__(self, client: redis.Redis, keys: Keys, name: str, agent_name: str) -> None:
        self._client = client
        self._keys = keys
        self._name = name
        self._agent_name = agent_name
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self._started_at = time.time()
        self._cleaned_up = False

    def beat(self, providers: Mapping[str, ProviderStatus], role: Role) -> None:
        """Write the entry: the time, the agent's role and the status of its providers."""
        now = time.time()
        status = AgentStatus(
            self._name, self._host, self._pid, self._started_at, now, dict(providers), role, self._agent_name
        )
        agents.write_agent(self._client, self._keys, status)
        if not self._cleaned_up:
            agents.forget_silent_agents(self._client, self._keys, now)
            self._cleaned_up = True

    def remove(self) -> None:
        """Remove the entry."""
        agents.remove_agent(self._client, self._keys, self._name)
