"""The address of a container, by networks, network modes and published ports."""

from __future__ import annotations

import pytest

from discovery.decoding.report import Report
from discovery.labels.container import Binding, Container
from discovery.labels.container_address import Address, AddressOptions, find_address, read_address_options
from tests.discovery.labels.containers import container, label_options

TWO = {"b": "10.0.1.1", "a": "10.0.0.1"}
BOUND = {80: (Binding("0.0.0.0", 8080), Binding("192.0.2.1", 8081)), 90: (Binding("192.0.2.1", 8082),)}

REACHED = [
    (container(), None, AddressOptions(), Address("172.17.0.2", 80)),
    (container(ports=(80, 443)), 443, AddressOptions(), Address("172.17.0.2", 443)),
    (container(ports=()), 8080, AddressOptions(), Address("172.17.0.2", 8080)),
    (container(networks=TWO), None, AddressOptions(), Address("10.0.0.1", 80)),
    (container(networks=TWO), None, AddressOptions("b"), Address("10.0.1.1", 80)),
    (container(networks={"a": "", **TWO, "0": ""}), None, AddressOptions(), Address("10.0.0.1", 80)),
    (container(networks={"host": ""}, network_mode="host"), None, AddressOptions(), Address("127.0.0.1", 80)),
    (
        container(network_mode="host", host_address="172.17.0.1"),
        81,
        AddressOptions(),
        Address("172.17.0.1", 81),
    ),
    (container(bindings=BOUND), None, AddressOptions(use_bind_port_ip=True), Address("192.0.2.1", 8081)),
    (container(bindings=BOUND), 90, AddressOptions(use_bind_port_ip=True), Address("192.0.2.1", 8082)),
    (container(bindings=BOUND), 90, AddressOptions(), Address("172.17.0.2", 90)),
    (container(ports=()), None, AddressOptions(), "it exposes no port"),
    (container(networks={}), None, AddressOptions(), "it has no address in any network"),
]


IN, OUT, OTHER = "172.17.0.2", "192.0.2.1", "192.0.2.2"
BINDINGS: list[tuple[int | None, dict[int, tuple[Binding, ...]], Address]] = [
    (None, {}, Address(IN, 80)),
    (None, {80: (Binding("", 8080),)}, Address(IN, 80)),
    (None, {80: (Binding("0.0.0.0", 8080), Binding("::", 8080))}, Address(IN, 80)),
    (None, {80: (Binding(OUT, 8080),)}, Address(OUT, 8080)),
    (None, {443: (Binding(OUT, 8443),)}, Address(IN, 80)),
    (90, {}, Address(IN, 90)),
    (90, {90: (Binding(OUT, 8090),)}, Address(OUT, 8090)),
    (90, {80: (Binding(OUT, 8080),)}, Address(IN, 90)),
    (90, {80: (Binding(OUT, 8080),), 443: (Binding(OTHER, 90),)}, Address(OTHER, 90)),
    (90, {90: (Binding("", 90),), 443: (Binding(OTHER, 90),)}, Address(OTHER, 90)),
]
"""Traefik's tables for useBindPortIP: the port in labels, the published ports, the address of requests."""


@pytest.mark.parametrize(("port", "bindings", "expected"), BINDINGS)
def test_a_published_port_is_used_if_the_settings_ask_for_it(
    port: int | None, bindings: dict[int, tuple[Binding, ...]], expected: Address
) -> None:
    given = container(bindings=bindings, ports=(80, 443))
    assert find_address(given, port, AddressOptions(use_bind_port_ip=True), Report("docker", "c")) == expected


@pytest.mark.parametrize(("given", "port", "address_options", "expected"), REACHED)
def test_an_address(
    given: Container, port: int | None, address_options: AddressOptions, expected: Address | str
) -> None:
    report = Report("docker", "container web", "label")
    assert find_address(given, port, address_options, report) == expected
    assert report.diagnostics == ()


@pytest.mark.parametrize("label", ["traefik.docker.network", "traefik.Docker.Network"])
def test_a_label_chooses_the_network_before_the_settings_do(label: str) -> None:
    options = label_options(network="a", use_bind_port_ip=True)
    assert read_address_options(container(labels={label: " b "}), options) == AddressOptions("b", True)
    assert read_address_options(container(labels={label: ""}), options) == AddressOptions("a", True)


def test_a_network_that_the_container_is_not_in_is_warned_about_and_the_first_by_name_is_used() -> None:
    report = Report("docker", "container web", "label")
    assert find_address(container(networks=TWO), None, AddressOptions("c"), report) == Address("10.0.0.1", 80)
    assert report.diagnostics[0].message == "it has no address in network c, so a is used"
    assert report.diagnostics[0].hint.startswith("its networks: a, b")


def test_a_port_that_is_not_bound_to_an_address_falls_back_to_the_containers_own_with_a_note() -> None:
    report = Report("docker", "container web", "label")
    given = container(bindings={80: (Binding("0.0.0.0", 8080),)})
    assert find_address(given, None, AddressOptions(use_bind_port_ip=True), report) == Address(
        "172.17.0.2", 80
    )
    assert len(report.diagnostics) == 1
