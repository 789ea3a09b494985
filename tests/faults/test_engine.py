"""Faults of the Docker engine: it restarts, its event stream is cut, or it sends many events at once."""

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
from tests.faults.site import Site, new_site
from tests.faults.sources import LABELS, servers_of_containers
from tests.lab.engine import Engine
from tests.lab.image import import_whoami
from tests.lab.relay import Relay
from tests.lab.store import Store


@pytest.fixture
def restartable() -> Iterator[Engine]:
    """An engine whose containers continue while it is down."""
    with Engine("restartable", live_restore=True) as engine:
        yield engine


@pytest.mark.parametrize(
    "stop_signal", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.full)]
)
def test_the_agent_catches_up_after_an_engine_restart(
    restartable: Engine,
    store: Store,
    report: Report,
    full: bool,
    stop_signal: signal.Signals,
) -> None:
    with new_site(store.url, restartable) as site, closing(restartable.client()) as client:
        image = import_whoami(client)
        site.follow_docker()
        for _ in range(2):
            site.instance()
        containers = [client.containers.run(image, detach=True, labels=LABELS) for _ in range(3)]
        site.converge(servers_of_containers("app@docker", containers))
        slowest = 0.0
        with site.load(posts=2) as load:
            for _ in range(3 if full else 1):
                load.wait_for(100)
                removed = containers.pop(0)
                restartable.end(stop_signal)
                load.wait_for(100)
                # A container ends, and no event reports it.
                os.kill(removed.attrs["State"]["Pid"], signal.SIGKILL)
                time.sleep(5 if full else 1)
                restartable.restart()
                slowest = max(slowest, site.converge(servers_of_containers("app@docker", containers)))
                containers.append(client.containers.run(image, detach=True, labels=LABELS))
                slowest = max(slowest, site.converge(servers_of_containers("app@docker", containers)))
                load.wait_for(100)
    name = f"the Docker engine restarted ({stop_signal.name}), a container dying meanwhile"
    report(name, load, converged=slowest, may_fail="POST: 502")
    assert all(failure.is_lost_post for failure in load.failures), load.describe_failures()


def test_the_agent_catches_up_after_its_event_stream_was_cut(
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
        site.converge(servers_of_containers("app@docker", containers))
        slowest = 0.0
        with site.load(posts=2) as load:
            for _ in range(rounds):
                load.wait_for(50)
                relay.cut_connections()
                containers.append(whoami(labels=LABELS))
                removed = containers.pop(0)
                removed.stop()
                slowest = max(slowest, site.converge(servers_of_containers("app@docker", containers)))
    name = f"the event stream cut while containers come and go, {rounds} times"
    report(name, load, converged=slowest, may_fail="POST: 502")
    # Without an event, a stopped container gets requests until it has ended.
    assert all(failure.is_lost_post for failure in load.failures), load.describe_failures()


def test_many_events_at_once_are_processed(
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
    site.converge(servers_of_containers("app@docker", steady))
    many = [
        docker_client.containers.create(whoami_image, labels={**LABELS, "number": str(number)})
        for number in range(count)
    ]
    try:
        with site.load(posts=2) as load, ThreadPoolExecutor(8) as pool:
            load.wait_for(50)
            began = time.monotonic()
            list(pool.map(Container.start, many))
            start_seconds = time.monotonic() - began
            started = site.converge(servers_of_containers("app@docker", [*steady, *many]))
            load.wait_for(50)
            list(pool.map(Container.kill, many))
            ended = site.converge(servers_of_containers("app@docker", steady))
            load.wait_for(50)
    finally:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda container: container.remove(force=True), many))
    name = f"{count} containers started within {start_seconds:.0f} s, and killed all at once"
    report(name, load, converged=max(started, ended), may_fail="POST: 502")
    assert all(failure.is_lost_post for failure in load.failures), load.describe_failures()
