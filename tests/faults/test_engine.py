"""The Docker engine restarts, its event stream is cut, and it has very much to tell at once."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from tests.faults.conftest import Report
from tests.faults.site import Site, a_site
from tests.faults.sources import LABELS, docker_servers
from tests.lab.engine import Engine
from tests.lab.image import import_whoami
from tests.lab.relay import Relay
from tests.lab.store import Store


@pytest.fixture
def restartable() -> Iterator[Engine]:
    """An engine whose containers live on while it is away."""
    with Engine("restartable", live_restore=True) as engine:
        yield engine


@pytest.mark.parametrize("how", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.full)])
def test_an_engine_that_restarts(
    restartable: Engine,
    store: Store,
    report: Report,
    full: bool,
    how: signal.Signals,
) -> None:
    with a_site(store.url, restartable) as site, closing(restartable.client()) as client:
        image = import_whoami(client)
        site.follow_docker()
        for _ in range(2):
            site.instance()
        containers = [client.containers.run(image, detach=True, labels=LABELS) for _ in range(3)]
        site.converge(docker_servers("app@docker", containers))
        slowest = 0.0
        with site.load(posts=2) as load:
            for _ in range(3 if full else 1):
                load.wait_for(100)
                gone = containers.pop(0)
                restartable.end(how)
                load.wait_for(100)
                # A container ends, and nothing tells of it.
                os.kill(gone.attrs["State"]["Pid"], signal.SIGKILL)
                time.sleep(5 if full else 1)
                restartable.start_again()
                slowest = max(slowest, site.converge(docker_servers("app@docker", containers)))
                containers.append(client.containers.run(image, detach=True, labels=LABELS))
                slowest = max(slowest, site.converge(docker_servers("app@docker", containers)))
                load.wait_for(100)
    name = f"the Docker engine restarted ({how.name}), a container dying meanwhile"
    report(name, load, converged=slowest, may_fail="POST: 502")
    assert all(failure.a_lost_post for failure in load.failures), load.story()


def test_an_event_stream_that_is_cut(
    docker_site: Site,
    engine: Engine,
    whoami: Callable[..., Container],
    short_path: Path,
    report: Report,
    full: bool,
) -> None:
    site, rounds = docker_site, 10 if full else 2
    with closing(Relay(short_path / "docker.sock", engine.socket_url)) as relay:
        site.follow_docker(relay.url)
        for _ in range(2):
            site.instance()
        containers = [whoami(labels=LABELS) for _ in range(3)]
        site.converge(docker_servers("app@docker", containers))
        slowest = 0.0
        with site.load(posts=2) as load:
            for _ in range(rounds):
                load.wait_for(50)
                relay.slam()
                containers.append(whoami(labels=LABELS))
                gone = containers.pop(0)
                gone.stop()
                slowest = max(slowest, site.converge(docker_servers("app@docker", containers)))
    name = f"the event stream cut while containers come and go, {rounds} times"
    report(name, load, converged=slowest, may_fail="POST: 502")
    # Without an event, a container that is told to end gets requests until it has.
    assert all(failure.a_lost_post for failure in load.failures), load.story()


def test_very_many_events_at_once(
    docker_site: Site,
    docker_client: docker.DockerClient,
    whoami: Callable[..., Container],
    whoami_image: str,
    report: Report,
    full: bool,
) -> None:
    site, count = docker_site, 300 if full else 12
    site.follow_docker()
    for _ in range(2):
        site.instance()
    steady = [whoami(labels=LABELS) for _ in range(2)]
    site.converge(docker_servers("app@docker", steady))
    many = [
        docker_client.containers.create(whoami_image, labels={**LABELS, "number": str(number)})
        for number in range(count)
    ]
    try:
        with site.load(posts=2) as load, ThreadPoolExecutor(8) as hands:
            load.wait_for(50)
            began = time.monotonic()
            list(hands.map(Container.start, many))
            told = time.monotonic() - began
            started = site.converge(docker_servers("app@docker", [*steady, *many]))
            load.wait_for(50)
            list(hands.map(Container.kill, many))
            ended = site.converge(docker_servers("app@docker", steady))
            load.wait_for(50)
    finally:
        with ThreadPoolExecutor(8) as hands:
            list(hands.map(lambda container: container.remove(force=True), many))
    name = f"{count} containers started within {told:.0f} s, and killed all at once"
    report(name, load, converged=max(started, ended), may_fail="POST: 502")
    assert all(failure.a_lost_post for failure in load.failures), load.story()
