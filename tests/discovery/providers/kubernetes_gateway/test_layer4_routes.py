"""Where TCPRoutes, TLSRoutes and UDPRoutes lead connections, and what their statuses say."""

from __future__ import annotations

import base64

import pytest
import yaml

from discovery.kubernetes.resources import ALPHA_TCP_ROUTES, TCP_ROUTES, Resource
from tests.discovery.providers.kubernetes_gateway.cluster import Cluster, Told, conditions, service
from tests.lab.certificate import write_certificate

CLASS = """
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: traefik.io/gateway-controller}
"""
SERVICES = (
    CLASS,
    service("one", "1.1.1.1"),
    service("two", "2.2.2.2"),
    service("far", "3.3.3.3", "shop"),
    service("dns", "4.4.4.4", port=53, protocol="UDP"),
    "kind: Service\nmetadata: {name: idle}\nspec: {ports: [{port: 80}, {port: 53, protocol: UDP}]}",
)
KINDS = ("TCPRoute", "TLSRoute", "UDPRoute")
TCP = "{name: tcp, port: 8080, protocol: TCP}"
UDP = "{name: udp, port: 53, protocol: UDP}"
ATTACHED = {"Accepted": Told("True", "Accepted"), "ResolvedRefs": Told("True", "ResolvedRefs")}


def gateway(*listeners: str) -> str:
    return f"""
kind: Gateway
metadata: {{name: gw}}
spec: {{gatewayClassName: ours, listeners: [{", ".join(listeners)}]}}
"""


def tls(
    name: str = "tls", hostname: str = "", port: int = 443, options: str = "mode: Passthrough", more: str = ""
) -> str:
    host = f", hostname: '{hostname}'" if hostname else ""
    return f"{{name: {name}, port: {port}, protocol: TLS{host}, tls: {{{options}}}{more}}}"


ALL = gateway(TCP, UDP, tls())
"""A Gateway with a listener for each kind of route."""


def route(
    kind: str,
    backends: str = "{name: one, port: 80}",
    parent: str = "{name: gw}",
    hostnames: str = "[]",
    name: str = "r",
    created: str = "2026-01-01T00:00:00Z",
) -> str:
    hosts = f"hostnames: {hostnames}, " if kind == "TLSRoute" else ""
    return f"""
kind: {kind}
metadata: {{name: {name}, generation: 5, creationTimestamp: '{created}'}}
spec: {{parentRefs: [{parent}], {hosts}rules: [{{backendRefs: [{backends}]}}]}}
"""


def told(cluster: Cluster, kind: str, name: str = "r") -> dict[str, Told]:
    (parent,) = cluster.status_of(kind, name)["parents"]
    return conditions(parent)


@pytest.mark.parametrize(
    ("written", "of_route", "connections"),
    [
        ("", "[]", {"a.test": "1.1.1.1", "": "1.1.1.1"}),
        ("", "[a.test]", {"a.test": "1.1.1.1", "b.test": "closed", "": "closed"}),
        ("a.test", "[]", {"a.test": "1.1.1.1", "b.test": "closed", "": "closed"}),
        ("a.test", "[a.test, b.test]", {"a.test": "1.1.1.1", "b.test": "closed"}),
        ("A.Test", "[a.TEST]", {"a.test": "1.1.1.1"}),
        ("*.a.test", "[b.a.test]", {"b.a.test": "1.1.1.1", "c.a.test": "closed", "a.test": "closed"}),
        ("*.a.test", "['*.b.a.test']", {"c.b.a.test": "1.1.1.1", "c.a.test": "closed"}),
        ("b.a.test", "['*.a.test']", {"b.a.test": "1.1.1.1", "c.a.test": "closed"}),
        ("*.a.test", "[]", {"c.b.a.test": "1.1.1.1", "a.test": "closed", "xa.test": "closed"}),
    ],
)
def test_a_tls_route_serves_the_server_names_that_it_shares_with_a_listener(
    written: str, of_route: str, connections: dict[str, str]
) -> None:
    cluster = Cluster(*SERVICES, gateway(tls(hostname=written)), route("TLSRoute", hostnames=of_route))
    assert {name: cluster.connects_to(443, name) for name in connections} == connections
    assert cluster.connects_to(443) == "http"
    assert not cluster.texts
    assert told(cluster, "TLSRoute") == ATTACHED


