"""Two agents with one store, as processes: killed, ended, paused, and with a wrong clock."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from rondpoint.store.agents import read_agents
from rondpoint.store.keys import Keys
from rondpoint.store.read import load
from tests.lab.processes import Process, Processes
from tests.lab.store import Store
from tests.lab.waiting import until

KEYS = Keys()
TAKEOVER_SECONDS = 5.0
"""Within this time after a leader's death another agent publishes."""
MAX_TRIES = 4
"""Attempts to meet a time limit: the machine may be busy."""


class Agents:
    """Starts agents, each with its own route file."""

    def __init__(self, processes: Processes, store: Store, client: redis.Redis, directory: Path) -> None:
        self._processes = processes
        self._store = store
        self._client = client
        self._directory = directory

    def write_routes(self, name: str, *hosts: str) -> None:
        """Write the route file of the agent `name`: a route for each host."""
        server = {"loadBalancer": {"servers": [{"url": "http://10.0.0.1"}]}}
        routers = {host: {"rule": f"Host(`{host}`)", "service": host} for host in hosts}
        file = self._directory / f"{name}.yml"
        new = file.with_suffix(".new")
        new.write_text(json.dumps({"http": {"routers": routers, "services": dict.fromkeys(hosts, server)}}))
        new.rename(file)

    def start(self, name: str, *flags: str, **environment: str) -> Process:
        return self._processes(
            "rondpoint",
            "agent",
            f"--redis.url={self._store.url}",
            f"--providers.file.filename={self._directory / f'{name}.yml'}",
            *flags,
            environment=environment,
        )

    def routes(self) -> set[str]:
        loaded = load(self._client, KEYS)
        return set() if loaded is None else {name.partition("@")[0] for name in loaded.state.routers}

    def wait_for_routes(self, *hosts: str) -> None:
        until(lambda: self.routes() == set(hosts), f"routes for {hosts}")

    def leader(self) -> int:
        """Wait for a leader and return its process id."""

        def found() -> int | None:
            agents = read_agents(self._client, KEYS)
            name = (self._client.get(KEYS.leader) or b"").decode().partition(" ")[2]
            return agents[name].pid if name in agents and agents[name].role == "leader" else None

        return until(found, "a leader")

    def roles(self) -> list[str]:
        return sorted(agent.role for agent in read_agents(self._client, KEYS).values())

    def wait_for_standby(self, process: Process) -> None:
        process.wait_for_line("this agent is on standby")


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


@pytest.fixture
def agents(processes: Processes, store: Store, client: redis.Redis, tmp_path: Path) -> Agents:
    return Agents(processes, store, client, tmp_path)


def start_two(agents: Agents) -> tuple[Process, Process]:
    """Start a leader that publishes `one`, and an agent on standby that would publish `two`."""
    agents.write_routes("one", "one")
    agents.write_routes("two", "two")
    first = agents.start("one")
    agents.wait_for_routes("one")
    second = agents.start("two")
    agents.wait_for_standby(second)
    return first, second


def check_takeover(agents: Agents, seconds: float, end: Callable[[Process], object]) -> None:
    """Check that after this end of a leader, another agent publishes in less than `seconds`.

    A slow attempt is repeated.
    """
    durations: list[float] = []
    while not durations or (durations[-1] >= seconds and len(durations) < MAX_TRIES):
        first, second = start_two(agents)
        assert agents.leader() == first.pid
        begun = time.monotonic()
        end(first)
        agents.wait_for_routes("two")
        durations.append(time.monotonic() - begun)
        assert agents.leader() == second.pid
        second.stop()
    assert durations[-1] < seconds, durations


def test_after_the_leaders_death_the_other_agent_publishes_within_five_seconds(agents: Agents) -> None:
    check_takeover(agents, TAKEOVER_SECONDS, Process.kill)


def test_an_agent_that_stops_hands_over_at_once(agents: Agents) -> None:
    def end(process: Process) -> None:
        process.signal(signal.SIGTERM)
        assert process.wait() == 0

    # The expiry of a lease would take three seconds.
    check_takeover(agents, 2.9, end)


def test_a_paused_leader_writes_nothing_after_it_continues(agents: Agents, client: redis.Redis) -> None:
    first, second = start_two(agents)
    first.signal(signal.SIGSTOP)
    agents.wait_for_routes("two")
    assert agents.leader() == second.pid
    revision = client.get(KEYS.revision)
    # When it continues, it first finds a change that it would publish.
    agents.write_routes("one", "late")
    first.signal(signal.SIGCONT)
    agents.wait_for_standby(first)
    until(lambda: agents.roles() == ["leader", "standby"], "two roles")
    agents.write_routes("one", "later")
    agents.write_routes("two", "new")
    agents.wait_for_routes("new")
    assert client.get(KEYS.revision) == str(int(revision or 0) + 1).encode(), "another agent has written"
    assert agents.leader() == second.pid
    # The agent on standby has followed its source all the time.
    second.kill()
    agents.wait_for_routes("later")


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_a_wrong_clock_has_no_effect(agents: Agents, tmp_path: Path, client: redis.Redis, hours: int) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "sitecustomize.py").write_text(
        f"import time\nright = time.time\ntime.time = lambda: right() + {hours * 3600}\n"
    )
    agents.write_routes("one", "one")
    agents.write_routes("two", "two")
    first = agents.start("one", PYTHONPATH=str(wrong))
    agents.wait_for_routes("one")
    assert abs(int(client.get(KEYS.revision) or 0) - time.time()) < 60
    second = agents.start("two")
    agents.wait_for_standby(second)
    first.kill()
    agents.wait_for_routes("two")
    third = agents.start("one", PYTHONPATH=str(wrong))
    agents.wait_for_standby(third)
    second.kill()
    agents.wait_for_routes("one")


def test_a_contribution_stays_while_its_agent_restarts(agents: Agents) -> None:
    agents.write_routes("north", "a")
    agents.write_routes("south", "b")
    agents.start("north", "--agent.name=north")
    agents.wait_for_routes("a")
    first = agents.start("south", "--agent.name=south")
    agents.wait_for_routes("a", "b")
    first.kill()
    # Meanwhile the changes of the other agent are published.
    agents.write_routes("north", "a", "c")
    agents.wait_for_routes("a", "b", "c")
    agents.write_routes("south", "d")
    agents.start("south", "--agent.name=south")
    agents.wait_for_routes("a", "c", "d")


def test_the_contribution_of_a_dead_leader_stays_for_the_configured_time(
    agents: Agents, client: redis.Redis
) -> None:
    agents.write_routes("north", "a")
    agents.write_routes("south", "b")
    first = agents.start("north", "--agent.name=north", "--agent.forgetAfter=10s")
    agents.wait_for_routes("a")
    second = agents.start("south", "--agent.name=south", "--agent.forgetAfter=10s")
    agents.wait_for_routes("a", "b")
    first.kill()
    second.wait_for_line("this agent is the leader")
    agents.write_routes("south", "b", "c")
    agents.wait_for_routes("a", "b", "c")
    agents.wait_for_routes("b", "c")
    assert client.smembers(KEYS.contributions) == {b"south"}
