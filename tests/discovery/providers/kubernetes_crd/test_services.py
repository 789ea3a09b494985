"""References to Kubernetes services become services with servers, and TraefikServices composite ones."""

from typing import Any

import pytest

from rondpoint.model import FailoverErrors, HealthCheck, Member, Mirror, Mirroring, ServerState, StickyCookie
from tests.discovery.providers.kubernetes_crd.manifests import decoded, errors, texts

KINDS_OF_SERVICE = """
kind: Service
metadata: {name: external}
spec: {type: ExternalName, externalName: outside.test, ports: [{port: 443}]}
---
kind: Service
metadata: {name: bare-external}
spec: {type: ExternalName, externalName: outside.test}
---
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: headless-1, labels: {kubernetes.io/service-name: headless}}
ports: [{name: '', port: 8080}]
endpoints: [{addresses: ['fd00::7']}]
---
kind: Service
metadata: {name: nodes}
spec: {type: NodePort, clusterIP: 10.96.0.8, ports: [{port: 80, nodePort: 30080}]}
---
kind: Node
metadata: {name: n1}
status: {addresses: [{type: InternalIP, address: 192.168.0.4}, {type: ExternalIP, address: 1.2.3.4}]}
---
kind: Service
metadata: {name: secure}
spec: {clusterIP: 10.96.0.9, ports: [{name: https-web, port: 8443}, {name: plain, port: 443}]}
---
kind: EndpointSlice
metadata: {name: secure-1, labels: {kubernetes.io/service-name: secure}}
ports: [{name: https-web, port: 8443}, {name: plain, port: 443}]
endpoints: [{addresses: [10.42.0.3]}]
---
kind: Service
metadata: {name: mixed}
spec: {ports: [{name: web, port: 80}]}
---
kind: EndpointSlice
metadata: {name: mixed-1, labels: {kubernetes.io/service-name: mixed}}
ports: [{name: other, port: 1}, {name: web, port: 8080}]
endpoints:
  - {addresses: [10.42.0.5], conditions: {ready: true, serving: true}}
  - {addresses: [10.42.0.6], conditions: {ready: false, serving: false}}
  - {addresses: [10.42.0.7], conditions: {ready: false, serving: true, terminating: true}}
---
kind: EndpointSlice
metadata: {name: mixed-2, labels: {kubernetes.io/service-name: mixed}}
ports: [{name: web, port: 8080}]
endpoints: [{addresses: [10.42.0.5]}, {addresses: [10.42.0.8]}]
---
kind: Service
metadata: {name: idle}
spec: {ports: [{port: 80}]}
---
kind: EndpointSlice
metadata: {name: idle-1, labels: {kubernetes.io/service-name: idle}}
ports: null
endpoints: null
"""


def service(reference: str) -> str:
    """Return the manifest of a route to this service."""
    return f"""
kind: IngressRoute
metadata: {{name: web}}
spec: {{routes: [{{match: Host(`a.test`), services: [{reference}]}}]}}
"""


SERVERS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "a port by its number": (
        "{name: whoami, port: 80}",
        {},
        ["http://10.42.0.1:8080", "http://10.42.0.2:8080"],
    ),
    "a port by its name": (
        "{name: whoami, port: admin}",
        {},
        ["http://10.42.0.1:9000", "http://10.42.0.2:9000"],
    ),
    "a port whose name begins with https": ("{name: secure, port: 8443}", {}, ["https://10.42.0.3:8443"]),
    "port 443": ("{name: secure, port: 443}", {}, ["https://10.42.0.3:443"]),
    "a scheme": ("{name: secure, port: 443, scheme: h2c}", {}, ["h2c://10.42.0.3:443"]),
    "a headless service, over IPv6": ("{name: headless, port: 80}", {}, ["http://[fd00::7]:8080"]),
    "the cluster IP": ("{name: whoami, port: 80, nativeLB: true}", {}, ["http://10.96.0.7:80"]),
    "the cluster IP by default": (
        "{name: whoami, port: 80}",
        {"native_lb_by_default": True},
        ["http://10.96.0.7:80"],
    ),
    "pods where the cluster IP is the default": (
        "{name: secure, port: 443, nativeLB: false}",
        {"native_lb_by_default": True},
        ["https://10.42.0.3:443"],
    ),
    "an external name": (
        "{name: external, port: 443}",
        {"allow_external_name_services": True},
        ["https://outside.test:443"],
    ),
    "an external name without ports": (
        "{name: bare-external, port: 8080}",
        {"allow_external_name_services": True},
        ["http://outside.test:8080"],
    ),
    "nodes": ("{name: nodes, port: 80, nodePortLB: true}", {}, ["http://192.168.0.4:30080"]),
    "serving endpoints, each once": (
        "{name: mixed, port: 80}",
        {},
        ["http://10.42.0.5:8080", "http://10.42.0.7:8080", "http://10.42.0.8:8080"],
    ),
    "none, if the settings allow that": ("{name: idle, port: 80}", {"allow_empty_services": True}, []),
}