def test_a_tcp_route_takes_all_of_its_port() -> None:
    cluster = Cluster(*SERVICES, gateway(TCP), route("TCPRoute"))
    assert (cluster.connects_to(8080), cluster.connects_to(8080, "a.test")) == ("1.1.1.1", "1.1.1.1")
    assert cluster.connection(8080).before_bytes
    assert cluster.connects_to(80) == "http"
    assert told(cluster, "TCPRoute") == ATTACHED
    assert not cluster.texts


def test_a_udp_route_takes_the_datagrams_of_its_entry_point() -> None:
    cluster = Cluster(*SERVICES, gateway(UDP), route("UDPRoute", "{name: dns, port: 53}"))
    (router,) = cluster.merged.udp_routers.values()
    assert router.entry_points == ("datagrams",)
    (server,) = cluster.merged.udp_services[router.service].servers
    assert server.address == "4.4.4.4:8080"
    assert told(cluster, "UDPRoute") == ATTACHED
    assert not cluster.texts


@pytest.mark.parametrize("kind", KINDS)
def test_a_route_attaches_to_listeners_of_its_protocol_only(kind: str) -> None:
    backend = "{name: dns, port: 53}" if kind == "UDPRoute" else "{name: one, port: 80}"
    http = "{name: web, port: 80, protocol: HTTP}"
    https = "{name: secure, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: none}]}}"
    cluster = Cluster(*SERVICES, gateway(http, https, TCP, UDP, tls()), route(kind, backend))
    wanted = kind.removesuffix("Route").lower()
    listeners = cluster.status_of("Gateway", "gw")["listeners"]
    attached = {each["name"]: each["attachedRoutes"] for each in listeners}
    assert attached == {"web": 0, "secure": 0, "tcp": 0, "udp": 0, "tls": 0} | {wanted: 1}
    (own,) = (each for each in listeners if each["name"] == wanted)
    assert own["supportedKinds"] == [{"group": "gateway.networking.k8s.io", "kind": kind}]
    cluster.apply(gateway(http, https))
    assert told(cluster, kind) == {**ATTACHED, "Accepted": Told("False", "NotAllowedByListeners")}
    assert not cluster.merged.tcp_routers
    assert not cluster.merged.udp_routers


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_the_experimental_channel_is_off_by_default(protocol: str) -> None:
    cluster = Cluster(*SERVICES, gateway(TCP if protocol == "TCP" else UDP), experimental=False)
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(own)["Accepted"] == Told("False", "UnsupportedProtocol")
    assert own["supportedKinds"] == []
    assert any("experimentalChannel" in text for text in cluster.texts)


FAULTS = [
    ("{name: none, port: 80}", "BackendNotFound"),
    ("{name: one, port: 81}", "BackendNotFound"),
    ("{name: one}", "UnsupportedProtocol"),
    ("{name: dns, port: 53}", "UnsupportedProtocol"),
    ("{name: far, namespace: shop, port: 80}", "RefNotPermitted"),
    ("{name: one, kind: Unknown, port: 80}", "InvalidKind"),
    ("{name: one, group: x.io, kind: Service, port: 80}", "InvalidKind"),
    ("{name: 'x@file', group: traefik.io, kind: TraefikService}", "RefNotPermitted"),
]


