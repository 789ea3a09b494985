"""Two agents on one store, as processes: killed, ended, paused, and with a clock that is wrong."""

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
TAKEOVER = 5.0
"""Seconds after a leader's death within which another one publishes."""
TRIES = 4
"""Of what has to be done in time, for a machine that has other things to do."""


class Agents:
    """Starts agents that each read a file of their own."""

    def __init__(self, processes: Processes, store: Store, client: redis.Redis, directory: Path) -> None:
        self._processes = processes
        self._store = store
        self._client = client
        self._directory = directory

    def route(self, name: str, *hosts: str) -> None:
        """What the agent called `name` reads: a route for each host."""
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

    def publish(self, *hosts: str) -> None:
        until(lambda: self.routes() == set(hosts), f"routes for {hosts}")

    def leader(self) -> int:
        """Its process id."""

        def found() -> int | None:
            agents = read_agents(self._client, KEYS)
            held = (self._client.get(KEYS.leader) or b"").decode().partition(" ")[2]
            return agents[held].pid if held in agents and agents[held].role == "leader" else None

        return until(found, "a leader")

    def roles(self) -> list[str]:
        return sorted(agent.role for agent in read_agents(self._client, KEYS).values())

    def standing_by(self, process: Process) -> None:
        process.wait_for_line("this agent is on standby")


@pytest.fixture
def client(store: Store) -> Iterator[redis.Redis]:
    with store.client() as client:
        yield client


@pytest.fixture
def agents(processes: Processes, store: Store, client: redis.Redis, tmp_path: Path) -> Agents:
    return Agents(processes, store, client, tmp_path)


def two(agents: Agents) -> tuple[Process, Process]:
    """One that leads and publishes `one`, and one that stands by and would publish `two`."""
    agents.route("one", "one")
    agents.route("two", "two")
    first = agents.start("one")
    agents.publish("one")
    second = agents.start("two")
    agents.standing_by(second)
    return first, second


def in_time(agents: Agents, seconds: float, end: Callable[[Process], object]) -> None:
    """After this end of a leader another one publishes, the first time or the next in less than `seconds`."""
    took: list[float] = []
    while not took or (took[-1] >= seconds and len(took) < TRIES):
        first, second = two(agents)
        assert agents.leader() == first.pid
        begun = time.monotonic()
        end(first)
        agents.publish("two")
        took.append(time.monotonic() - begun)
        assert agents.leader() == second.pid
        second.stop()
    assert took[-1] < seconds, took


def test_after_the_leaders_death_the_other_publishes_within_five_seconds(agents: Agents) -> None:
    in_time(agents, TAKEOVER, Process.kill)


def test_an_agent_that_ends_in_order_hands_over_at_once(agents: Agents) -> None:
    def end(process: Process) -> None:
        process.signal(signal.SIGTERM)
        assert process.wait() == 0

    # A lease that runs out takes three.
    in_time(agents, 2.9, end)


def test_a_leader_that_was_paused_writes_nothing_when_it_goes_on(agents: Agents, client: redis.Redis) -> None:
    first, second = two(agents)
    first.signal(signal.SIGSTOP)
    agents.publish("two")
    assert agents.leader() == second.pid
    revision = client.get(KEYS.revision)
    # What it finds first when it goes on is a change that it would publish.
    agents.route("one", "late")
    first.signal(signal.SIGCONT)
    agents.standing_by(first)
    until(lambda: agents.roles() == ["leader", "standby"], "two roles")
    agents.route("one", "later")
    agents.route("two", "new")
    agents.publish("new")
    assert client.get(KEYS.revision) == str(int(revision or 0) + 1).encode(), "nobody else has written"
    assert agents.leader() == second.pid
    # It has followed its source all the time.
    second.kill()
    agents.publish("later")


@pytest.mark.parametrize("hours", [-1000, 1000])
def test_a_clock_that_is_wrong_does_no_harm(
    agents: Agents, tmp_path: Path, client: redis.Redis, hours: int
) -> None:
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "sitecustomize.py").write_text(
        f"import time\nright = time.time\ntime.time = lambda: right() + {hours * 3600}\n"
    )
    agents.route("one", "one")
    agents.route("two", "two")
    first = agents.start("one", PYTHONPATH=str(wrong))
    agents.publish("one")
    assert abs(int(client.get(KEYS.revision) or 0) - time.time()) < 60
    second = agents.start("two")
    agents.standing_by(second)
    first.kill()
    agents.publish("two")
    third = agents.start("one", PYTHONPATH=str(wrong))
    agents.standing_by(third)
    second.kill()
    agents.publish("one")


def test_a_part_outlives_its_agents_restart(agents: Agents) -> None:
    agents.route("north", "a")
    agents.route("south", "b")
    agents.start("north", "--agent.name=north")
    agents.publish("a")
    first = agents.start("south", "--agent.name=south")
    agents.publish("a", "b")
    first.kill()
    # The other one's changes are published meanwhile.
    agents.route("north", "a", "c")
    agents.publish("a", "b", "c")
    agents.route("south", "d")
    agents.start("south", "--agent.name=south")
    agents.publish("a", "c", "d")


def test_a_dead_leaders_part_stays_for_the_time_that_is_set(agents: Agents, client: redis.Redis) -> None:
    agents.route("north", "a")
    agents.route("south", "b")
    first = agents.start("north", "--agent.name=north", "--agent.forgetAfter=10s")
    agents.publish("a")
    second = agents.start("south", "--agent.name=south", "--agent.forgetAfter=10s")
    agents.publish("a", "b")
    first.kill()
    second.wait_for_line("this agent is the leader")
    agents.route("south", "b", "c")
    agents.publish("a", "b", "c")
    agents.publish("b", "c")
    assert client.smembers(KEYS.contributions) == {b"south"}
