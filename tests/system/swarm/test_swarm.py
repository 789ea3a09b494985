"""A real Swarm of two nodes: changes are served at once, and a rolling update under load fails no request."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPException
from typing import Any

import pytest

from discovery.providers.swarm import SwarmProvider
from rondpoint.configuration import Configuration
from rondpoint.model import ServerState
from rondpoint.settings import SwarmOptions
from tests.discovery.providers.supervised import Supervised, supervised
from tests.lab.installation import Installation, start
from tests.lab.processes import Processes
from tests.lab.swarm import Swarm
from tests.lab.waiting import until

Create = Callable[..., Any]
PORT = {"traefik.http.services.x.loadbalancer.server.port": "80"}

REFRESH = 600.0
"""Seconds between readings without an event: longer than any of these tests."""

pytestmark = pytest.mark.timeout(300)


def rule(host: str) -> dict[str, str]:
    return {**PORT, "traefik.http.routers.x.rule": f"Host(`{host}`)"}


def named(name: str) -> dict[str, str]:
    """Return labels with a router and a service of this name, and the rule `Host(NAME.test)`."""
    return {key.replace(".x.", f".{name}."): value for key, value in rule(f"{name}.test").items()}


@pytest.fixture(scope="module")
def provider(swarm: Swarm) -> Iterator[Supervised]:
    options = SwarmOptions(endpoint=swarm.manager.socket_url, refresh_seconds=REFRESH)
    with supervised(SwarmProvider(options)) as running:
        running.until_ok()
        yield running


@pytest.fixture(scope="module")
def proxy(swarm: Swarm, running: Processes) -> Installation:
    return start(
        running,
        *("--providers.docker=false", f"--providers.swarm.endpoint={swarm.manager.socket_url}"),
        f"--providers.swarm.refreshSeconds={REFRESH}",
        engine=swarm.gateway,  # type: ignore[arg-type]
    )


def states(configuration: Configuration, name: str) -> Counter[ServerState]:
    service = configuration.services.get(f"{name}@swarm")
    return Counter(server.state for server in service.servers) if service else Counter()


def test_tasks_of_all_nodes_are_followed_by_events(
    swarm: Swarm, create: Create, provider: Supervised
) -> None:
    """The next reading without an event would be minutes away."""
    service = create("followed", named("followed"), replicas=None)
    configuration = provider.until(lambda each: states(each, "followed") == {ServerState.UP: 2})
    assert configuration.routers["followed@swarm"].rule.text == "Host(`followed.test`)"
    swarm.wait_for(service, 2)
    began = time.monotonic()
    swarm.relabel(service, named("other"))
    provider.until(lambda each: "other@swarm" in each.routers and "followed@swarm" not in each.routers)
    assert time.monotonic() - began < REFRESH / 10
    service.remove()
    provider.until(lambda each: not each.services)


def test_a_drained_node_loses_its_tasks(swarm: Swarm, create: Create, provider: Supervised) -> None:
    create("moving", named("moving"), replicas=2)
    provider.until(lambda each: states(each, "moving") == {ServerState.UP: 2})
    before = {server.host for server in provider.configuration.services["moving@swarm"].servers}
    (worker,) = swarm.client.nodes.list(filters={"role": "worker"})
    specification = worker.attrs["Spec"]
    worker.update({**specification, "Availability": "drain"})
    try:
        configuration = provider.until(
            lambda each: (
                states(each, "moving") == {ServerState.UP: 2}
                and {server.host for server in each.services["moving@swarm"].servers} != before
            )
        )
    finally:
        worker.reload()
        worker.update({**specification, "Availability": "active"})
    assert len(configuration.services["moving@swarm"].servers) == 2


def test_a_rolling_update_fails_no_request(swarm: Swarm, create: Create, proxy: Installation) -> None:
    """The tutorial does the same with `start-first`, which is easier."""
    host = "rolling.test"
    service = create("rolling", named("rolling"), replicas=2)
    before = swarm.wait_for(service, 2)
    proxy.wait_for_bodies(before, host)
    failures: list[object] = []
    seen: Counter[str] = Counter()
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            try:
                response = proxy.request(host, method="POST")
            except (OSError, HTTPException) as error:
                failures.append(error)
                continue
            seen[response.text] += 1
            if response.status != 200:
                failures.append(response)

    senders = [threading.Thread(target=send) for _ in range(2)]
    for sender in senders:
        sender.start()
    swarm.update(service, "stop-first")
    until(lambda: swarm.update_state(service) == "completed", "the end of the update")
    after = swarm.wait_for(service, 2)
    proxy.wait_for_bodies(after, host)
    stop.set()
    for sender in senders:
        sender.join()
    service.remove()
    assert failures == []
    assert before | after <= seen.keys()
    assert before.isdisjoint(after)


def test_a_virtual_ip_is_the_only_server(create: Create, provider: Supervised) -> None:
    """Only its address is tested: kernels of small machines often lack IPVS, which balances behind it."""
    service = create("vip", {**named("vip"), "traefik.swarm.lbswarm": "true"}, replicas=2)

    def addresses() -> list[str]:
        service.reload()
        # The manager assigns them after it has created the service.
        return [each["Addr"] for each in service.attrs["Endpoint"].get("VirtualIPs", ())]

    (virtual_ip,) = until(addresses, "the service's virtual address")
    configuration = provider.until(lambda each: bool(states(each, "vip")))
    (server,) = configuration.services["vip@swarm"].servers
    assert (f"{server.host}/24", server.name) == (virtual_ip, "vip")