@pytest.mark.parametrize(("backend", "reason"), FAULTS, ids=[f"{n}-{row[1]}" for n, row in enumerate(FAULTS)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_backend_that_cannot_be_used_closes_its_share(kind: str, backend: str, reason: str) -> None:
    good = "{name: one, port: 80, weight: 9}"
    if kind == "UDPRoute":
        good = "{name: dns, port: 53, weight: 9}"
        backend = backend.replace("name: dns, port: 53", "name: one, port: 80")
    cluster = Cluster(*SERVICES, ALL, route(kind, f"{good}, {backend}"), cross_provider_namespaces=())
    assert told(cluster, kind) == {**ATTACHED, "ResolvedRefs": Told("False", reason)}
    services = cluster.merged.udp_services if kind == "UDPRoute" else cluster.merged.tcp_services
    (above,) = (each for each in services.values() if each.members)
    assert [member.weight for member in above.members] == [9, 1]
    fine, faulty = (services[member.name] for member in above.members)
    assert (len(fine.servers), fine.refuses, fine.unserved) == (1, False, "")
    assert (faulty.servers, faulty.refuses) == ((), True)
    assert faulty.unserved
    assert sum("its share" in each.hint for each in cluster.merged.diagnostics) == 1


@pytest.mark.parametrize(("kind", "port"), [("TCPRoute", 80), ("TLSRoute", 80), ("UDPRoute", 53)])
def test_a_service_without_endpoints_refuses_its_share(kind: str, port: int) -> None:
    cluster = Cluster(*SERVICES, ALL, route(kind, f"{{name: idle, port: {port}}}"))
    services = cluster.merged.udp_services if kind == "UDPRoute" else cluster.merged.tcp_services
    (own,) = (each for name, each in services.items() if "idle" in name)
    assert (own.servers, own.refuses, own.unserved) == ((), True, "")
    assert told(cluster, kind) == ATTACHED


def test_a_faulty_backend_alone_closes_its_connections() -> None:
    cluster = Cluster(*SERVICES, ALL, route("TCPRoute", "{name: none, port: 80}"))
    assert cluster.connects_to(8080) == "closed"
    cluster.apply(route("TCPRoute", ""))
    assert cluster.connects_to(8080) == "closed"
    assert any("has no backendRefs" in text for text in cluster.texts)


def test_backends_share_by_weight() -> None:
    backends = "{name: one, port: 80, weight: 3}, {name: two, port: 80}, {name: two, port: 80, weight: 0}"
    cluster = Cluster(*SERVICES, ALL, route("TLSRoute", backends))
    (above,) = (each for each in cluster.merged.tcp_services.values() if each.members)
    assert [member.weight for member in above.members] == [3, 1, 0]
    assert cluster.connects_to(443, "a.test") == "1.1.1.1,2.2.2.2"
    cluster.apply(route("TLSRoute", "{name: one, port: 80, weight: 0}"))
    (above,) = (each for each in cluster.merged.tcp_services.values() if each.members)
    assert [member.weight for member in above.members] == [0]


GRANT = """
kind: ReferenceGrant
metadata: {name: g, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: KIND, namespace: default}]
  to: [{group: '', kind: Service}]
"""


@pytest.mark.parametrize(("kind", "port"), [("TCPRoute", 8080), ("TLSRoute", 443)])
def test_a_grant_allows_a_reference_to_another_namespace(kind: str, port: int) -> None:
    backend = "{name: far, namespace: shop, port: 80}"
    cluster = Cluster(*SERVICES, ALL, route(kind, backend), GRANT.replace("KIND", "HTTPRoute"))
    name = None if port == 8080 else "a.test"
    assert cluster.connects_to(port, name) == "closed"
    cluster.apply(GRANT.replace("KIND", kind))
    assert cluster.connects_to(port, name) == "3.3.3.3"
    cluster.remove("ReferenceGrant", "shop", "g")
    assert cluster.connects_to(port, name) == "closed"


@pytest.mark.parametrize("kind", KINDS)
def test_services_of_other_providers_may_be_named(kind: str) -> None:
    backends = "{name: 'x@file', group: traefik.io, kind: TraefikService}"
    cluster = Cluster(*SERVICES, ALL, route(kind, backends), cross_provider_namespaces=("default",))
    found = cluster.configuration
    services = [router.service for router in found.tcp_routers.values()]
    services += [router.service for router in found.udp_routers.values()]
    assert "x@file" in services
    assert told(cluster, kind) == ATTACHED


def test_listeners_choose_the_namespaces_of_their_routes() -> None:
    of_shop = route("TCPRoute", "{name: far, port: 80}", "{name: gw, namespace: default}").replace(
        "name: r,", "name: r, namespace: shop,"
    )
    cluster = Cluster(*SERVICES, gateway(TCP), of_shop)
    assert cluster.connects_to(8080) == "http"
    cluster.apply(gateway(TCP.replace("}", ", allowedRoutes: {namespaces: {from: All}}}")))
    assert cluster.connects_to(8080) == "3.3.3.3"


def test_only_the_first_rule_takes_connections() -> None:
    two = route("TCPRoute").replace("}]}]}", "}]}, {backendRefs: [{name: two, port: 80}]}]}")
    cluster = Cluster(*SERVICES, gateway(TCP), two)
    assert cluster.connects_to(8080) == "1.1.1.1"
    assert any("rules after the first" in text for text in cluster.texts)


OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


@pytest.mark.parametrize(("one", "two", "winner"), [(OLD, NEW, "1.1.1.1"), (NEW, OLD, "2.2.2.2")])
@pytest.mark.parametrize(("kind", "port"), [("TCPRoute", 8080), ("TLSRoute", 443)])
def test_of_two_routes_alike_the_older_one_serves(
    kind: str, port: int, one: str, two: str, winner: str
) -> None:
    cluster = Cluster(
        *SERVICES,
        ALL,
        route(kind, name="one", created=one),
        route(kind, "{name: two, port: 80}", name="two", created=two),
    )
    assert cluster.connects_to(port, None if port == 8080 else "a.test") == winner


def test_the_more_specific_hostname_comes_first() -> None:
    cluster = Cluster(
        *SERVICES,
        gateway(tls()),
        route("TLSRoute", hostnames="['*.a.test']", name="wide"),
        route("TLSRoute", "{name: two, port: 80}", hostnames="['*.b.a.test', c.a.test]", name="narrow"),
    )
    expected = {"x.a.test": "1.1.1.1", "x.b.a.test": "2.2.2.2", "c.a.test": "2.2.2.2", "b.a.test": "1.1.1.1"}
    assert {name: cluster.connects_to(443, name) for name in expected} == expected


def test_a_listener_serves_no_server_name_of_a_more_specific_one() -> None:
    listeners = (tls("all"), tls("wide", "*.a.test"), tls("narrow", "b.a.test"))
    names = ("x.test", "c.a.test", "b.a.test")
    for section, served in zip(("all", "wide", "narrow"), names, strict=True):
        cluster = Cluster(
            *SERVICES,
            gateway(*listeners),
            route("TLSRoute", parent=f"{{name: gw, sectionName: {section}}}"),
        )
        assert [name for name in names if cluster.connects_to(443, name) == "1.1.1.1"] == [served]


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Secret with a certificate for a.test."""
    both = write_certificate(tmp_path_factory.mktemp("pair") / "both.pem", "DNS:a.test").read_bytes()
    start = both.index(b"-----BEGIN CERTIFICATE")
    certificate, key = (base64.b64encode(text).decode() for text in (both[start:], both[:start]))
    data = f"{{tls.crt: {certificate}, tls.key: {key}}}"
    return f"kind: Secret\nmetadata: {{name: cert}}\ntype: kubernetes.io/tls\ndata: {data}"


TERMINATE = "certificateRefs: [{name: cert}]"


def test_the_mode_of_a_listener_says_who_ends_tls(secret: str) -> None:
    listeners = (tls("ends", "a.test", options=TERMINATE), tls("passes", "b.test"))
    cluster = Cluster(*SERVICES, secret, gateway(*listeners), route("TLSRoute"))
    found = {name: cluster.connection(443, name) for name in ("a.test", "b.test")}
    assert {name: (each.outcome, each.passthrough) for name, each in found.items()} == {
        "a.test": ("tcp", False),
        "b.test": ("tcp", True),
    }
    (certificate,) = cluster.merged.certificates.values()
    assert certificate.names == ("a.test",)
    assert told(cluster, "TLSRoute") == ATTACHED


def test_a_listener_without_its_certificate_closes_its_server_names() -> None:
    listeners = (tls("ends", "a.test", options=TERMINATE), tls("passes"))
    cluster = Cluster(*SERVICES, gateway(*listeners), route("TLSRoute"))
    assert cluster.connects_to(443, "a.test") == "closed"
    assert cluster.connects_to(443, "b.test") == "1.1.1.1"
    ends, passes = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(ends)["ResolvedRefs"] == Told("False", "InvalidCertificateRef")
    assert (ends["attachedRoutes"], passes["attachedRoutes"]) == (1, 1)


@pytest.mark.parametrize(
    "listener",
    [
        "{name: x, port: 8080, protocol: TCP, tls: {mode: Passthrough}}",
        "{name: x, port: 80, protocol: HTTP, tls: {mode: Terminate}}",
        "{name: x, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}",
        "{name: x, port: 443, protocol: TLS, tls: {mode: Other}}",
    ],
)
def test_options_of_tls_that_a_protocol_does_not_have_close_the_listener(listener: str) -> None:
    cluster = Cluster(*SERVICES, gateway(listener), *map(route, KINDS))
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(own)["Accepted"] == Told("False", "UnsupportedValue")
    assert not cluster.merged.tcp_routers


HTTP = "{name: web, port: 8080, protocol: HTTP}"
CONFLICTS = [
    ((TCP, HTTP), ["", "ProtocolConflict"]),
    ((HTTP, TCP), ["", "ProtocolConflict"]),
    ((TCP, tls(port=8080)), ["", "ProtocolConflict"]),
    ((tls(port=8080), TCP), ["", "ProtocolConflict"]),
    ((TCP, TCP), ["", "HostnameConflict"]),
    ((UDP, UDP), ["", "HostnameConflict"]),
    ((tls(), tls(options="mode: Passthrough, options: {}")), ["", "HostnameConflict"]),
    ((tls(), "{name: s, port: 443, protocol: HTTPS, tls: {}}"), ["", "HostnameConflict"]),
    ((tls(), tls("other", "a.test")), ["", ""]),
    ((tls(port=53), UDP), ["", ""]),
    ((HTTP, tls(port=8080)), ["", ""]),
]


@pytest.mark.parametrize(("listeners", "reasons"), CONFLICTS, ids=[str(n) for n in range(len(CONFLICTS))])
def test_listeners_that_cannot_share_a_port_are_in_conflict(
    listeners: tuple[str, ...], reasons: list[str]
) -> None:
    cluster = Cluster(*SERVICES, gateway(*listeners), route("TCPRoute"))
    found = [conditions(each) for each in cluster.status_of("Gateway", "gw")["listeners"]]
    assert [each["Conflicted"].reason if "Conflicted" in each else "" for each in found] == reasons
    if any(reasons):
        assert found[1]["Programmed"] == Told("False", "Invalid")


@pytest.mark.parametrize(
    "listener", ["{name: x, port: 53, protocol: TCP}", "{name: x, port: 8080, protocol: UDP}"]
)
def test_entry_points_for_udp_are_for_udp_alone(listener: str) -> None:
    cluster = Cluster(*SERVICES, gateway(listener))
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert conditions(own)["Accepted"] == Told("False", "PortUnavailable")


def test_hosts_of_http_routes_come_before_unknown_server_names(secret: str) -> None:
    https = f"{{name: s, port: 443, protocol: HTTPS, hostname: a.test, tls: {{{TERMINATE}}}}}"
    http_route = (
        "kind: HTTPRoute\nmetadata: {name: h}\n"
        "spec: {parentRefs: [{name: gw}], rules: [{backendRefs: [{name: two, port: 80}]}]}"
    )
    cluster = Cluster(*SERVICES, secret, gateway(https, tls("t", "b.test")), http_route, route("TLSRoute"))
    expected = {"a.test": "http", "b.test": "1.1.1.1", "c.test": "closed"}
    assert {name: cluster.connects_to(443, name) for name in expected} == expected
    assert cluster.goes_to("https://a.test/") == "2.2.2.2"


POLICY = """
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: '', kind: Service, name: one}]
  validation: {hostname: one.test, WHO}
