"""What changes of Gateways, routes and services do, by rows of the conformance tests."""

from __future__ import annotations

import pytest

from tests.discovery.providers.kubernetes_gateway.cluster import Cluster, service

CLASS = """
kind: GatewayClass
metadata: {name: ours, generation: 1}
spec: {controllerName: traefik.io/gateway-controller}
"""
HTTP = "{name: web, port: 80, protocol: HTTP}"
API = "{name: api, port: 8080, protocol: HTTP, hostname: api.test}"


def gateway(*listeners: str, generation: int = 1) -> str:
    return f"""
kind: Gateway
metadata: {{name: gw, generation: {generation}}}
spec: {{gatewayClassName: ours, listeners: [{", ".join(listeners)}]}}
"""


def route(kind: str = "HTTPRoute", generation: int = 1) -> str:
    return f"""
kind: {kind}
metadata: {{name: r, generation: {generation}}}
spec: {{parentRefs: [{{name: gw}}], rules: [{{backendRefs: [{{name: one, port: 80}}]}}]}}
"""


def write_statuses(cluster: Cluster) -> None:
    """Store the statuses that are due, as the API server does."""
    for due in list(cluster.statuses.due(everything=True)):
        cluster.objects.put(due.resource, {**due.item, "status": due.status})
    cluster.apply()


@pytest.mark.parametrize(
    ("kind", "name", "changed"),
    [
        ("GatewayClass", "ours", CLASS.replace("generation: 1", "generation: 2")),
        ("Gateway", "gw", gateway(HTTP, generation=2)),
        ("HTTPRoute", "r", route(generation=2)),
        *((kind, "r", route(kind, 2)) for kind in ("GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")),
    ],
    ids=["class", "gateway", "http", "grpc", "tls", "tcp", "udp"],
)
def test_a_status_names_the_generation_that_was_observed(kind: str, name: str, changed: str) -> None:
    kinds = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
    cluster = Cluster(CLASS, gateway(HTTP), *map(route, kinds), service("one", "1.1.1.1"))
    write_statuses(cluster)
    assert list(cluster.statuses.due(everything=False)) == []
    cluster.apply(changed)
    (due,) = cluster.statuses.due(everything=False)
    assert (due.resource.kind, due.item["metadata"]["name"]) == (kind, name)
    (holder,) = due.status.get("parents") or [due.status]
    assert {each["observedGeneration"] for each in holder["conditions"]} == {2}


def test_listeners_may_come_and_go() -> None:
    cluster = Cluster(CLASS, gateway(HTTP), route(), service("one", "1.1.1.1"))
    requests = ("http://a.test/", "http://api.test:8080/")

    def served() -> tuple[list[str | int], dict[str, int]]:
        counts = {
            each["name"]: each["attachedRoutes"] for each in cluster.status_of("Gateway", "gw")["listeners"]
        }
        return [cluster.goes_to(url) for url in requests], counts

    assert served() == (["1.1.1.1", 404], {"web": 1})
    cluster.apply(gateway(HTTP, API, generation=2))
    assert served() == (["1.1.1.1", "1.1.1.1"], {"web": 1, "api": 1})
    cluster.apply(gateway(API, generation=3))
    assert served() == ([404, "1.1.1.1"], {"api": 1})


def test_a_service_may_be_headless_and_have_slices_made_by_hand() -> None:
    headless = service("one", "1.1.1.1").replace("clusterIP: 10.96.0.1", "clusterIP: None")
    assert "clusterIP: None" in headless
    other_family = """
kind: EndpointSlice
metadata: {name: one-ip6, labels: {kubernetes.io/service-name: one}}
addressType: IPv6
endpoints:
ports: [{name: '', port: 8080}]
"""
    cluster = Cluster(CLASS, gateway(HTTP), route(), headless, other_family)
    assert cluster.goes_to("http://a.test/") == "1.1.1.1"
    assert not cluster.texts
