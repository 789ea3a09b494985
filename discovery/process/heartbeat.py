"""The agent's sign of life in the store."""

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
"""Seconds between two signs of life, and between two looks at whether the store still is as it was left."""


def new_name() -> str:
    """What no other agent is called: in containers, hosts and process ids may well be the same."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


class Heartbeat:
    """One entry in the list of agents. Every method raises redis.RedisError."""

    def __init__(self, client: redis.Redis, keys: Keys, name: str, part: str) -> None:
        self._client = client
        self._keys = keys
        self._name = name
        self._part = part
        self._host = socket.gethostname()
        self._pid = os.getpid()
        self._started_at = time.time()
        self._tidied = False

    def beat(self, providers: Mapping[str, ProviderStatus], role: Role) -> None:
        """Say that this agent lives, what it does, and how its providers fare."""
        now = time.time()
        status = AgentStatus(
            self._name, self._host, self._pid, self._started_at, now, dict(providers), role, self._part
        )
        agents.write_agent(self._client, self._keys, status)
        if not self._tidied:
            agents.forget_silent_agents(self._client, self._keys, now)
            self._tidied = True

    def end(self) -> None:
        """Leave the list."""
        agents.remove_agent(self._client, self._keys, self._name)