@pytest.mark.parametrize(("reference", "policy", "urls"), SERVERS.values(), ids=SERVERS.keys())
def test_servers_are(reference: str, policy: dict[str, Any], urls: list[str]) -> None:
    found = decoded(KINDS_OF_SERVICE, service(reference), **policy)
    assert errors(found) == []
    [router] = found.routers.values()
    assert [server.url for server in found.services[router.service].servers] == urls


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a service that does not exist": (
        "{name: absent, port: 80}",
        {},
        "the service default/absent does not exist",
    ),
    "a port that it does not have": (
        "{name: whoami, port: 81}",
        {},
        "the service default/whoami has no port 81",
    ),
    "a name of a port, where the number is meant": (
        "{name: whoami, port: '80'}",
        {},
        "the service default/whoami has no port 80",
    ),
    "no port": ("{name: whoami}", {}, "no port of the service default/whoami is named"),
    "an external name": (
        "{name: external, port: 443}",
        {},
        "the service default/external is of type ExternalName, which is not allowed",
    ),
    "a cluster IP that does not exist": (
        "{name: headless, port: 80, nativeLB: true}",
        {},
        "the service default/headless has no cluster IP",
    ),
    "no endpoints": ("{name: idle, port: 80}", {}, "the service default/idle has no ready endpoints"),
    "nodes that are not read": (
        "{name: nodes, port: 80, nodePortLB: true}",
        {"node_addresses": False},
        "the addresses of nodes are not read",
    ),
    "a health check of pods": (
        "{name: whoami, port: 80, healthCheck: {path: /health}}",
        {},
        "the service default/whoami is not of type ExternalName, the only one with a healthCheck",
    ),
}


