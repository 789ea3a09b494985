"""Services, EndpointSlices and Secrets to servers and certificates."""

from typing import Any

import pytest

from rondpoint.model import ServerState
from tests.discovery.providers.kubernetes_ingress.decoding import (
    WEB,
    decode_all,
    messages,
    routes,
    urls,
)
from tests.lab.kubernetes.manifests import (
    TRAEFIK,
    Manifest,
    endpoint,
    endpoint_slice,
    ingress,
    node,
    secret,
    service,
)

NAMED = (("http", 80), ("admin", 9000))
TWO_PORTS = endpoint_slice(ports=(("http", 8080), ("admin", 9090)))

SERVERS: dict[str, tuple[list[Manifest], dict[str, Any], list[str]]] = {
    "by-number": ([ingress(port=80), service(ports=NAMED), TWO_PORTS], {}, ["http://10.1.0.1:8080"]),
    "by-name": ([ingress(port="admin"), service(ports=NAMED), TWO_PORTS], {}, ["http://10.1.0.1:9090"]),
    "unnamed-port": ([ingress(), *WEB], {}, ["http://10.1.0.1:8080"]),
    "several-endpoints": (
        [ingress(), service(), endpoint_slice("web", [endpoint("10.1.0.2"), endpoint("10.1.0.1")])],
        {},
        ["http://10.1.0.1:8080", "http://10.1.0.2:8080"],
    ),
    "several-slices": (
        [
            ingress(),
            service(),
            endpoint_slice("web", [endpoint("10.1.0.1")], name="a"),
            endpoint_slice("web", [endpoint("10.1.0.2"), endpoint("10.1.0.1")], name="b"),
        ],
        {},
        ["http://10.1.0.1:8080", "http://10.1.0.2:8080"],
    ),
    "not-serving": (
        [
            ingress(),
            service(),
            endpoint_slice("web", [endpoint("10.1.0.1", serving=False), endpoint("10.1.0.2", serving=True)]),
        ],
        {},
        ["http://10.1.0.2:8080"],
    ),
    "not-ready-but-serving": (
        [
            ingress(),
            service(),
            endpoint_slice("web", [endpoint("10.1.0.1", ready=False, serving=True, terminating=True)]),
        ],
        {},
        ["http://10.1.0.1:8080"],
    ),
    "https-by-number": (
        [ingress(port=443), service(ports=(("", 443),)), endpoint_slice(ports=(("", 8443),))],
        {},
        ["https://10.1.0.1:8443"],
    ),
    "https-by-name": (
        [
            ingress(port="https-web"),
            service(ports=(("https-web", 8000),)),
            endpoint_slice(ports=(("https-web", 8443),)),
        ],
        {},
        ["https://10.1.0.1:8443"],
    ),
    "scheme-annotation": (
        [ingress(), service(annotations={f"{TRAEFIK}service.serversscheme": "h2c"}), endpoint_slice()],
        {},
        ["h2c://10.1.0.1:8080"],
    ),
    "ipv6": (
        [ingress(), service(), endpoint_slice("web", [endpoint("fd00::1")])],
        {},
        ["http://[fd00::1]:8080"],
    ),
    "headless": ([ingress(), service(clusterIP="None"), endpoint_slice()], {}, ["http://10.1.0.1:8080"]),
    "native-annotation": (
        [ingress(), service(annotations={f"{TRAEFIK}service.nativelb": "true"}), endpoint_slice()],
        {},
        ["http://10.0.0.1:80"],
    ),
    "native-by-default": ([ingress(), *WEB], {"native_lb_by_default": True}, ["http://10.0.0.1:80"]),
    "native-by-default-but-not-here": (
        [ingress(), service(annotations={f"{TRAEFIK}service.nativelb": "false"}), endpoint_slice()],
        {"native_lb_by_default": True},
        ["http://10.1.0.1:8080"],
    ),
    "external-name": (
        [ingress(), service(type="ExternalName", externalName="api.example.com")],
        {"allow_external_name_services": True},
        ["http://api.example.com:80"],
    ),
    "empty-but-allowed": (
        [ingress(), service(), endpoint_slice("web", [endpoint("10.1.0.1", serving=False)])],
        {"allow_empty_services": True},
        [],
    ),
}


@pytest.mark.parametrize("case", SERVERS)
def test_servers(case: str) -> None:
    manifests, policy, expected = SERVERS[case]
    found = routes(*manifests, **policy)
    (name,) = found.services
    assert urls(found, name.removesuffix("@kubernetes")) == expected
    assert found.diagnostics == ()


def test_services_have_traefiks_names() -> None:
    assert list(routes(ingress(), *WEB).services) == ["default-web-80@kubernetes"]
    by_name = routes(ingress(port="http"), service(ports=NAMED), TWO_PORTS)
    assert list(by_name.services) == ["default-web-http@kubernetes"]


NONE: dict[str, tuple[list[Manifest], dict[str, Any], str]] = {
    "no-service": ([ingress()], {}, "the service default/web does not exist"),
    "no-such-port": ([ingress(port=81), *WEB], {}, "the service default/web has no port 81 (it has 80)"),
    "no-such-name": ([ingress(port="x"), *WEB], {}, "has no port x"),
    "no-endpoints": ([ingress(), service()], {}, "has no ready endpoints (start its pods, or set"),
    "external-name": (
        [ingress(), service(type="ExternalName", externalName="api.example.com")],
        {},
        "providers.kubernetesIngress.allowExternalNameServices",
    ),
    "headless-native": (
        [ingress(), service(clusterIP="None"), endpoint_slice()],
        {"native_lb_by_default": True},
        "has no cluster IP",
    ),
    "invalid-scheme": (
        [ingress(), service(annotations={f"{TRAEFIK}service.serversscheme": "ftp"}), endpoint_slice()],
        {},
        "expected one of http, https, h2c",
    ),
    "transport-not-allowed": (
        [ingress(), service(annotations={f"{TRAEFIK}service.serverstransport": "t@file"}), endpoint_slice()],
        {"cross_provider_namespaces": ("shop",)},
        "its namespace may not refer to objects of other providers",
    ),
    "other-namespace": (
        [ingress(), service(namespace="shop"), endpoint_slice(namespace="shop")],
        {},
        "the service default/web does not exist",
    ),
}


