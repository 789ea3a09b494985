"""Where a container can be reached."""

from __future__ import annotations

import pytest

from discovery.container import Binding, Container
from discovery.decoding.report import Report
from discovery.labels.address import Address, Reach, locate
from tests.discovery.labels.containers import container

TWO = {"b": "10.0.1.1", "a": "10.0.0.1"}
BOUND = {80: (Binding("0.0.0.0", 8080), Binding("192.0.2.1", 8081)), 90: (Binding("192.0.2.1", 8082),)}

REACHED = [
    (container(), None, Reach(), Address("172.17.0.2", 80)),
    (container(ports=(80, 443)), 443, Reach(), Address("172.17.0.2", 443)),
    (container(ports=()), 8080, Reach(), Address("172.17.0.2", 8080)),
    (container(networks=TWO), None, Reach(), Address("10.0.0.1", 80)),
    (container(networks=TWO), None, Reach("b"), Address("10.0.1.1", 80)),
    (container(networks={"a": "", **TWO, "0": ""}), None, Reach(), Address("10.0.0.1", 80)),
    (container(networks={"host": ""}, network_mode="host"), None, Reach(), Address("127.0.0.1", 80)),
    (container(bindings=BOUND), None, Reach(use_bind_port_ip=True), Address("192.0.2.1", 8081)),
    (container(bindings=BOUND), 90, Reach(use_bind_port_ip=True), Address("192.0.2.1", 8082)),
    (container(bindings=BOUND), 90, Reach(), Address("172.17.0.2", 90)),
    (container(ports=()), None, Reach(), "it exposes no port"),
    (container(networks={}), None, Reach(), "it has no address in any network"),
]


@pytest.mark.parametrize(("given", "port", "reach", "expected"), REACHED)
def test_an_address(given: Container, port: int | None, reach: Reach, expected: Address | str) -> None:
    report = Report("docker", "container web", "label")
    assert locate(given, port, reach, report) == expected
    assert report.diagnostics == ()


def test_a_network_that_the_container_is_not_in_is_warned_about_and_the_first_by_name_is_used() -> None:
    report = Report("docker", "container web", "label")
    assert locate(container(networks=TWO), None, Reach("c"), report) == Address("10.0.0.1", 80)
    assert report.diagnostics[0].message == "it has no address in network c, so a is used"
    assert report.diagnostics[0].hint.startswith("its networks: a, b")


def test_a_port_that_is_not_bound_to_an_address_falls_back_to_the_containers_own_with_a_note() -> None:
    report = Report("docker", "container web", "label")
    given = container(bindings={80: (Binding("0.0.0.0", 8080),)})
    assert locate(given, None, Reach(use_bind_port_ip=True), report) == Address("172.17.0.2", 80)
    assert len(report.diagnostics) == 1
