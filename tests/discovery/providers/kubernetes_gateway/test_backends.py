"""Filters become middlewares, and references to backends become services, or share out errors."""

from __future__ import annotations

from typing import Any

import pytest

from rondpoint.model import Member, Mirror, ServersTransport
from tests.discovery.providers.kubernetes_gateway.cluster import Cluster, Told, conditions, service
from tests.lab.certificate import write_certificate

GATEWAY = """
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: traefik.io/gateway-controller}
---
kind: Gateway
metadata: {name: gw}
spec:
  gatewayClassName: ours
  listeners: [{name: web, port: 80, protocol: HTTP}]
"""
SERVICES = (
    service("one", "1.1.1.1"),
    service("two", "2.2.2.2"),
    service("far", "3.3.3.3", "shop"),
    service("udp", "4.4.4.4", protocol="UDP"),
    "kind: Service\nmetadata: {name: idle}\nspec: {ports: [{port: 80}]}",
)
TO_ONE = "backendRefs: [{name: one, port: 80}]"


def route(rule: str, kind: str = "HTTPRoute") -> str:
    return f"""
kind: {kind}
metadata: {{name: r}}
spec:
  parentRefs: [{{name: gw}}]
  rules: [{{{rule}}}]
"""


FILTERS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "{type: RequestHeaderModifier, requestHeaderModifier: "
        "{set: [{name: X-A, value: '1'}], add: [{name: X-B, value: '2'}], remove: [X-C]}}",
        "requestHeaderModifier",
        {"set": {"X-A": "1"}, "add": {"X-B": "2"}, "remove": ["X-C"]},
    ),
    (
        "{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Server]}}",
        "responseHeaderModifier",
        {"remove": ["Server"]},
    ),
    ("{type: RequestHeaderModifier, requestHeaderModifier: {}}", "requestHeaderModifier", {"set": {}}),
    ("{type: RequestRedirect, requestRedirect: {}}", "requestRedirect", {"statusCode": 302}),
    (
        "{type: RequestRedirect, requestRedirect: {scheme: https, hostname: b.test, port: 8443, "
        "statusCode: 301}}",
        "requestRedirect",
        {"scheme": "https", "hostname": "b.test", "port": "8443", "statusCode": 301},
    ),
    (
        "{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}",
        "requestRedirect",
        {"path": "/new", "statusCode": 302},
    ),
    (
        "{type: RequestRedirect, requestRedirect: "
        "{path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}",
        "requestRedirect",
        {"path": "/new", "pathPrefix": "/old", "statusCode": 302},
    ),
    (
        "{type: URLRewrite, urlRewrite: {hostname: b.test, "
        "path: {type: ReplacePrefixMatch, replacePrefixMatch: ''}}}",
        "urlRewrite",
        {"hostname": "b.test", "path": "", "pathPrefix": "/old"},
    ),
    (
        "{type: URLRewrite, urlRewrite: {path: {type: ReplaceFullPath, replaceFullPath: /new}}}",
        "urlRewrite",
        {"path": "/new"},
    ),
]


@pytest.mark.parametrize(
    ("written", "kind", "options"), FILTERS, ids=[f"{n}-{row[1]}" for n, row in enumerate(FILTERS)]
)
def test_filters_become_middlewares(written: str, kind: str, options: dict[str, Any]) -> None:
    rule = f"matches: [{{path: {{value: /old}}}}], filters: [{written}], {TO_ONE}"
    cluster = Cluster(GATEWAY, *SERVICES, route(rule))
    ((name, made),) = cluster.merged.middlewares.items()
    assert (made.kind, made.options, made.unusable) == (kind, options, False)
    (router,) = cluster.merged.routers.values()
    assert router.middlewares == (name,)
    assert not cluster.texts


@pytest.mark.parametrize(
    ("written", "kind", "options"), FILTERS, ids=[f"{n}-{row[1]}" for n, row in enumerate(FILTERS)]
)
def test_a_backend_has_the_same_filters(written: str, kind: str, options: dict[str, Any]) -> None:
    rule = (
        f"matches: [{{path: {{value: /old}}}}], backendRefs: [{{name: one, port: 80, filters: [{written}]}}]"
    )
    cluster = Cluster(GATEWAY, *SERVICES, route(rule))
    ((name, made),) = cluster.merged.middlewares.items()
    assert (made.kind, made.options, made.unusable) == (kind, options, False)
    (service_,) = cluster.merged.services.values()
    assert service_.middlewares == (name,)
    assert not cluster.texts


