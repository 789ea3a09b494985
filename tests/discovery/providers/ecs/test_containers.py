"""What the containers of an ECS task become."""

from __future__ import annotations

from typing import Any

import pytest

from discovery import labels
from discovery.labels.constraints import parse
from discovery.labels.options import LabelOptions
from discovery.merging.union import unite
from discovery.providers.ecs.aws import Machine
from discovery.providers.ecs.containers import containers_of
from discovery.providers.ecs.provider import EcsProvider
from rondpoint.configuration import Configuration
from rondpoint.settings import EcsOptions
from rondpoint.settings.tree.section import read_section
from tests.lab.aws import make_task

ARN = "arn:aws:ecs:eu-west-1:1:container-instance/i-1"
RUNNING = {ARN: Machine("10.0.0.1", "running")}
PORTS = {443: 31001, 80: 31002}


def decoded(
    ports: dict[int, int], given: dict[str, str], own_network: bool = True, **options: Any
) -> Configuration:
    settings = read_section(EcsOptions, options)
    task, definition = make_task("my_shop", ports, given, own_network=own_network, address="10.0.0.1")
    group = containers_of(task, definition, RUNNING, settings.domain)
    label_options = LabelOptions(
        settings.default_rule,
        exposed_by_default=settings.exposed_by_default,
        domain=settings.domain,
        use_bind_port_ip=True,
    )
    parts = [labels.decode(each, label_options, parse(settings.constraints)) for each in group.containers]
    return unite(parts, "ecs")


def routes(found: Configuration) -> dict[str, list[str]]:
    return {
        router.rule.text: [f"{each.host}:{each.port}" for each in found.services[router.service].servers]
        for router in found.routers.values()
    }


V3_PORT = "traefik.http.services.x.loadbalancer.server.port"
DEFAULT = "Host(`service-my-shop-web`)"
CASES: dict[str, tuple[dict[int, int], dict[str, str], dict[str, Any], dict[str, list[str]]]] = {
    "the lowest port": (PORTS, {}, {}, {DEFAULT: ["10.0.0.1:31001"]}),
    "a port of the container": (PORTS, {V3_PORT: "80"}, {}, {DEFAULT: ["10.0.0.1:31002"]}),
    "another port": (PORTS, {V3_PORT: "9"}, {}, {DEFAULT: ["10.0.0.1:9"]}),
    "Traefik 1's port": (
        PORTS,
        {"traefik.port": "80"},
        {},
        {"Host:service-my-shop-web": ["10.0.0.1:31002"]},
    ),
    "Traefik 1's domain": (
        PORTS,
        {},
        {"domain": "ecs.test"},
        {"Host:service-my-shop-web.ecs.test": ["10.0.0.1:31001"]},
    ),
    "Traefik 1's rule": (PORTS, {"traefik.frontend.rule": "Host:a"}, {}, {"Host:a": ["10.0.0.1:31001"]}),
    "disabled": (PORTS, {"traefik.enable": "false"}, {}, {}),
    "not exposed": (PORTS, {}, {"exposedByDefault": False}, {}),
    "constraints": (PORTS, {"a": "b"}, {"constraints": "Label(`a`, `b`)"}, {DEFAULT: ["10.0.0.1:31001"]}),
    "other labels": (PORTS, {"a": "c"}, {"constraints": "Label(`a`, `b`)"}, {}),
    "no port": ({}, {}, {}, {}),
}


@pytest.mark.parametrize(("ports", "given", "options", "expected"), CASES.values(), ids=CASES)
@pytest.mark.parametrize("own_network", [True, False], ids=["own network", "machine"])
def test_routes_of_a_task(
    own_network: bool,
    ports: dict[int, int],
    given: dict[str, str],
    options: dict[str, Any],
    expected: dict[str, list[str]],
) -> None:
    assert routes(decoded(ports, given, own_network, **options)) == expected


STATES: dict[str, tuple[dict[str, Any], dict[str, Machine], bool, list[str]]] = {
    "running": ({}, RUNNING, True, ["running"]),
    "pending": ({"lastStatus": "PENDING"}, RUNNING, True, ["pending"]),
    "a stopped machine": ({}, {ARN: Machine("10.0.0.1", "stopped")}, False, ["stopped"]),
    "an unknown machine": ({}, {}, False, []),
    "a container without a definition": ({"containers": [{"name": "other"}]}, RUNNING, True, []),
}


@pytest.mark.parametrize(("more", "machines", "own_network", "expected"), STATES.values(), ids=STATES)
def test_the_state_is_that_of_task_or_machine(
    more: dict[str, Any], machines: dict[str, Machine], own_network: bool, expected: list[str]
) -> None:
    task, definition = make_task("shop", PORTS, own_network=own_network)
    group = containers_of(task | more, definition, machines)
    assert [each.state for each in group.containers] == expected
    unknown = "nothing is known of its container instance"
    assert [unknown in each.message for each in group.diagnostics] == ([True] if not machines else [])


@pytest.mark.parametrize(("status", "healthy"), [("HEALTHY", True), ("UNKNOWN", True), ("UNHEALTHY", False)])
def test_an_unhealthy_task_is_not_healthy(status: str, healthy: bool) -> None:
    task, definition = make_task("shop", PORTS)
    (container,) = containers_of(task | {"healthStatus": status}, definition, RUNNING).containers
    assert container.healthy == healthy


@pytest.mark.parametrize("status", ["HEALTHY", "UNKNOWN", "UNHEALTHY"])
def test_only_healthy_tasks_are_wanted_if_the_options_say_so(status: str) -> None:
    task = {"healthStatus": status}
    assert EcsProvider(EcsOptions())._is_wanted(task)
    assert EcsProvider(EcsOptions(healthy_tasks_only=True))._is_wanted(task) == (status == "HEALTHY")


def test_ports_of_udp_are_told_apart() -> None:
    given = {"traefik.udp.routers.dns.entrypoints": "dns", "traefik.tcp.routers.db.rule": "HostSNI(`*`)"}
    task, definition = make_task("my_shop", {443: 31001}, given, address="10.0.0.1")
    udp = {"containerPort": 53, "hostPort": 31053, "protocol": "udp"}
    definition["containerDefinitions"][0]["portMappings"].append(udp)
    (container,) = containers_of(task, definition, RUNNING, "").containers
    found = unite([labels.decode(container, LabelOptions("Host(`a`)", use_bind_port_ip=True))], "ecs")
    services = (*found.tcp_services.values(), *found.udp_services.values())
    addresses = [server.address for service in services for server in service.servers]
    assert (found.routers, addresses) == ({}, ["10.0.0.1:31001", "10.0.0.1:31053"])
