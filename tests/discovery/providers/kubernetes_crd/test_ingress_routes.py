"""IngressRoutes become routers, as Traefik's documentation says; a guard that is missing closes its route."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from rondpoint.model import RouterObservability
from tests.discovery.providers.kubernetes_crd.manifests import decoded, errors, texts

AUTH = """
---
kind: Middleware
metadata: {name: strip}
spec: {stripPrefix: {prefixes: [/api]}}
---
kind: Middleware
metadata: {name: guard, namespace: security}
spec: {ipAllowList: {sourceRange: [10.0.0.0/8]}}
"""


def route(routes: str, spec: str = "", metadata: str = "{name: web, namespace: default}") -> str:
    """Return an IngressRoute with these routes, in YAML's flow style."""
    extra = f"  {spec}\n" if spec else ""
    return f"""
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: {metadata}
spec:
{extra}  routes:
    - {routes}
{AUTH}"""


SERVICE = "services: [{name: whoami, port: 80}]"
MATCH = "match: Host(`a.test`)"
NAME = "default-web-adb61728c085b5eef2e5@kubernetescrd"


class Case(NamedTuple):
    """A manifest, the settings, and the values that its only router has."""

    manifest: str
    expected: dict[str, Any]
    policy: Mapping[str, Any] = MappingProxyType({})


SERVED = {
    "a route": Case(
        route(f"{{{MATCH}, kind: Rule, {SERVICE}}}"),
        {"service": NAME, "entry_points": (), "tls": False, "priority": 14, "middlewares": ()},
    ),
    "without kind": Case(route(f"{{{MATCH}, {SERVICE}}}"), {"service": NAME}),
    "entry points": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "entryPoints: [web, other]"), {"entry_points": ("web", "other")}
    ),
    "a priority": Case(route(f"{{{MATCH}, priority: 12, {SERVICE}}}"), {"priority": 12}),
    "a priority of 0": Case(route(f"{{{MATCH}, priority: 0, {SERVICE}}}"), {"priority": 14}),
    "a middleware": Case(
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: strip}}]}}"),
        {"middlewares": ("default-strip@kubernetescrd",)},
    ),
    "middlewares in their order": Case(
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: strip}}, {{name: auth@file}}]}}"),
        {"middlewares": ("default-strip@kubernetescrd", "auth@file")},
    ),
    "a middleware of another namespace": Case(
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: guard, namespace: security}}]}}"),
        {"middlewares": ("security-guard@kubernetescrd",)},
        {"allow_cross_namespace": True},
    ),
    "a middleware by its full name": Case(
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: security-guard@kubernetescrd}}]}}"),
        {"middlewares": ("security-guard@kubernetescrd",)},
        {"allow_cross_namespace": True},
    ),
    "a middleware of another provider": Case(
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: auth@file}}]}}"),
        {"middlewares": ("auth@file",)},
        {"cross_provider_namespaces": ("other", "default")},
    ),
    "the syntax of Traefik 2": Case(
        route(f"{{match: 'Host(`a.test`, `b.test`)', syntax: v2, {SERVICE}}}"), {"tls": False}
    ),
    "observability": Case(
        route(f"{{{MATCH}, {SERVICE}, observability: {{accessLogs: false, traceVerbosity: detailed}}}}"),
        {"observability": RouterObservability(access_logs=False, trace_verbosity="detailed")},
    ),
    "TLS": Case(route(f"{{{MATCH}, {SERVICE}}}", "tls: {}"), {"tls": True, "tls_options": ""}),
    "TLS options": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "tls: {options: {name: strict}}"),
        {"tls": True, "tls_options": "default-strict@kubernetescrd"},
    ),
    "TLS options of another namespace": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "tls: {options: {name: strict, namespace: security}}"),
        {"tls_options": "security-strict@kubernetescrd"},
        {"allow_cross_namespace": True},
    ),
    "TLS options of a file": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "tls: {options: {name: strict@file}}"),
        {"tls_options": "strict@file"},
    ),
    "a certificate resolver": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "tls: {certResolver: le}"), {"cert_resolver": "le", "tls": True}
    ),
    "the default store": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "tls: {store: {name: default}}"), {"tls": True}
    ),
    "a service of another provider": Case(
        route(f"{{{MATCH}, services: [{{kind: TraefikService, name: api@file}}]}}"), {"service": "api@file"}
    ),
    "a TraefikService": Case(
        route(f"{{{MATCH}, services: [{{kind: TraefikService, name: canary}}]}}"),
        {"service": "default-canary@kubernetescrd"},
    ),
    "a TraefikService by its full name": Case(
        route(f"{{{MATCH}, services: [{{kind: TraefikService, name: other-canary@kubernetescrd}}]}}"),
        {"service": "other-canary@kubernetescrd"},
        {"allow_cross_namespace": True},
    ),
    "a TraefikService by its namespace and provider": Case(
        route(
            f"{{{MATCH}, services: [{{kind: TraefikService, name: canary@kubernetescrd, namespace: other}}]}}"
        ),
        {"service": "other-canary@kubernetescrd"},
        {"allow_cross_namespace": True},
    ),
    "several services": Case(
        route(f"{{{MATCH}, services: [{{name: whoami, port: 80}}, {{name: whoami, port: admin}}]}}"),
        {"service": NAME},
    ),
    "no service, for child routers": Case(route(f"{{{MATCH}}}"), {"service": ""}),
    "the ingress class traefik": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "ingressClassName: traefik"), {"service": NAME}
    ),
    "the ingress class of the settings": Case(
        route(f"{{{MATCH}, {SERVICE}}}", "ingressClassName: inner"),
        {"service": NAME},
        {"ingress_class": "inner"},
    ),
    "the ingress class in the older annotation": Case(
        route(
            f"{{{MATCH}, {SERVICE}}}",
            metadata="{name: web, annotations: {kubernetes.io/ingress.class: inner}}",
        ),
        {"service": NAME},
        {"ingress_class": "inner"},
    ),
}


