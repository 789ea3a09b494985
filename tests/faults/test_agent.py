"""The agent is killed, doubled, and told a wrong time, while the configuration changes and clients ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Report, Start
from tests.faults.site import Site, a_site
from tests.lab.errors import LabError
from tests.lab.origin import answer
from tests.lab.store import Store

YEARS = 365 * 86_400


def faketime() -> str:
    """The library that tells programs another time. Raises LabError."""
    for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1"):
        return str(path)
    raise LabError("libfaketime is missing: apt-get install faketime")


def changes(site: Site, origin: Start, count: int) -> float:
    """Changes the routes so many times; the longest time in seconds that one took everywhere."""
    one, two, three = (origin(answer(text)) for text in (b"one", b"two", b"three"))
    slowest = 0.0
    for number in range(count):
        site.routes.serve(*((one, two) if number % 2 else (two, three)))
        slowest = max(slowest, site.converge(site.routes.servers))
    return slowest


@pytest.fixture(scope="module")
def proxies(lasting_store: Store) -> Iterator[Site]:
    """Two proxies for all that agents do."""
    with a_site(lasting_store.url) as site:
        for _ in range(2):
            site.instance()
        yield site


@pytest.fixture
def running(proxies: Site, origin: Start) -> Site:
    """The proxies serve what an agent has told, which is gone again."""
    proxies.routes.serve(origin(answer(b"first")))
    agent = proxies.agent(proxies.routes.flag)
    proxies.converge(proxies.routes.servers)
    agent.stop()
    return proxies


def test_a_killed_agent_is_followed_by_another(
    running: Site, origin: Start, report: Report, full: bool
) -> None:
    rounds, slowest = 10 if full else 2, 0.0
    with running.load() as load:
        for _ in range(rounds):
            agent = running.agent(running.routes.flag)
            slowest = max(slowest, changes(running, origin, 2))
            agent.kill()
            # Nobody is there to tell of this one.
            running.routes.serve(origin(answer(b"later")))
            load.wait_for(100)

        agent = running.agent(running.routes.flag)
        slowest = max(slowest, running.converge(running.routes.servers))
    report(f"the agent killed and started again, {rounds} times", load, converged=slowest)
    load.nothing_failed()


def test_two_agents_at_once(running: Site, origin: Start, report: Report, full: bool) -> None:
    rounds, slowest = 10 if full else 2, 0.0
    with running.load() as load:
        agents = [running.agent(running.routes.flag) for _ in range(2)]
        for _ in range(rounds):
            slowest = max(slowest, changes(running, origin, 4))
            agents.pop(0).kill()
            slowest = max(slowest, changes(running, origin, 2))
            agents.append(running.agent(running.routes.flag))
            load.wait_for(50)
    report(f"two agents at once, one killed {rounds} times", load, converged=slowest)
    load.nothing_failed()


@pytest.mark.parametrize("years", [-20, pytest.param(20, marks=pytest.mark.full)])
def test_an_agent_with_a_wrong_clock(
    running: Site, lasting_store: Store, origin: Start, report: Report, tmp_path: Path, years: int
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(f"{years * YEARS:+d}\n")
    # Monotonic time is what a wrong clock leaves alone.
    environment = {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with running.load() as load:
        agent = running.agent(running.routes.flag, environment=environment)
        slowest = changes(running, origin, 3)
        print(agent.log)
        # It is set right, and wrong again.
        for offset in (0, -years * YEARS):
            clock.write_text(f"{offset:+d}\n")
            slowest = max(slowest, changes(running, origin, 3))
        lasting_store.restart()
        slowest = max(slowest, changes(running, origin, 2))
        load.wait_for(50)
    report(f"an agent whose clock is {years:+d} years off, and jumps", load, converged=slowest)
    load.nothing_failed()
    print(agent.log)
