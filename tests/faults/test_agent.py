"""Faults of the agent: it is killed, runs twice, or has a wrong clock while the configuration changes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Report, Start
from tests.faults.site import Site, new_site
from tests.lab.errors import LabError
from tests.lab.origin import http_response
from tests.lab.store import Store

YEARS = 365 * 86_400


def faketime() -> str:
    """Return the path of the library that gives programs another time. Raises LabError."""
    for path in Path("/usr/lib").glob("*/faketime/libfaketime.so.1"):
        return str(path)
    raise LabError("libfaketime is missing: apt-get install faketime")


def change_routes(site: Site, origin: Start, count: int) -> float:
    """Change the routes `count` times; return the longest time of convergence in seconds."""
    one, two, three = (origin(http_response(text)) for text in (b"one", b"two", b"three"))
    slowest = 0.0
    for number in range(count):
        site.routes.serve(*((one, two) if number % 2 else (two, three)))
        slowest = max(slowest, site.converge(site.routes.servers))
    return slowest


@pytest.fixture(scope="module")
def proxies(module_store: Store) -> Iterator[Site]:
    """Two proxies, shared by all tests of this module."""
    with new_site(module_store.url) as site:
        for _ in range(2):
            site.instance()
        yield site


@pytest.fixture
def running(proxies: Site, origin: Start) -> Site:
    """The proxies serve the configuration of an agent that has ended."""
    proxies.routes.serve(origin(http_response(b"first")))
    agent = proxies.agent(proxies.routes.flag)
    proxies.converge(proxies.routes.servers)
    agent.stop()
    return proxies


def test_an_agent_replaces_a_killed_one(running: Site, origin: Start, report: Report, full: bool) -> None:
    rounds, slowest = 10 if full else 2, 0.0
    with running.load(http2=4) as load:
        for _ in range(rounds):
            agent = running.agent(running.routes.flag)
            slowest = max(slowest, change_routes(running, origin, 2))
            agent.kill()
            # No agent publishes this change.
            running.routes.serve(origin(http_response(b"later")))
            load.wait_for(100)

        agent = running.agent(running.routes.flag)
        slowest = max(slowest, running.converge(running.routes.servers))
    report(f"the agent killed and started again, {rounds} times", load, converged=slowest)
    load.assert_no_failures()


def test_two_agents_run_at_once(running: Site, origin: Start, report: Report, full: bool) -> None:
    rounds, slowest = 10 if full else 2, 0.0
    with running.load() as load:
        agents = [running.agent(running.routes.flag) for _ in range(2)]
        for _ in range(rounds):
            slowest = max(slowest, change_routes(running, origin, 4))
            agents.pop(0).kill()
            slowest = max(slowest, change_routes(running, origin, 2))
            agents.append(running.agent(running.routes.flag))
            load.wait_for(50)
    report(f"two agents at once, one killed {rounds} times", load, converged=slowest)
    load.assert_no_failures()


@pytest.mark.parametrize("years", [-20, pytest.param(20, marks=pytest.mark.full)])
def test_an_agent_with_a_wrong_clock_publishes_changes(
    running: Site, module_store: Store, origin: Start, report: Report, tmp_path: Path, years: int
) -> None:
    clock = tmp_path / "clock"
    clock.write_text(f"{years * YEARS:+d}\n")
    # A wrong clock does not affect monotonic time.
    environment = {
        "LD_PRELOAD": faketime(),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    with running.load() as load:
        agent = running.agent(running.routes.flag, environment=environment)
        slowest = change_routes(running, origin, 3)
        print(agent.log)
        # The clock is corrected, and then wrong in the other direction.
        for offset in (0, -years * YEARS):
            clock.write_text(f"{offset:+d}\n")
            slowest = max(slowest, change_routes(running, origin, 3))
        module_store.restart()
        slowest = max(slowest, change_routes(running, origin, 2))
        load.wait_for(50)
    report(f"an agent whose clock is {years:+d} years off, and jumps", load, converged=slowest)
    load.assert_no_failures()
    print(agent.log)
