"""Traefik 3 and Rondpoint make the same of the same files and labels for TCP and UDP.

Traefik's API says what it made of them. DIFFERENCES lists the intended differences. They are tested, too: a
listed difference that no longer exists is an error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import docker
import pytest
import yaml

from discovery import dynamic, labels
from discovery.labels.container import Container
from discovery.labels.options import LabelOptions
from discovery.merging.layer4_options import Layer4Options
from discovery.merging.merge import merge
from discovery.merging.union import unite
from discovery.providers.docker.inspection import parse_inspection
from discovery.providers.kubernetes_crd.decode import decode
from discovery.providers.kubernetes_crd.names import PROVIDER
from discovery.providers.kubernetes_crd.policy import Policy
from rondpoint.configuration import Configuration
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService
from tests.discovery.providers.kubernetes_crd.manifests import KINDS, Manifests
from tests.lab import http
from tests.lab.engine import Engine
from tests.lab.kubernetes.api_server import ApiServer
from tests.lab.kubernetes.custom_resources import GROUP, install
from tests.lab.kubernetes.manifests import manifest
from tests.lab.ports import free_port
from tests.lab.processes import Processes
from tests.lab.traefik import start_traefik
from tests.lab.waiting import until
from tests.system.tcp_configuration_of_traefik import (
    CLUSTER,
    DIFFERENCES,
    DIFFERENCES_OF_LABELS,
    DIFFERENCES_OF_ROUTES,
    FILE,
    LABELS,
    TCP_ROUTERS,
    TCP_ROUTES,
    UDP_ROUTERS,
    UDP_ROUTES,
)

LABEL_OPTIONS = LabelOptions("Host(`{{ .Name }}.test`)")
ENTRY_POINTS, UDP_ENTRY_POINTS = ("web", "other"), ("dns", "ntp")
LOST = None
"""What stands for a router that takes nothing."""


def merged(provider: str, configuration: Configuration) -> Configuration:
    return merge({provider: configuration}, ENTRY_POINTS, layer4=Layer4Options(UDP_ENTRY_POINTS))


def rawdata(processes: Processes, *flags: str, last: str, engine: Engine | None = None) -> dict[str, Any]:
    """Start Traefik and return its `/api/rawdata`, once the TCP router `last` is in it."""
    namespace = engine.namespace if engine else None
    admin, *ports = (free_port(namespace=namespace) for _ in range(4))
    points = zip(("other", "dns", "ntp"), ports, ("", "/udp", "/udp"), strict=True)
    start_traefik(
        processes,
        "--api.insecure=true",
        f"--entryPoints.traefik.address=127.0.0.1:{admin}",
        *(f"--entryPoints.{name}.address=127.0.0.1:{port}{protocol}" for name, port, protocol in points),
        "--entryPoints.web.asDefault=true",
        "--entryPoints.other.asDefault=true",
        *flags,
        engine=engine,
    )

    def read() -> dict[str, Any] | None:
        response = http.request(admin, "localhost", "/api/rawdata", namespace=namespace)
        found = json.loads(response.body) if response.status == 200 else {}
        return found if last in found.get("tcpRouters", {}) else None

    return until(read, "Traefik's configuration")


def qualified(name: str, provider: str) -> str:
    return name if "@" in name else f"{name}@{provider}"


def their_tcp_router(router: Mapping[str, Any], provider: str) -> object:
    if router["status"] == "disabled":
        return LOST
    tls = router.get("tls")
    options = (tls or {}).get("options", "")
    return (
        router["rule"],
        router["priority"],
        tuple(sorted(router.get("using", ()))),
        qualified(router["service"], provider),
        tuple(qualified(name, provider) for name in router.get("middlewares", ())),
        tls is not None,
        bool(tls and tls.get("passthrough")),
        "" if options in ("", "default") else qualified(options, provider),
        (tls or {}).get("certResolver", ""),
        tuple(domain["main"] for domain in (tls or {}).get("domains", ())),
    )


def our_tcp_router(router: TcpRouter | None) -> object:
    if router is None:
        return LOST
    return (
        router.rule.text,
        router.priority,
        tuple(sorted(router.entry_points or ENTRY_POINTS)),
        router.service,
        router.middlewares,
        router.tls,
        router.passthrough,
        router.tls_options,
        router.cert_resolver,
        tuple(domain.main for domain in router.tls_domains),
    )


def their_udp_router(router: Mapping[str, Any], provider: str) -> object:
    if router["status"] == "disabled":
        return LOST
    return tuple(sorted(router.get("using", ()))), qualified(router["service"], provider)


def our_udp_router(router: UdpRouter | None) -> object:
    return (
        LOST if router is None else (tuple(sorted(router.entry_points or UDP_ENTRY_POINTS)), router.service)
    )


def their_service(service: Mapping[str, Any], provider: str) -> object:
    balancer, weighted = service.get("loadBalancer", {}), service.get("weighted", {})
    transport = balancer.get("serversTransport", "")
    check = balancer.get("healthCheck")
    return (
        sorted((each["address"], each.get("tls", False)) for each in balancer.get("servers", ())),
        transport and qualified(transport, provider),
        balancer.get("proxyProtocol", {}).get("version", 0),
        balancer.get("terminationDelay", 100),
        check and (check.get("send", ""), check["interval"]),
        [(qualified(each["name"], provider), each.get("weight", 1)) for each in weighted.get("services", ())],
    )


def our_service(service: TcpService | UdpService) -> object:
    own = service.transport if isinstance(service, TcpService) and not service.servers_transport else None
    check = service.health_check if isinstance(service, TcpService) else None
    return (
        sorted((each.address, getattr(each, "tls", False)) for each in service.servers),
        service.servers_transport if isinstance(service, TcpService) else "",
        own.proxy_protocol if own else 0,
        round(own.termination_delay * 1000) if own else 100,
        check and (check.send, f"{check.interval:g}s"),
        [(each.name, each.weight) for each in service.members],
    )


@pytest.fixture(scope="module")
def running() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.stop()


class Both:
    """What both made of the same: Traefik's `/api/rawdata`, and Rondpoint's merged configuration."""

    def __init__(self, provider: str, theirs: dict[str, Any], ours: Configuration) -> None:
        self.provider = provider
        self.theirs = theirs
        self.ours = ours

    def tcp_router(self, name: str) -> tuple[object, object]:
        found = self.theirs["tcpRouters"].get(f"{name}@{self.provider}")
        mine = our_tcp_router(self.ours.tcp_routers.get(f"{name}@{self.provider}"))
        return LOST if found is None else their_tcp_router(found, self.provider), mine

    def udp_router(self, name: str) -> tuple[object, object]:
        found = self.theirs.get("udpRouters", {}).get(f"{name}@{self.provider}")
        mine = our_udp_router(self.ours.udp_routers.get(f"{name}@{self.provider}"))
        return LOST if found is None else their_udp_router(found, self.provider), mine

    def services(self, kind: str) -> tuple[dict[str, object], dict[str, object]]:
        ours: Mapping[str, TcpService | UdpService] = getattr(self.ours, f"{kind}_services")
        theirs = self.theirs.get(f"{kind}Services", {})
        return (
            {name: their_service(each, self.provider) for name, each in theirs.items()},
            {name: our_service(each) for name, each in ours.items()},
        )


@pytest.fixture(scope="module")
def files(running: Processes, tmp_path_factory: pytest.TempPathFactory) -> Both:
    path: Path = tmp_path_factory.mktemp("routes") / "routes.yml"
    path.write_text(yaml.safe_dump(FILE, allow_unicode=True))
    theirs = rawdata(running, f"--providers.file.filename={path}", last="resolver@file")
    return Both("file", theirs, merged("file", unite([dynamic.load_file(path, {})], "file")))


@pytest.mark.parametrize("name", TCP_ROUTERS)
def test_a_tcp_router_in_a_file(name: str, files: Both) -> None:
    theirs, ours = files.tcp_router(name)
    assert (theirs != ours) == (f"tcp {name}" in DIFFERENCES), (theirs, ours)


@pytest.mark.parametrize("name", UDP_ROUTERS)
def test_a_udp_router_in_a_file(name: str, files: Both) -> None:
    theirs, ours = files.udp_router(name)
    assert (theirs != ours) == (f"udp {name}" in DIFFERENCES), (theirs, ours)


def test_services_in_a_file(files: Both) -> None:
    for kind in ("tcp", "udp"):
        theirs, ours = files.services(kind)
        assert theirs == ours


def test_middlewares_in_a_file(files: Both) -> None:
    theirs = {name: next(iter(each)) for name, each in files.theirs["tcpMiddlewares"].items()}
    assert theirs == {name: each.kind for name, each in files.ours.tcp_middlewares.items()}


@pytest.fixture(scope="module")
def containers(
    running: Processes, docker_client: docker.DockerClient, engine: Engine, whoami_image: str
) -> Iterator[Both]:
    started = []
    try:
        for name, given in LABELS.items():
            own = {
                f"traefik.{key.replace('{n}', name)}": value.replace("{n}", name)
                for key, value in given.items()
            }
            started.append(docker_client.containers.run(whoami_image, detach=True, name=name, labels=own))
        theirs = rawdata(
            running,
            f"--providers.docker.endpoint={engine.socket_url}",
            "--providers.docker.defaultRule=Host(`{{ .Name }}.test`)",
            last="capitals@docker",
            engine=engine,
        )
        found = [parse_inspection(docker_client.api.inspect_container(each.id)) for each in started]
        yield Both(
            "docker", theirs, merged("docker", unite([_decode(each.container) for each in found], "docker"))
        )
    finally:
        for each in started:
            each.remove(force=True)


def _decode(container: Container) -> labels.Decoded:
    return labels.decode(container, LABEL_OPTIONS)


@pytest.mark.parametrize("name", LABELS)
def test_the_labels_of_a_container(name: str, containers: Both) -> None:
    theirs, ours = _all_of(name, containers)
    assert (theirs != ours) == (name in DIFFERENCES_OF_LABELS), (theirs, ours)


def _all_of(name: str, both: Both) -> tuple[object, object]:
    """Return everything of the container in Traefik and in Rondpoint."""
    tcp, udp = both.tcp_router(name), both.udp_router(name)
    found: list[list[object]] = [[tcp[0], udp[0]], [tcp[1], udp[1]]]
    for kind in ("tcp", "udp"):
        for place, services in zip(found, both.services(kind), strict=True):
            own = {key: each for key, each in services.items() if key.partition("@")[0] in _names(name)}
            place.append(own)
    http_routers = [
        {key for key, each in both.theirs.get("routers", {}).items() if each["status"] != "disabled"},
        set(both.ours.routers),
    ]
    for place, routers in zip(found, http_routers, strict=True):
        place.append(f"{name}@docker" in routers)
    return found[0], found[1]


def _names(container: str) -> set[str]:
    return {container, f"{container}-own", f"{container}-1", f"{container}-2"}


class Cluster(NamedTuple):
    """What both made of each object of a cluster, by its name."""

    theirs: dict[str, tuple[dict[str, object], dict[str, object]]]
    ours: dict[str, tuple[dict[str, object], dict[str, object]]]


@pytest.fixture(scope="module")
def cluster(running: Processes) -> Iterator[Cluster]:
    items = [item for item in yaml.safe_load_all(CLUSTER) if item is not None]
    for kind, routes in (("IngressRouteTCP", TCP_ROUTES), ("IngressRouteUDP", UDP_ROUTES)):
        items += [manifest(GROUP, kind, name, spec=yaml.safe_load(spec)) for name, spec in routes.items()]
    for item in items:
        item["metadata"].setdefault("namespace", "default")
    known = Manifests(*map(yaml.safe_dump, items))
    parts = [
        decode(Policy(), str, kind, item, known)
        for (kind, _, _), item in known.objects.items()
        if kind in KINDS
    ]
    ours = merged(PROVIDER, unite(parts, PROVIDER))
    with ApiServer() as api:
        install(api)
        api.apply(*items)
        last = next(name for name in ours.tcp_routers if "-plain-" in name)
        flag = f"--providers.kubernetesCRD.endpoint={api.url}"
        theirs = rawdata(running, flag, last=last)
    both = Both(PROVIDER, theirs, ours)
    yield Cluster(_by_object(both, 0), _by_object(both, 1))


def _by_object(both: Both, side: int) -> dict[str, tuple[dict[str, object], dict[str, object]]]:
    """Return the routers and services of Traefik (side 0) or Rondpoint (side 1) by their object's name."""
    routers = {name.partition("@")[0] for name in both.theirs["tcpRouters"] | dict(both.ours.tcp_routers)}
    routers |= {name.partition("@")[0] for name in both.theirs["udpRouters"] | dict(both.ours.udp_routers)}
    made = {name: both.tcp_router(name)[side] or both.udp_router(name)[side] for name in routers}
    served = {name for name, router in made.items() if router is not LOST}
    services = both.services("tcp")[side] | both.services("udp")[side]
    # Traefik keeps the services of routers that it does not serve.
    used = {
        name: each for name, each in services.items() if any(name.startswith(router) for router in served)
    }
    found = {}
    for own in (*TCP_ROUTES, *UDP_ROUTES):
        pattern = re.compile(rf"default-{own}-([0-9a-f]{{20}}|[0-9])(-|@|\Z)")
        found[own] = (
            {name: router for name, router in made.items() if pattern.match(name) and router is not LOST},
            {name: each for name, each in used.items() if pattern.match(name)},
        )
    return found


@pytest.mark.parametrize("name", [*TCP_ROUTES, *UDP_ROUTES])
def test_a_custom_resource(name: str, cluster: Cluster) -> None:
    theirs, ours = cluster.theirs[name], cluster.ours[name]
    assert (theirs != ours) == (name in DIFFERENCES_OF_ROUTES), (theirs, ours)


def test_custom_resources_are_served_at_all(cluster: Cluster) -> None:
    assert sum(bool(routers) for routers, _ in cluster.ours.values()) > 20


def test_differences_have_a_case() -> None:
    assert DIFFERENCES_OF_ROUTES.keys() <= TCP_ROUTES.keys() | UDP_ROUTES.keys()
    known = {f"tcp {name}" for name in TCP_ROUTERS} | {f"udp {name}" for name in UDP_ROUTERS}
    assert DIFFERENCES.keys() <= known
    assert DIFFERENCES_OF_LABELS.keys() <= LABELS.keys()