def test_calls_get_the_headers_of_a_filter() -> None:
    written = "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: '1'}]}}"
    cluster = Cluster(GATEWAY, *SERVICES, route(f"filters: [{written}], {TO_ONE}", "GRPCRoute"))
    (router,) = cluster.merged.routers.values()
    (name,) = router.middlewares
    assert cluster.merged.middlewares[name].options == {"set": {"X-A": "1"}}


def test_calls_are_shared_out_by_weight() -> None:
    rule = "backendRefs: [{name: one, port: 80, weight: 9}, {name: two, port: 80}]"
    merged = Cluster(GATEWAY, *SERVICES, route(rule, "GRPCRoute")).merged
    (composite,) = (each for each in merged.services.values() if each.composition)
    assert [member.weight for member in composite.members] == [9, 1]


@pytest.mark.parametrize(
    ("written", "limits"),
    [
        ("{request: 500ms}", {"request": 0.5}),
        ("{backendRequest: 1m30s}", {"backendRequest": 90.0}),
        ("{request: 10s, backendRequest: 2s}", {"request": 10.0, "backendRequest": 2.0}),
        ("{request: 0s}", {"request": 0.0}),
        ("{}", None),
    ],
    ids=["request", "backend", "both", "zero", "empty"],
)
def test_timeouts_become_the_first_middleware(written: str, limits: dict[str, float] | None) -> None:
    modify = "{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X]}}"
    cluster = Cluster(GATEWAY, *SERVICES, route(f"timeouts: {written}, filters: [{modify}], {TO_ONE}"))
    (router,) = cluster.merged.routers.values()
    made = [cluster.merged.middlewares[name] for name in router.middlewares]
    assert [each.kind for each in made] == ["timeouts"] * (limits is not None) + ["requestHeaderModifier"]
    assert limits is None or made[0].options == limits
    assert not cluster.texts


@pytest.mark.parametrize("option", ["retry", "sessionPersistence"])
def test_an_option_that_is_not_served_is_told(option: str) -> None:
    cluster = Cluster(GATEWAY, *SERVICES, route(f"{option}: {{attempts: 2}}, {TO_ONE}"))
    assert cluster.goes_to("http://a.test/") == "1.1.1.1"
    assert any(f"{option} is not served" in text for text in cluster.texts)


def test_filters_of_a_backend_apply_to_it_alone() -> None:
    own = "[{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: '1'}]}}]"
    rule = f"backendRefs: [{{name: one, port: 80, filters: {own}}}, {{name: two, port: 80, weight: 3}}]"
    merged = Cluster(GATEWAY, *SERVICES, route(rule)).merged
    (composite,) = (each for each in merged.services.values() if each.composition)
    assert [member.weight for member in composite.members] == [1, 3]
    first, second = (merged.services[member.name] for member in composite.members)
    assert [merged.middlewares[name].kind for name in first.middlewares] == ["requestHeaderModifier"]
    assert second.middlewares == ()


def test_a_middleware_of_traefik_is_named_by_its_namespace() -> None:
    reference = "{type: ExtensionRef, extensionRef: {group: traefik.io, kind: Middleware, name: auth}}"
    cluster = Cluster(GATEWAY, *SERVICES, route(f"filters: [{reference}], {TO_ONE}"))
    (router,) = cluster.configuration.routers.values()
    assert router.middlewares == ("default-auth@kubernetescrd",)


def test_several_matches_replace_their_own_prefixes() -> None:
    rewrite = "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}"
    rule = f"matches: [{{path: {{value: /a}}}}, {{path: {{value: /b}}}}], filters: [{rewrite}], {TO_ONE}"
    merged = Cluster(GATEWAY, *SERVICES, route(rule)).merged
    prefixes = {
        router.rule.text: merged.middlewares[router.middlewares[0]].options["pathPrefix"]
        for router in merged.routers.values()
    }
    assert set(prefixes.values()) == {"/a", "/b"}
    assert all(prefix in rule for rule, prefix in prefixes.items())


def test_mirrors_get_copies() -> None:
    mirrors = (
        "{type: RequestMirror, requestMirror: {backendRef: {name: two, port: 80}}}",
        "{type: RequestMirror, requestMirror: {backendRef: {name: two, port: 80}, percent: 20}}",
        "{type: RequestMirror, requestMirror: "
        "{backendRef: {name: two, port: 80}, fraction: {numerator: 1, denominator: 4}}}",
    )
    merged = Cluster(GATEWAY, *SERVICES, route(f"filters: [{', '.join(mirrors)}], {TO_ONE}")).merged
    (mirrored,) = (each for each in merged.services.values() if each.mirroring)
    assert mirrored.mirroring is not None
    names = [mirror.name for mirror in mirrored.mirroring.mirrors]
    assert [mirror.percent for mirror in mirrored.mirroring.mirrors] == [100, 20, 25]
    assert {merged.services[name].servers[0].host for name in names} == {"2.2.2.2"}
    assert mirrored.members == (Member(mirrored.members[0].name),)
    assert Mirror(names[0], 100) == mirrored.mirroring.mirrors[0]


