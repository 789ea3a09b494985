"""Which addresses are written into the status of Ingresses."""

from typing import Any

import pytest

from discovery.kubernetes.objects import Objects
from discovery.kubernetes.resources import NODES, SERVICES
from discovery.providers.kubernetes.cluster_view import ClusterView, Kinds
from discovery.providers.kubernetes_ingress.status import (
    StatusFault,
    is_current,
    status_with,
    wanted_addresses,
)
from rondpoint.settings import KubernetesIngressEndpoint
from rondpoint.settings.tree.section import read_section
from tests.lab.kubernetes.manifests import Manifest, ingress, node, service

PUBLISHED = {"published_service": "lb/traefik"}


def published(**spec: Any) -> Manifest:
    return service("traefik", namespace="lb", ports=(("web", 80),), **spec)


def node_port() -> Manifest:
    made = published(type="NodePort")
    made["spec"]["ports"][0]["nodePort"] = 30080
    return made


def with_balancer(*addresses: dict[str, str]) -> Manifest:
    return {**published(type="LoadBalancer"), "status": {"loadBalancer": {"ingress": list(addresses)}}}


WANTED: dict[str, tuple[dict[str, str], list[Manifest], object]] = {
    "ip": ({"ip": "192.0.2.1"}, [], [{"ip": "192.0.2.1"}]),
    "hostname": ({"hostname": "lb.test"}, [], [{"hostname": "lb.test"}]),
    "both": (
        {"ip": "192.0.2.1", "hostname": "lb.test"},
        [],
        [{"ip": "192.0.2.1", "hostname": "lb.test"}],
    ),
    "load-balancer": (PUBLISHED, [with_balancer({"ip": "192.0.2.2"})], [{"ip": "192.0.2.2"}]),
    "load-balancer-without-address": (PUBLISHED, [published(type="LoadBalancer")], None),
    "cluster-ip": (
        PUBLISHED,
        [published(externalIPs=["192.0.2.3"])],
        [{"ip": "192.0.2.3", "ports": [{"port": 80, "protocol": "TCP"}]}],
    ),
    "node-port": (
        PUBLISHED,
        [node_port(), node("b", ExternalIP="192.0.2.5"), node("a", InternalIP="10.0.0.1")],
        [{"ip": "192.0.2.5", "ports": [{"port": 30080, "protocol": "TCP"}]}],
    ),
    "external-name": (
        PUBLISHED,
        [published(type="ExternalName", externalName="lb.test")],
        [{"hostname": "lb.test"}],
    ),
}


def wanted(options: dict[str, str], manifests: list[Manifest], *, node_addresses: bool = True) -> object:
    objects = Objects()
    for each in manifests:
        objects.put(NODES if each["kind"] == "Node" else SERVICES, each)
    view = ClusterView(objects, Kinds((SERVICES, NODES)))
    return wanted_addresses(
        read_section(KubernetesIngressEndpoint, options), view, node_addresses=node_addresses
    )


@pytest.mark.parametrize("case", WANTED)
def test_wanted_addresses(case: str) -> None:
    options, manifests, expected = WANTED[case]
    assert wanted(options, manifests) == expected


FAULTS: dict[str, tuple[dict[str, str], list[Manifest], str]] = {
    "empty": ({}, [], "ingressEndpoint is empty"),
    "no-namespace": ({"published_service": "traefik"}, [], "is not valid"),
    "too-many-parts": ({"published_service": "a/b/c"}, [], "is not valid"),
    "missing": (PUBLISHED, [], "does not exist"),
    "unknown-type": (PUBLISHED, [published(type="New")], "of type New"),
    "nodes-not-read": (PUBLISHED, [node_port()], "no nodes are read"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults(case: str) -> None:
    options, manifests, message = FAULTS[case]
    found = wanted(options, manifests, node_addresses=case != "nodes-not-read")
    assert isinstance(found, StatusFault)
    assert message in found.message
    assert found.hint


def test_a_status_is_current_whatever_the_order_and_the_ports() -> None:
    one, two = {"ip": "192.0.2.1"}, {"hostname": "lb.test"}
    given = {**ingress(), "status": status_with([one, two])}
    assert is_current(given, [two, {**one, "ports": []}])
    assert not is_current(given, [one])
    assert not is_current(ingress(), [one])
    assert is_current(ingress(), [])
