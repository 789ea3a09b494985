"""IngressRouteTCPs, IngressRouteUDPs, MiddlewareTCPs and ServersTransportTCPs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from discovery.merging.merge import merge
from discovery.providers.kubernetes_crd.names import PROVIDER
from rondpoint.configuration import Configuration
from rondpoint.model import ClientCertificate, Member, Middleware
from rondpoint.servers_transports.client_context import create_client_context
from rondpoint.store.client import connect
from rondpoint.store.keys import Keys
from rondpoint.store.publish import Publisher
from rondpoint.store.read import load
from rondpoint.tcp.model import TcpRouter, TcpServersTransport, TcpService
from rondpoint.tls.model import TlsDomain
from rondpoint.udp.model import UdpRouter
from tests.discovery.providers.kubernetes_crd.manifests import SEALER, decoded, errors, texts
from tests.discovery.providers.kubernetes_crd.test_tls import AUTHORITY, PAIR, SECRETS, completed
from tests.lab.store import Store

DNS = """
kind: Service
metadata: {name: dns}
spec:
  clusterIP: 10.96.0.53
  ports:
    - {name: dns-tcp, port: 53, protocol: TCP, nodePort: 30053}
    - {name: dns, port: 53, protocol: UDP, nodePort: 30054}
---
kind: EndpointSlice
metadata: {name: dns-abc, labels: {kubernetes.io/service-name: dns}}
ports: [{name: dns-tcp, port: 5300}, {name: dns, port: 5353}]
endpoints: [{addresses: [10.42.0.5], conditions: {ready: true}}]
"""


def tcp(routes: str, more: str = "", **policy: Any) -> Configuration:
    text = f"kind: IngressRouteTCP\nmetadata: {{name: db}}\nspec:\n  routes: [{routes}]\n"
    return completed(DNS, text + (f"  {more}\n" if more else ""), **policy)


def only_router(found: Configuration) -> TcpRouter:
    (router,) = found.tcp_routers.values()
    return router


def only_service(found: Configuration) -> TcpService:
    return found.tcp_services[only_router(found).service]


ALL = "match: HostSNI(`*`)"
SERVICE = "services: [{name: whoami, port: 80}]"


def addresses(service: TcpService) -> list[str]:
    return [server.address for server in service.servers]


def test_a_route_becomes_a_router_and_a_service() -> None:
    route = f"{{{ALL}, priority: 7, {SERVICE}, middlewares: [{{name: lan}}, {{name: few@file}}]}}"
    found = tcp(route, "entryPoints: [postgres]")
    assert found.diagnostics == ()
    router = only_router(found)
    assert router.name.startswith("default-db-")
    assert (router.rule.text, router.priority, router.entry_points) == ("HostSNI(`*`)", 7, ("postgres",))
    assert router.middlewares == ("default-lan@kubernetescrd", "few@file")
    assert (router.service, router.tls) == (router.name, False)
    assert addresses(only_service(found)) == ["10.42.0.1:8080", "10.42.0.2:8080"]


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("name: whoami, port: admin", ["10.42.0.1:9000", "10.42.0.2:9000"]),
        ("name: whoami, port: 80, nativeLB: true", ["10.96.0.7:80"]),
        ("name: dns, port: 53", ["10.42.0.5:5300"]),
        ("name: dns, port: dns-tcp", ["10.42.0.5:5300"]),
    ],
)
def test_servers_are_those_of_the_port(service: str, expected: list[str]) -> None:
    assert addresses(only_service(tcp(f"{{{ALL}, services: [{{{service}}}]}}"))) == expected


def test_options_of_a_service() -> None:
    options = "tls: true, proxyProtocol: {version: 1}, terminationDelay: 250"
    service = only_service(tcp(f"{{{ALL}, services: [{{name: whoami, port: 80, {options}}}]}}"))
    assert all(server.tls for server in service.servers)
    assert service.transport == TcpServersTransport("", termination_delay=0.25, proxy_protocol=1)
    for written, name in (("own", "default-own@kubernetescrd"), ("own@file", "own@file")):
        route = f"{{{ALL}, services: [{{name: whoami, port: 80, serversTransport: {written}}}]}}"
        assert only_service(tcp(route)).servers_transport == name


def test_several_services_share_by_weight_and_those_that_cannot_be_used_are_left_out() -> None:
    services = "{name: whoami, port: 80, weight: 3}, {name: absent, port: 1}, {name: dns, port: 53}"
    found = tcp(f"{{{ALL}, services: [{services}]}}")
    name = only_router(found).service.removesuffix("@kubernetescrd")
    assert only_service(found).members == (
        Member(f"{name}-whoami-80@kubernetescrd", 3),
        Member(f"{name}-dns-53@kubernetescrd"),
    )
    assert errors(found) == [
        "spec.routes[0].services[1] cannot be used: the service default/absent does not exist"
    ]
    assert len(found.tcp_services) == 3


def test_tls_has_certificate_options_and_domains() -> None:
    tls = "tls: {secretName: a, options: {name: strict}, certResolver: le, domains: [{main: a.test}]}"
    found = tcp(f"{{match: HostSNI(`a.test`), {SERVICE}}}", tls)
    assert errors(found) == []
    router = only_router(found)
    assert (router.tls, router.passthrough) == (True, False)
    assert (router.tls_options, router.cert_resolver) == ("default-strict@kubernetescrd", "le")
    assert router.tls_domains == (TlsDomain("a.test"),)
    [certificate] = found.certificates.values()
    assert certificate.key == f"sealed {len(PAIR.key)}"


def test_with_passthrough_the_certificate_is_not_read() -> None:
    found = tcp(f"{{match: HostSNI(`a.test`), {SERVICE}}}", "tls: {secretName: a, passthrough: true}")
    assert (only_router(found).passthrough, found.certificates, found.diagnostics) == (True, {}, ())


@pytest.mark.parametrize(
    ("route", "more", "message"),
    [
        (f"match: HostSNI(`a.test`), {SERVICE}", "", "has a HostSNI, but the router has no tls"),
        (f"match: Host(`a.test`), {SERVICE}", "", "spec.routes[0].match"),
        (SERVICE, "", "spec.routes[0] has no match"),
        (ALL, "", "spec.routes[0] names no service"),
        (f"{ALL}, services: [{{name: absent, port: 1}}]", "", "does not exist"),
        (f"{ALL}, services: [{{name: whoami, port: 81}}]", "", "has no port 81"),
        (f"{ALL}, services: [{{name: whoami@file, port: 80}}]", "", 'name="whoami@file" is not valid'),
        (f"{ALL}, services: [{{name: whoami, namespace: other, port: 80}}]", "", "is not allowed"),
        (f"{ALL}, services: [{{name: whoami, port: 80, tls: maybe}}]", "", 'tls="maybe" is not valid'),
        (f"{ALL}, {SERVICE}, middlewares: [{{name: lan, namespace: other}}]", "", "is not allowed"),
        (f"{ALL}, {SERVICE}", "tls: {options: {name: strict, namespace: other}}", "is not allowed"),
        (f"{ALL}, {SERVICE}", "tls: {passthrough: maybe}", 'spec.tls.passthrough="maybe" is not valid'),
        (f"{ALL}, {SERVICE}", "tls: yes please", 'tls="yes please" is not valid'),
    ],
)
def test_a_route_that_would_take_more_than_meant_is_left_out(route: str, more: str, message: str) -> None:
    found = tcp(f"{{{route}}}", more)
    assert found.tcp_routers == {}
    assert message in texts(found), texts(found)


def test_a_service_of_another_namespace_may_be_allowed() -> None:
    other = f"{{{ALL}, services: [{{name: absent, namespace: other, port: 80}}]}}"
    assert "the service other/absent does not exist" in texts(tcp(other, allow_cross_namespace=True))


def test_other_ingress_classes_are_passed_over() -> None:
    assert tcp(f"{{{ALL}, {SERVICE}}}", "ingressClassName: internal").tcp_routers == {}


def udp(routes: str, more: str = "") -> Configuration:
    text = f"kind: IngressRouteUDP\nmetadata: {{name: dns}}\nspec:\n  routes: [{routes}]\n"
    return completed(DNS, text + (f"  {more}\n" if more else ""))


def test_udp_routes() -> None:
    several = "{services: [{name: dns, port: 53, weight: 2}, {name: whoami, port: 80}]}"
    found = udp(f"{{services: [{{name: dns, port: 53}}]}}, {several}", "entryPoints: [dns]")
    assert found.diagnostics == ()
    names = ("default-dns-0@kubernetescrd", "default-dns-1@kubernetescrd")
    assert found.udp_routers == {name: UdpRouter(name, name, ("dns",)) for name in names}
    first, above = (found.udp_services[f"default-dns-{number}@kubernetescrd"] for number in (0, 1))
    assert [server.address for server in first.servers] == ["10.42.0.5:5353"]
    assert above.members == (
        Member("default-dns-1-dns-53@kubernetescrd", 2),
        Member("default-dns-1-whoami-80@kubernetescrd"),
    )


def test_a_udp_route_without_a_service_is_left_out() -> None:
    for route in ("{services: []}", "{services: [{name: absent, port: 53}]}"):
        found = udp(route)
        assert (found.udp_routers, found.udp_services) == ({}, {})
        assert "spec.routes[0] is left out" in errors(found)


def test_a_middleware_has_the_options_of_files() -> None:
    text = "kind: MiddlewareTCP\nmetadata: {name: lan}\nspec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}"
    found = completed(text)
    name = "default-lan@kubernetescrd"
    assert found.tcp_middlewares == {name: Middleware(name, "ipAllowList", {"sourceRange": ["10.0.0.0/8"]})}
    faulty = completed(text.replace("sourceRange", "sourceRanges"))
    assert faulty.tcp_middlewares[name].unusable


def transport(spec: str) -> tuple[Configuration, TcpServersTransport]:
    found = completed(f"kind: ServersTransportTCP\nmetadata: {{name: own}}\nspec: {{{spec}}}")
    return found, found.tcp_servers_transports["default-own@kubernetescrd"]


def test_a_transport_takes_certificates_from_secrets_and_seals_the_key() -> None:
    tls = "tls: {serverName: a.test, rootCAs: [{secret: ca}, {configMap: bundle}], certificatesSecrets: [a]}"
    found, own = transport(f"dialTimeout: 3s, dialKeepAlive: 5, proxyProtocol: {{version: 2}}, {tls}")
    assert (found.diagnostics, own.unserved) == ((), "")
    assert (own.dial_timeout, own.dial_keep_alive, own.proxy_protocol) == (3.0, 5.0, 2)
    assert own.tls is not None
    assert [text.strip() for text in own.tls.root_cas] == [AUTHORITY.strip()] * 2
    assert own.tls.certificate == ClientCertificate(PAIR.certificate, f"sealed {len(PAIR.key)}")


@pytest.fixture
def client(short_path: Path) -> Iterator[redis.Redis]:
    with Store(short_path) as store, connect(store.url) as client:
        yield client


def test_the_store_gets_the_key_of_a_transport_sealed(client: redis.Redis) -> None:
    keys, lease = Keys("test"), "7 agent"
    client.set(keys.leader, lease)
    provider = decoded(
        SECRETS,
        "kind: ServersTransportTCP\nmetadata: {name: own}\nspec: {tls: {certificatesSecrets: [a]}}",
        "kind: IngressRouteTCP\nmetadata: {name: db}\nspec:\n  routes:\n"
        f"    - {{{ALL}, services: [{{name: whoami, port: 80, tls: true, serversTransport: own}}]}}",
    )
    merged = merge({PROVIDER: provider}, ("web",))
    Publisher(client, keys, lambda: lease).write(merged)
    hashes = [name for name in client.keys("*") if client.type(name) == b"hash"]
    values = [value for name in hashes for value in client.hgetall(name).values()]
    assert any(b"sealed:v1:" in value for value in values)
    assert not any(b"PRIVATE KEY" in value for value in values)
    loaded = load(client, keys)
    assert loaded is not None
    ((service,),) = [loaded.state.tcp_services.values()]
    assert service.transport is not None
    assert service.transport.tls is not None
    assert service.transport.tls.certificate is not None
    key = service.transport.tls.certificate.key_file
    assert key.startswith("sealed:v1:")
    assert SEALER.open(key).strip() == PAIR.key.strip()
    create_client_context(service.transport.tls, http=False, open_key=SEALER.open)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ("tls: {rootCAs: [{secret: absent}]}", "the secret default/absent does not exist"),
        ("tls: {rootCAs: [/etc/ca.pem]}", "rootCAs is not valid"),
        ("tls: {rootcas: [/etc/ca.pem]}", "rootCAs is not valid"),
        ("tls: {certificatesSecrets: [a, b]}", "certificatesSecrets does not name one secret"),
        ("tls: {certificates: [{certFile: /a.pem, keyFile: /a.key}]}", "certificates is unknown"),
        ("tls: {Certificates: [{certFile: /a.pem, keyFile: /a.key}]}", "certificates is unknown"),
        ("tls: {spiffe: {ids: [a]}}", "tls: spiffe is not served yet"),
        ("tls: nope", "tls is not valid"),
        ("proxyProtocol: {version: 9}", "proxyProtocol is not valid"),
    ],
)
def test_a_transport_that_cannot_be_read_closes_its_services(spec: str, reason: str) -> None:
    found, own = transport(spec)
    assert own.unserved.startswith(reason)
    assert errors(found), texts(found)
    assert own.tls is None or (own.tls.certificate, own.tls.root_cas) == (None, ())


def test_no_spelling_of_an_option_of_http_transports_names_a_file_of_the_proxy() -> None:
    spec = "Certificates: [{certFile: /a.pem, keyFile: /a.key}], ROOTCAS: [/etc/ca.pem]"
    found = completed(f"kind: ServersTransport\nmetadata: {{name: own}}\nspec: {{{spec}}}")
    own = found.servers_transports["default-own@kubernetescrd"]
    assert (own.certificate, own.root_cas) == (None, ())
    assert own.unserved