@pytest.mark.parametrize("case", NONE)
def test_services_that_cannot_be_used(case: str) -> None:
    manifests, policy, message = NONE[case]
    found = routes(*manifests, **policy)
    assert not found.routers
    assert not found.services
    assert message in messages(found)


def test_a_terminating_endpoint_drains() -> None:
    given = endpoint_slice(
        "web", [endpoint("10.1.0.1", serving=True, terminating=True), endpoint("10.1.0.2")]
    )
    found = routes(ingress(), service(), given)
    states = [server.state for server in found.services["default-web-80@kubernetes"].servers]
    assert states == [ServerState.DRAINING, ServerState.UP]


def test_a_node_port_is_reached_at_the_nodes() -> None:
    given = service(annotations={f"{TRAEFIK}service.nodeportlb": "true"}, type="NodePort")
    given["spec"]["ports"][0]["nodePort"] = 30080
    nodes = (node("n1", InternalIP="10.9.0.1", ExternalIP="1.2.3.4"), node("n2", InternalIP="10.9.0.2"))
    found = routes(ingress(), given, *nodes)
    assert urls(found) == ["http://10.9.0.1:30080", "http://10.9.0.2:30080"]
    without = routes(ingress(), given, *nodes, node_addresses=False)
    assert "the addresses of nodes are not read" in messages(without)


SERVICE_OPTIONS: dict[str, tuple[dict[str, str], str, object]] = {
    "pass-host-header": ({"service.passhostheader": "false"}, "pass_host_header", False),
    "transport": ({"service.serverstransport": "mtls@file"}, "servers_transport", "mtls@file"),
    "middlewares": ({"service.middlewares": "compress@file"}, "middlewares", ("compress@file",)),
}


@pytest.mark.parametrize("case", SERVICE_OPTIONS)
def test_annotations_of_services(case: str) -> None:
    written, field, expected = SERVICE_OPTIONS[case]
    annotations = {TRAEFIK + name: value for name, value in written.items()}
    found = routes(ingress(), service(annotations=annotations), endpoint_slice())
    assert getattr(found.services["default-web-80@kubernetes"], field) == expected
    assert found.diagnostics == ()


def test_sticky_sessions() -> None:
    annotations = {
        f"{TRAEFIK}service.sticky.cookie.name": "session",
        f"{TRAEFIK}service.sticky.cookie.secure": "true",
        f"{TRAEFIK}service.sticky.cookie.samesite": "lax",
    }
    found = routes(ingress(), service(annotations=annotations), endpoint_slice())
    sticky = found.services["default-web-80@kubernetes"].sticky
    assert sticky is not None
    assert (sticky.name, sticky.secure, sticky.same_site) == ("session", True, "lax")


def test_an_unknown_annotation_of_a_service_is_reported_once() -> None:
    annotated = service(annotations={f"{TRAEFIK}service.colour": "red"})
    found = routes(ingress("a"), annotated, endpoint_slice())
    assert messages(found).count("service.colour is unknown") == 1
    assert "Service default/web" in messages(found)


PAIR = {
    "tls.crt": "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----",
    "tls.key": "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----",
}


def test_certificates_are_read_from_secrets() -> None:
    (found,) = decode_all(ingress(tls=["web-tls"]), secret("web-tls", PAIR), *WEB)
    (pair,) = found.pairs
    assert (pair.cert_file, pair.key_file) == (PAIR["tls.crt"], PAIR["tls.key"])
    assert pair.path == "secret default/web-tls"
    assert found.routers


SECRETS: dict[str, tuple[Manifest | None, str]] = {
    "missing": (None, "the secret default/web-tls does not exist"),
    "of-another-namespace": (
        secret("web-tls", PAIR, namespace="shop"),
        "the secret default/web-tls does not exist",
    ),
    "without-key": (secret("web-tls", {"tls.crt": PAIR["tls.crt"]}), "has no tls.key in PEM"),
    "name-of-a-file": (
        secret("web-tls", {"tls.crt": "/etc/ssl/cert.pem", "tls.key": "/etc/ssl/key.pem"}),
        "has no tls.crt and no tls.key in PEM",
    ),
}


@pytest.mark.parametrize("case", SECRETS)
def test_secrets_without_a_certificate_are_reported_and_the_routes_stay(case: str) -> None:
    given, message = SECRETS[case]
    (found,) = decode_all(ingress(tls=["web-tls"]), *([given] if given else []), *WEB)
    assert found.pairs == ()
    assert found.routers
    assert message in found.diagnostics[0].message
    assert "spec.tls[0].secretName" in found.diagnostics[0].message


def test_a_section_without_secret_is_for_a_certificate_from_elsewhere() -> None:
    given = ingress()
    given["spec"]["tls"] = [{"hosts": ["web.test"]}]
    (found,) = decode_all(given, *WEB)
    assert found.diagnostics == ()