"""


def test_a_policy_demands_tls_to_servers_unless_clients_speak_it_with_them(secret: str) -> None:
    listeners = (TCP, tls("ends", "a.test", options=TERMINATE), tls("passes", "b.test"))
    policy = POLICY.replace("WHO", "wellKnownCACertificates: System")
    cluster = Cluster(*SERVICES, secret, gateway(*listeners), route("TLSRoute"), route("TCPRoute"), policy)
    found = [
        cluster.connection(443, "a.test"),
        cluster.connection(443, "b.test"),
        cluster.connection(8080),
    ]
    assert [server.tls for each in found for server in each.servers] == [True, False, True]
    service_ = cluster.merged.tcp_services[found[0].service]
    assert service_.transport is not None
    assert service_.transport.tls is not None
    assert (service_.transport.tls.server_name, service_.transport.tls.root_cas) == ("one.test", ())


def test_a_policy_that_cannot_be_applied_closes_connections(secret: str) -> None:
    listeners = (tls("ends", "a.test", options=TERMINATE), tls("passes", "b.test"))
    cluster = Cluster(*SERVICES, secret, gateway(*listeners), route("TLSRoute"), POLICY.replace("WHO", ""))
    assert (cluster.connects_to(443, "a.test"), cluster.connects_to(443, "b.test")) == ("closed", "1.1.1.1")
    assert told(cluster, "TLSRoute")["ResolvedRefs"] == Told("False", "RefNotPermitted")


@pytest.mark.parametrize(("one", "two", "winner"), [(OLD, NEW, "one"), (NEW, OLD, "two"), (OLD, OLD, "one")])
def test_of_two_udp_routes_the_older_one_serves(one: str, two: str, winner: str) -> None:
    backend = "{name: dns, port: 53}"
    cluster = Cluster(
        *SERVICES,
        gateway(UDP),
        route("UDPRoute", backend, name="one", created=one),
        route("UDPRoute", backend, name="two", created=two),
    )
    (router,) = cluster.merged.udp_routers
    assert router.startswith(f"udproute-default-{winner}-")
    loser = "two" if winner == "one" else "one"
    (text,) = cluster.texts
    assert text.startswith(f"UDPRoute default/{loser}: ")
    assert all(told(cluster, "UDPRoute", name) == ATTACHED for name in ("one", "two"))
    (own,) = cluster.status_of("Gateway", "gw")["listeners"]
    assert own["attachedRoutes"] == 2
    cluster.remove("UDPRoute", "default", winner)
    (router,) = cluster.merged.udp_routers
    assert router.startswith(f"udproute-default-{loser}-")


def test_an_older_udp_route_of_another_entry_point_takes_nothing_away() -> None:
    backend = "{name: dns, port: 53}"
    cluster = Cluster(
        *SERVICES,
        gateway(UDP, "{name: other, port: 5353, protocol: UDP}"),
        route("UDPRoute", backend, "{name: gw, sectionName: other}", name="one", created=OLD),
        route("UDPRoute", backend, "{name: gw, sectionName: udp}", name="two", created=NEW),
    )
    (router,) = cluster.merged.udp_routers
    assert router.startswith("udproute-default-two-")


def test_the_stable_version_of_a_route_hides_the_other_one() -> None:
    cluster = Cluster(*SERVICES, gateway(TCP))

    def put(resource: Resource, backend: str) -> None:
        item = yaml.safe_load(route("TCPRoute", f"{{name: {backend}, port: 80}}"))
        item.pop("kind")
        item["metadata"]["namespace"] = "default"
        cluster.objects.put(resource, item)
        cluster.apply()

    def due() -> set[Resource]:
        found = [each.resource for each in cluster.statuses.due(everything=True)]
        return {each for each in found if each.kind == "TCPRoute"}

    put(ALPHA_TCP_ROUTES, "one")
    assert (cluster.connects_to(8080), due()) == ("1.1.1.1", {ALPHA_TCP_ROUTES})
    put(TCP_ROUTES, "two")
    assert (cluster.connects_to(8080), due()) == ("2.2.2.2", {TCP_ROUTES})
    cluster.remove("TCPRoute", "default", "r")
    assert (cluster.connects_to(8080), due()) == ("1.1.1.1", {ALPHA_TCP_ROUTES})