FAULTS = [
    ("{name: none, port: 80}", "BackendNotFound"),
    ("{name: one, port: 81}", "BackendNotFound"),
    ("{name: one}", "UnsupportedProtocol"),
    ("{name: udp, port: 80}", "UnsupportedProtocol"),
    ("{name: one, port: 80, kind: Unknown}", "InvalidKind"),
    ("{name: one, port: 80, group: wrong.io}", "InvalidKind"),
    ("{name: far, namespace: shop, port: 80}", "RefNotPermitted"),
]


@pytest.mark.parametrize(("written", "reason"), FAULTS, ids=[f"{n}-{row[1]}" for n, row in enumerate(FAULTS)])
@pytest.mark.parametrize(("kind", "status"), [("HTTPRoute", 500), ("GRPCRoute", 503)])
def test_a_backend_that_cannot_be_used_costs_its_share_of_requests(
    kind: str, status: int, written: str, reason: str
) -> None:
    cluster = Cluster(GATEWAY, *SERVICES, route(f"backendRefs: [{written}]", kind))
    assert cluster.goes_to("http://a.test/x/y") == status
    (parent,) = cluster.status_of(kind, "r")["parents"]
    assert conditions(parent) == {
        "Accepted": Told("True", "Accepted"),
        "ResolvedRefs": Told("False", reason),
    }
    cluster = Cluster(GATEWAY, *SERVICES, route(f"backendRefs: [{{name: one, port: 80}}, {written}]", kind))
    assert cluster.goes_to("http://a.test/x/y") == "1.1.1.1"
    (composite,) = (each for each in cluster.merged.services.values() if each.composition)
    assert [cluster.merged.services[each.name].responds_with for each in composite.members] == [0, status]
    assert any(f"its share of requests gets {status}" in each.hint for each in cluster.merged.diagnostics)


def test_a_reference_to_another_namespace_needs_a_grant_that_may_come_later() -> None:
    cluster = Cluster(GATEWAY, *SERVICES, route("backendRefs: [{name: far, namespace: shop, port: 80}]"))
    assert cluster.goes_to("http://a.test/") == 500
    grant = """
kind: ReferenceGrant
metadata: {name: g, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}]
  to: [{group: '', kind: Service, name: far}]
"""
    cluster.apply(grant)
    assert cluster.goes_to("http://a.test/") == "3.3.3.3"
    cluster.remove("ReferenceGrant", "shop", "g")
    assert cluster.goes_to("http://a.test/") == 500


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ("matches: [{path: {value: /x}}]", 500),
        ("backendRefs: []", 500),
        ("backendRefs: [{name: idle, port: 80}]", 503),
        ("backendRefs: [{name: one, port: 80, weight: 0}]", 503),
        (f"filters: [{{type: Unknown}}], {TO_ONE}", 500),
        (f"filters: [{{type: URLRewrite}}], {TO_ONE}", 500),
        (
            "filters: [{type: ExtensionRef, extensionRef: {group: x.io, kind: Y, name: z}}], " + TO_ONE,
            500,
        ),
        ("backendRefs: [{name: one, port: 80, filters: [{type: Unknown}]}]", 500),
    ],
    ids=["no-backends", "empty", "idle", "weight-0", "filter", "rewrite", "extension", "backend-filter"],
)
def test_a_rule_that_leads_nowhere_responds_with_an_error(rule: str, status: int) -> None:
    cluster = Cluster(GATEWAY, *SERVICES, route(rule))
    assert cluster.goes_to("http://a.test/x") == status
    (parent,) = cluster.status_of("HTTPRoute", "r")["parents"]
    invalid = conditions(parent).get("PartiallyInvalid")
    assert invalid == (Told("True", "UnsupportedValue") if "filters" in rule else None)


