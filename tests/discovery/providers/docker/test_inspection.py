from typing import Any

import pytest

from discovery.labels.container import Binding, Container
from discovery.providers.docker.host import LOOPBACK, host_address
from discovery.providers.docker.inspection import parse_inspection

DESCRIPTION: dict[str, Any] = {
    "Id": "0123456789abcdef",
    "Name": "/hello_webapp_1",
    "State": {
        "Status": "running",
        "StartedAt": "2026-01-01T00:00:00.123456789Z",
        "Health": {"Status": "starting", "Log": []},
    },
    "Config": {
        "Labels": {"traefik.port": "80"},
        "ExposedPorts": {"9000/tcp": {}, "80/tcp": {}, "53/udp": {}},
        "StopSignal": "SIGQUIT",
    },
    "HostConfig": {"NetworkMode": "hello_default"},
    "NetworkSettings": {
        "Networks": {"zeta": {"IPAddress": "10.1.0.2"}, "hello_default": {"IPAddress": "172.18.0.2"}},
        "Ports": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
            "9000/tcp": None,
            "53/udp": [{"HostIp": "", "HostPort": "53"}],
        },
    },
}


def test_all_fields_of_a_container_are_decoded() -> None:
    found = parse_inspection(DESCRIPTION)
    assert found.container == Container(
        id="0123456789abcdef",
        name="hello_webapp_1",
        labels={"traefik.port": "80"},
        networks={"hello_default": "172.18.0.2", "zeta": "10.1.0.2"},
        ports=(80, 9000),
        network_mode="hello_default",
        state="running",
        health="starting",
        bindings={80: (Binding("0.0.0.0", 8080), Binding("::", 8080))},
        udp_ports=(53,),
        udp_bindings={53: (Binding("", 53),)},
    )
    assert list(found.container.networks) == ["hello_default", "zeta"]
    assert found.started_at == "2026-01-01T00:00:00.123456789Z"
    assert found.stop_signal == 3


@pytest.mark.parametrize(
    "description",
    [
        {},
        {
            "Config": {"Labels": None, "ExposedPorts": None},
            "State": {"Health": None},
            "NetworkSettings": {"Networks": None, "Ports": None},
            "HostConfig": None,
        },
        {"NetworkSettings": {"Networks": {}, "Ports": {}}},
    ],
)
def test_missing_values_count_as_empty(description: dict[str, Any]) -> None:
    assert parse_inspection(description).container == Container(id="", name="", state="")


def test_a_network_without_an_address_has_an_empty_one() -> None:
    networks = {"a": {"IPAddress": ""}, "b": None, "c": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"}}
    found = parse_inspection({"NetworkSettings": {"Networks": networks}})
    assert found.container.networks == {"a": "", "b": "", "c": "fd00::2"}


def test_the_host_address_is_resolved_only_for_containers_in_host_mode() -> None:
    def nowhere() -> str:
        raise AssertionError("looked up")

    assert (
        parse_inspection({"HostConfig": {"NetworkMode": "bridge"}}, nowhere).container.host_address
        == LOOPBACK
    )
    in_host_mode = parse_inspection({"HostConfig": {"NetworkMode": "host"}}, lambda: "172.17.0.1").container
    assert in_host_mode.host_address == "172.17.0.1"


@pytest.mark.parametrize(
    ("known", "address"),
    [
        ({"host.docker.internal": "172.17.0.1", "host.containers.internal": "10.88.0.1"}, "172.17.0.1"),
        ({"host.containers.internal": "10.88.0.1"}, "10.88.0.1"),
        ({}, LOOPBACK),
    ],
)
def test_the_host_has_the_names_that_engines_give_it(known: dict[str, str], address: str) -> None:
    def resolve(name: str) -> str:
        if name not in known:
            raise OSError(name)
        return known[name]

    assert host_address(resolve) == address


def test_health_none_means_no_health_check() -> None:
    assert parse_inspection({"State": {"Health": {"Status": "none"}}}).container.health == ""