@pytest.mark.parametrize(("reference", "policy", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_route_without_servers_is_left_out(reference: str, policy: dict[str, Any], message: str) -> None:
    found = decoded(KINDS_OF_SERVICE, service(reference), **policy)
    assert not found.routers
    assert f"spec.routes[0].services[0] cannot be used: {message}" in errors(found), texts(found)


OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "the host of the service": ("passHostHeader: false", {"pass_host_header": False}),
    "a strategy": ("strategy: p2c", {"strategy": "p2c"}),
    "the old name of round robin": ("strategy: RoundRobin", {"strategy": "wrr"}),
    "a sticky cookie": (
        "sticky: {cookie: {name: pin, httpOnly: true, secure: true, sameSite: none, maxAge: 9, path: /a}}",
        {"sticky": StickyCookie("pin", True, True, "none", 9, "/a")},
    ),
    "a flush interval": ("responseForwarding: {flushInterval: 1ms}", {"flush_interval": 0.001}),
    "a transport": ("serversTransport: mtls", {"servers_transport": "default-mtls@kubernetescrd"}),
    "a transport of a file": ("serversTransport: mtls@file", {"servers_transport": "mtls@file"}),
    "middlewares": ("middlewares: [{name: strip}]", {"middlewares": ("default-strip@kubernetescrd",)}),
}


@pytest.mark.parametrize(("options", "expected"), OPTIONS.values(), ids=OPTIONS.keys())
def test_options_of_the_load_balancer_are(options: str, expected: dict[str, Any]) -> None:
    found = decoded(service(f"{{name: whoami, port: 80, {options}}}"))
    assert errors(found) == []
    [only] = found.services.values()
    assert {name: getattr(only, name) for name in expected} == expected


def test_an_external_name_may_have_a_health_check() -> None:
    reference = "{name: external, port: 443, healthCheck: {path: /health, interval: 15, timeout: 2s}}"
    found = decoded(KINDS_OF_SERVICE, service(reference), allow_external_name_services=True)
    [only] = found.services.values()
    assert only.health_check == HealthCheck(path="/health", interval=15.0, timeout=2.0)


def test_a_pod_that_terminates_takes_no_new_clients() -> None:
    [only] = decoded(KINDS_OF_SERVICE, service("{name: mixed, port: 80}")).services.values()
    states = {server.host: server.state for server in only.servers}
    assert states["10.42.0.7"] is ServerState.DRAINING
    assert states["10.42.0.5"] is ServerState.UP


def test_a_transport_by_its_full_name_may_be_of_another_namespace() -> None:
    reference = "{name: whoami, port: 80, serversTransport: security-mtls@kubernetescrd}"
    assert not decoded(service(reference)).routers
    assert decoded(service(reference), allow_cross_namespace=True).routers


WEB, ADMIN = "default-whoami-80@kubernetescrd", "default-whoami-admin@kubernetescrd"
TWO = "[{name: whoami, port: 80, weight: 3}, {name: whoami, port: admin}]"
COMPOSITE: dict[str, tuple[str, dict[str, Any]]] = {
    "weighted": (
        f"weighted: {{services: {TWO}}}",
        {"composition": "weighted", "members": (Member(WEB, 3), Member(ADMIN, 1))},
    ),
    "weighted and sticky": (
        f"weighted: {{services: {TWO}, sticky: {{cookie: {{name: pin}}}}}}",
        {"sticky": StickyCookie("pin")},
    ),
    "of TraefikServices": (
        "weighted: {services: [{name: other, kind: TraefikService, weight: 0}, {name: whoami, port: 80}]}",
        {"members": (Member("default-other@kubernetescrd", 0), Member(WEB, 1))},
    ),
    "by the client's address": (
        f"highestRandomWeight: {{services: {TWO}}}",
        {"composition": "highestRandomWeight", "members": (Member(WEB, 3), Member(ADMIN, 1))},
    ),
    "mirroring": (
        "mirroring: {name: whoami, port: 80, mirrorBody: false, maxBodySize: 1024, "
        "mirrors: [{name: whoami, port: admin, percent: 20}]}",
        {
            "composition": "mirroring",
            "members": (Member(WEB),),
            "mirroring": Mirroring((Mirror(ADMIN, 20),), mirror_body=False, max_body_size=1024),
        },
    ),
    "mirroring a TraefikService": (
        "mirroring: {name: other, kind: TraefikService, mirrors: [{name: whoami, port: 80, percent: 1}]}",
        {"members": (Member("default-other@kubernetescrd"),)},
    ),
    "failover": (
        "failover: {service: {name: whoami, port: 80}, fallback: {name: whoami, port: admin}, errors: {}}",
        {"composition": "failover", "members": (Member(WEB), Member(ADMIN)), "failover_errors": None},
    ),
    "failover after errors": (
        "failover: {service: {name: whoami, port: 80}, fallback: {name: whoami, port: admin}, "
        "errors: {status: ['500-504'], maxRequestBodyBytes: 9}}",
        {"failover_errors": FailoverErrors(("500-504",), 9)},
    ),
}


@pytest.mark.parametrize(("spec", "expected"), COMPOSITE.values(), ids=COMPOSITE.keys())
def test_a_traefik_service_is(spec: str, expected: dict[str, Any]) -> None:
    found = decoded(f"{{kind: TraefikService, metadata: {{name: canary}}, spec: {{{spec}}}}}")
    assert errors(found) == []
    service = found.services["default-canary@kubernetescrd"]
    assert {name: getattr(service, name) for name in expected} == expected
    urls = [server.url for server in found.services[WEB].servers]
    assert urls == ["http://10.42.0.1:8080", "http://10.42.0.2:8080"]


INVALID_COMPOSITES = {
    "without a kind": ("", "spec has no kind of service"),
    "of two kinds": (
        f"weighted: {{services: {TWO}}}, highestRandomWeight: {{services: {TWO}}}",
        "spec has weighted and highestRandomWeight",
    ),
    "with a service that does not exist": (
        "weighted: {services: [{name: absent, port: 80}, {name: whoami, port: 80}]}",
        "it is left out, because not all of its services can be used",
    ),
    "with a service of another namespace": (
        "weighted: {services: [{name: whoami, namespace: other, port: 80}]}",
        "spec.weighted.services[0] refers to the namespace other, which is not allowed",
    ),
    "with a mirror that does not exist": (
        "mirroring: {name: whoami, port: 80, mirrors: [{name: absent, port: 80, percent: 1}]}",
        "spec.mirroring.mirrors[0] cannot be used: the service default/absent does not exist",
    ),
    "without a fallback": (
        "failover: {service: {name: whoami, port: 80}, errors: {}}",
        "spec.failover.fallback is missing",
    ),
}


@pytest.mark.parametrize(("spec", "message"), INVALID_COMPOSITES.values(), ids=INVALID_COMPOSITES.keys())
def test_a_traefik_service_is_left_out(spec: str, message: str) -> None:
    found = decoded(f"{{kind: TraefikService, metadata: {{name: canary}}, spec: {{{spec}}}}}")
    assert not found.services
    assert message in errors(found), texts(found)
