import redis

from rondpoint.store.agents import (
    FORGOTTEN_AFTER,
    AgentStatus,
    ProviderStatus,
    forget_silent_agents,
    read_agents,
    remove_agent,
    write_agent,
)
from rondpoint.store.keys import Keys


def an_agent(name: str, seen_at: float) -> AgentStatus:
    return AgentStatus(
        name, "host", 7, 1.0, seen_at, {"docker": ProviderStatus("retrying", "unreachable", 2.0)}
    )


def test_an_agent_is_listed_until_it_leaves(client: redis.Redis, keys: Keys) -> None:
    write_agent(client, keys, an_agent("a", 5.0))
    assert read_agents(client, keys) == {"a": an_agent("a", 5.0)}
    remove_agent(client, keys, "a")
    assert read_agents(client, keys) == {}


def test_a_silent_agent_is_removed_from_the_list(client: redis.Redis, keys: Keys) -> None:
    write_agent(client, keys, an_agent("old", 10.0))
    write_agent(client, keys, an_agent("new", 20.0))
    forget_silent_agents(client, keys, 15.0 + FORGOTTEN_AFTER)
    assert list(read_agents(client, keys)) == ["new"]


def test_an_undecodable_entry_is_skipped(client: redis.Redis, keys: Keys) -> None:
    write_agent(client, keys, an_agent("a", 5.0))
    client.hset(keys.agents, "b", "?")
    assert list(read_agents(client, keys)) == ["a"]