@pytest.mark.parametrize("case", SERVED.values(), ids=SERVED.keys())
def test_a_route_becomes_a_router(case: Case) -> None:
    found = decoded(case.manifest, **case.policy)
    assert errors(found) == []
    [router] = found.routers.values()
    assert {name: getattr(router, name) for name in case.expected} == case.expected


LEFT_OUT = {
    "a middleware of another namespace": (
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: guard, namespace: security}}]}}"),
        {},
        "spec.routes[0].middlewares[0] refers to the namespace security, which is not allowed",
    ),
    "a full name, which says nothing about the namespace": (
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: security-guard@kubernetescrd}}]}}"),
        {},
        "spec.routes[0].middlewares[0] refers to security-guard@kubernetescrd, which is not allowed",
    ),
    "a middleware of another provider, by a namespace that may not": (
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{name: auth@file}}]}}"),
        {"cross_provider_namespaces": ("other",)},
        "spec.routes[0].middlewares[0] refers to auth@file of another provider, which its namespace may not",
    ),
    "a middleware without a name": (
        route(f"{{{MATCH}, {SERVICE}, middlewares: [{{namespace: default}}]}}"),
        {},
        "spec.routes[0].middlewares[0] has no name",
    ),
    "middlewares that are no list": (
        route(f"{{{MATCH}, {SERVICE}, middlewares: strip}}"),
        {},
        'spec.routes[0].middlewares="strip" is not valid',
    ),
    "TLS options of another namespace": (
        route(f"{{{MATCH}, {SERVICE}}}", "tls: {options: {name: strict, namespace: security}}"),
        {},
        "spec.tls.options refers to the namespace security, which is not allowed",
    ),
    "TLS that is no section": (
        route(f"{{{MATCH}, {SERVICE}}}", "tls: 'yes'"),
        {},
        'spec.tls="yes" is not valid',
    ),
    "a service of another namespace": (
        route(f"{{{MATCH}, services: [{{name: whoami, namespace: security, port: 80}}]}}"),
        {},
        "spec.routes[0].services[0] refers to the namespace security, which is not allowed",
    ),
    "a service of another provider, by a namespace that may not": (
        route(f"{{{MATCH}, services: [{{kind: TraefikService, name: api@file}}]}}"),
        {"cross_provider_namespaces": ()},
        "spec.routes[0].services[0] refers to api@file of another provider, which its namespace may not",
    ),
    "a parent that does not exist": (
        route(f"{{{MATCH}, {SERVICE}}}", "parentRefs: [{name: absent}]"),
        {},
        "spec.parentRefs[0]: the IngressRoute default/absent does not exist",
    ),
    "a parent of another namespace": (
        route(f"{{{MATCH}, {SERVICE}}}", "parentRefs: [{name: web, namespace: security}]"),
        {},
        "spec.parentRefs[0] refers to the namespace security, which is not allowed",
    ),
    "an invalid rule": (
        route(f"{{match: Hots(`a.test`), {SERVICE}}}"),
        {},
        'spec.routes[0].match="Hots(`a.test`)": unknown matcher Hots',
    ),
    "an unknown kind of route": (
        route(f"{{{MATCH}, kind: Path, {SERVICE}}}"),
        {},
        'spec.routes[0].kind="Path" is not valid',
    ),
    "an unknown kind of service": (
        route(f"{{{MATCH}, services: [{{kind: Pod, name: whoami, port: 80}}]}}"),
        {},
        'spec.routes[0].services[0].kind="Pod" is not valid',
    ),
    "one of several services that does not exist": (
        route(f"{{{MATCH}, services: [{{name: whoami, port: 80}}, {{name: absent, port: 80}}]}}"),
        {},
        "spec.routes[0].services[1] cannot be used: the service default/absent does not exist",
    ),
    "a transport that a TraefikService cannot have": (
        route(f"{{{MATCH}, services: [{{kind: TraefikService, name: a, serversTransport: mtls}}]}}"),
        {},
        "spec.routes[0].services[0].serversTransport cannot be set for a TraefikService",
    ),
}