@pytest.mark.parametrize(
    "match",
    [
        "{path: {type: Odd, value: /x}}",
        "{headers: [{type: Odd, name: a, value: b}]}",
        "{path: {type: RegularExpression, value: '('}}",
    ],
    ids=["path", "header", "expression"],
)
def test_a_match_that_cannot_be_served_is_left_out_and_told(match: str) -> None:
    rules = f"matches: [{match}], {TO_ONE}}}, {{matches: [{{path: {{value: /y}}}}], {TO_ONE}"
    cluster = Cluster(GATEWAY, *SERVICES, route(rules))
    assert (cluster.goes_to("http://a.test/x"), cluster.goes_to("http://a.test/y")) == (404, "1.1.1.1")
    (parent,) = cluster.status_of("HTTPRoute", "r")["parents"]
    assert conditions(parent)["PartiallyInvalid"] == Told("True", "UnsupportedValue")


@pytest.mark.parametrize(
    ("port", "scheme"),
    [
        ({}, "http"),
        ({"name": "https-web"}, "https"),
        ({"appProtocol": "http"}, "http"),
        ({"appProtocol": "https"}, "https"),
        ({"appProtocol": "kubernetes.io/h2c"}, "h2c"),
        ({"appProtocol": "kubernetes.io/ws"}, "http"),
        ({"appProtocol": "kubernetes.io/wss"}, "https"),
        ({"appProtocol": "example.com/odd"}, 500),
    ],
    ids=["none", "name", "http", "https", "h2c", "ws", "wss", "odd"],
)
def test_the_protocol_of_a_port_is_that_of_its_servers(port: dict[str, str], scheme: str | int) -> None:
    cluster = Cluster(GATEWAY, service("one", "1.1.1.1", **port), route(TO_ONE))
    schemes = {server.scheme for each in cluster.merged.services.values() for server in each.servers}
    assert (schemes or {cluster.goes_to("http://a.test/")}) == {scheme}


def test_a_change_of_endpoints_changes_only_its_service() -> None:
    other = route("matches: [{path: {value: /two}}], backendRefs: [{name: two, port: 80}]")
    cluster = Cluster(GATEWAY, *SERVICES, route(TO_ONE), other.replace("name: r}", "name: other}"))
    before = cluster.configuration.services
    cluster.apply(service("one", "1.1.1.9"))
    after = cluster.configuration.services
    assert {name for name in after if after[name] is not before[name]} == {
        "httproute-default-r-0-svc-default-one-0@kubernetesgateway"
    }
    assert cluster.goes_to("http://a.test/") == "1.1.1.9"


def test_services_of_other_providers_may_be_named_where_that_is_allowed() -> None:
    rule = "backendRefs: [{group: traefik.io, kind: TraefikService, name: shop@file}]"
    cluster = Cluster(GATEWAY, route(rule))
    assert [each.service for each in cluster.configuration.routers.values()] == ["shop@file"]
    cluster = Cluster(GATEWAY, route(rule), cross_provider_namespaces=("other",))
    assert cluster.goes_to("http://a.test/") == 500


POLICY = """
kind: BackendTLSPolicy
metadata: {name: p}
spec:
  targetRefs: [{group: '', kind: Service, name: one}]
  validation: VALIDATION
"""


def test_a_policy_demands_tls_with_its_authorities(tmp_path_factory: pytest.TempPathFactory) -> None:
    pem = write_certificate(tmp_path_factory.mktemp("ca") / "ca.pem", "DNS:a.test").read_text()
    pem = pem[pem.index("-----BEGIN CERTIFICATE") :]
    lines = "".join(f"    {line}\n" for line in pem.splitlines())
    authority = f"kind: ConfigMap\nmetadata: {{name: ca}}\ndata:\n  ca.crt: |\n{lines}"
    validation = "{hostname: one.internal, caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]}"
    policy = POLICY.replace("VALIDATION", validation)
    cluster = Cluster(GATEWAY, *SERVICES, route(TO_ONE), policy)
    assert cluster.goes_to("http://a.test/") == 500
    assert "the config map default/ca does not exist" in "".join(cluster.texts)
    cluster.apply(authority)
    (made,) = (each for each in cluster.merged.services.values() if each.servers)
    assert made.servers[0].scheme == "https"
    assert made.transport == ServersTransport(made.name, server_name="one.internal", root_cas=(pem,))
    cluster.apply(POLICY.replace("VALIDATION", "{hostname: a.test, wellKnownCACertificates: System}"))
    (made,) = (each for each in cluster.merged.services.values() if each.servers)
    assert made.transport == ServersTransport(made.name, server_name="a.test")
    cluster.remove("BackendTLSPolicy", "default", "p")
    (made,) = (each for each in cluster.merged.services.values() if each.servers)
    assert (made.servers[0].scheme, made.transport) == ("http", None)
