"""Statuses are written by the agent that leads, and by no other. Two providers stand for two agents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from discovery.leadership import Leadership
from discovery.providers.contract import Provider
from discovery.providers.kubernetes.clusters import Clusters
from discovery.providers.kubernetes_gateway import KubernetesGatewayProvider
from discovery.providers.kubernetes_gateway.options import EntryPointAddress
from discovery.providers.kubernetes_ingress import KubernetesIngressProvider
from rondpoint.settings import KubernetesGatewayOptions, KubernetesIngressOptions
from rondpoint.settings.tree.section import read_section
from tests.discovery.providers.watching import Watched
from tests.lab.kubernetes import gateway_api
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.manifests import Manifest, endpoint_slice, ingress, service
from tests.lab.waiting import until


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer() as server:
        gateway_api.install(server)
        server.apply(service(), endpoint_slice(), gateway_api.gateway_class(), gateway_api.gateway())
        yield server


def of_ingresses(options: Mapping[str, Any], clusters: Clusters) -> Provider:
    endpoint = {"ingress_endpoint": {"ip": "192.0.2.1"}}
    return KubernetesIngressProvider(
        read_section(KubernetesIngressOptions, {**options, **endpoint}), str, clusters
    )


def of_gateways(options: Mapping[str, Any], clusters: Clusters) -> Provider:
    entry_points = {"web": EntryPointAddress(80, always_tls=False)}
    return KubernetesGatewayProvider(
        read_section(KubernetesGatewayOptions, options), entry_points, str, clusters
    )


class Kind:
    """A provider that writes statuses, and objects that get one."""

    def __init__(
        self,
        provider: Callable[[Mapping[str, Any], Clusters], Provider],
        make: Callable[[str], Manifest],
        written: Callable[[Mapping[str, Any]], bool],
    ) -> None:
        self.provider, self.make, self._written = provider, make, written

    def has_status(self, api: ApiServer, name: str) -> bool:
        return self._written(api.get(self.make(name)).get("status") or {})


KINDS = {
    "ingress": Kind(
        of_ingresses,
        lambda name: ingress(name, host=f"{name}.test"),
        lambda status: status == {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
    ),
    "gateway": Kind(
        of_gateways,
        lambda name: gateway_api.http_route(name, [f"{name}.test"]),
        lambda status: bool(status.get("parents")),
    ),
}


class Agent:
    """One agent's provider; requests show by its token which agent they come from."""

    def __init__(self, token: str, kind: Kind, api: ApiServer) -> None:
        self.token = token
        self.leadership = Leadership()
        self._api = api
        self._running = Watched(
            kind.provider({"endpoint": api.url, "token": token}, Clusters(self.leadership))
        )

    def __enter__(self) -> Agent:
        self._running.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.end()

    def see(self, count: int) -> None:
        """Wait until the routes are those of so many objects."""
        self._running.until(lambda found: len(found.routers) == count)

    @property
    def writes(self) -> list[str]:
        """The names of the objects whose statuses this agent has written."""
        asked = zip(self._api.requests, self._api.tokens, strict=False)
        return [
            request.split("/")[-2]
            for request, token in asked
            if request.startswith("PUT") and token == f"Bearer {self.token}"
        ]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def agents(kind: Kind, api: ApiServer) -> Iterator[tuple[Agent, Agent]]:
    """Two agents that both know the object `first`."""
    api.apply(kind.make("first"))
    with Agent("one", kind, api) as one, Agent("two", kind, api) as two:
        for agent in (one, two):
            agent.see(1)
        yield one, two


def test_nobody_writes_before_it_leads_and_the_leader_alone_afterwards(
    api: ApiServer, kind: Kind, agents: tuple[Agent, Agent]
) -> None:
    one, two = agents
    assert (one.writes, two.writes) == ([], [])
    one.leadership.extend(math.inf)
    until(lambda: kind.has_status(api, "first"), "the status")
    api.apply(kind.make("second"))
    until(lambda: kind.has_status(api, "second"), "the status of a new object")
    two.see(2)
    assert two.writes == []


def test_a_lost_leader_stops_and_the_next_one_writes_what_differs(
    api: ApiServer, kind: Kind, agents: tuple[Agent, Agent]
) -> None:
    one, two = agents
    one.leadership.extend(math.inf)
    until(lambda: kind.has_status(api, "first"), "the status")
    one.leadership.end()
    before = len(one.writes)
    api.apply(kind.make("second"))
    for agent in agents:
        agent.see(2)
    assert not kind.has_status(api, "second")
    two.leadership.extend(math.inf)
    until(lambda: kind.has_status(api, "second"), "the status by the next leader")
    assert len(one.writes) == before
    assert "first" not in two.writes
    assert two.writes.count("second") == 1


def test_what_waits_when_the_leadership_ends_is_not_written(
    api: ApiServer, kind: Kind, agents: tuple[Agent, Agent]
) -> None:
    one, two = agents
    one.leadership.extend(math.inf)
    until(lambda: kind.has_status(api, "first"), "the status")
    names = [f"more-{number}" for number in range(30)]
    with api.held_writes():
        api.apply(*map(kind.make, names))
        one.see(31)
        until(lambda: api.waiting_writes > 0, "a write that the API server has not answered")
        one.leadership.end()
    api.apply(kind.make("last"))
    one.see(32)
    written = [name for name in names if kind.has_status(api, name)]
    # The write that was on its way cannot be taken back.
    assert len(written) <= 1
    # Events come in order, so the second agent then knows what was written.
    api.apply(kind.make("after"))
    two.see(33)
    two.leadership.extend(math.inf)
    until(lambda: all(kind.has_status(api, name) for name in (*names, "last", "after")), "all statuses")
    assert not set(two.writes) & set(written)


def test_a_leader_that_returns_compares_again(
    api: ApiServer, kind: Kind, agents: tuple[Agent, Agent]
) -> None:
    one, _ = agents
    one.leadership.extend(math.inf)
    until(lambda: kind.has_status(api, "first"), "the status")
    one.leadership.end()
    cleared = {**api.get(kind.make("first")), "status": {}}
    api.apply(cleared)
    api.apply(kind.make("second"))
    one.see(2)
    assert not kind.has_status(api, "first")
    one.leadership.extend(math.inf)
    for name in ("first", "second"):
        until(lambda name=name: kind.has_status(api, name), "the status")