@pytest.mark.parametrize(("manifest", "policy", "message"), LEFT_OUT.values(), ids=LEFT_OUT.keys())
def test_a_route_whose_guards_cannot_be_resolved_is_left_out(
    manifest: str, policy: dict[str, Any], message: str
) -> None:
    found = decoded(manifest, **policy)
    assert not found.routers
    assert [text for text in errors(found) if text.startswith(message)], texts(found)
    assert "it would serve" in texts(found)


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        ("ingressClassName: inner", {}),
        ("ingressClassName: traefik", {"ingress_class": "inner"}),
        ("entryPoints: [web]", {"ingress_class": "inner"}),
    ],
    ids=["a class", "the default class", "no class"],
)
def test_a_route_of_another_ingress_class_is_not_taken(spec: str, policy: dict[str, Any]) -> None:
    found = decoded(route(f"{{{MATCH}, {SERVICE}}}", spec), **policy)
    assert not found.routers
    assert not found.diagnostics


def test_names_are_those_of_traefik() -> None:
    """Traefik's name has the first ten bytes of the rule's SHA-256 digest."""
    rule = "Host(`foo.com`) && PathPrefix(`/bar`)"
    manifest = route(f"{{match: {rule}, {SERVICE}}}", metadata="{name: test.route, namespace: default}")
    assert list(decoded(manifest).routers) == ["default-test-route-6b204d94623b3df4370c@kubernetescrd"]


def test_the_routes_of_a_parent_are_the_parents_of_a_child() -> None:
    parent = route(f"{{{MATCH}}}\n    - {{match: Host(`b.test`)}}", metadata="{name: parent}")
    child = route(f"{{match: Path(`/x`), {SERVICE}}}", "parentRefs: [{name: parent}]")
    routers = decoded(parent, child).routers
    [found] = [each for each in routers.values() if each.parents]
    assert set(found.parents) == set(routers) - {found.name}
    assert len(found.parents) == 2


def test_two_routes_with_one_match_are_left_out_unless_they_are_equal() -> None:
    guarded = f"{{{MATCH}, {SERVICE}, middlewares: [{{name: strip}}]}}"
    open_route = f"{{{MATCH}, {SERVICE}}}"
    assert not decoded(route(f"{guarded}\n    - {open_route}")).routers
    assert len(decoded(route(f"{guarded}\n    - {guarded}")).routers) == 1


def test_options_that_are_unknown_are_reported_by_their_place_in_the_manifest() -> None:
    manifest = route(f"{{{MATCH}, {SERVICE}, middleware: []}}", "routs: []")
    assert [each.message for each in decoded(manifest).diagnostics] == [
        "spec.routs is unknown",
        "spec.routes[0].middleware is unknown",
    ]
