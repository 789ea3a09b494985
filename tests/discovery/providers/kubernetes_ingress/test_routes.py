"""Ingresses to routers: hosts, paths, classes, default backends, names, and Traefik 3's annotations."""

from typing import Any

import pytest

from rondpoint.model import RouterObservability
from rondpoint.tls.model import TlsDomain
from tests.discovery.providers.kubernetes_ingress.decoding import WEB, messages, routes, rules, urls
from tests.lab.kubernetes.manifests import (
    TRAEFIK,
    Manifest,
    backend,
    endpoint_slice,
    ingress,
    ingress_class,
    manifest,
    service,
)

RULES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "host-and-path": ({"path": "/shop"}, {}, 'Host("web.test") && PathPrefix("/shop")'),
    "host-only": ({"path": ""}, {}, 'Host("web.test")'),
    "path-only": ({"host": "", "path": "/shop"}, {}, 'PathPrefix("/shop")'),
    "exact": ({"path": "/shop", "path_type": "Exact"}, {}, 'Host("web.test") && Path("/shop")'),
    "no-type": ({"path": "/shop", "path_type": None}, {}, 'Host("web.test") && PathPrefix("/shop")'),
    "specific": (
        {"path": "/shop", "path_type": "ImplementationSpecific"},
        {},
        'Host("web.test") && PathPrefix("/shop")',
    ),
    "matcher-regexp": (
        {
            "path": "^/a[0-9]",
            "path_type": "ImplementationSpecific",
            "annotations": {f"{TRAEFIK}router.pathmatcher": "PathRegexp"},
        },
        {},
        'Host("web.test") && PathRegexp("^/a[0-9]")',
    ),
    "matcher-counts-only-for-specific": (
        {"path": "/a", "annotations": {f"{TRAEFIK}router.pathmatcher": "Path"}},
        {},
        'Host("web.test") && PathPrefix("/a")',
    ),
    "wildcard-host": ({"host": "*.web.test", "path": ""}, {}, 'Host("*.web.test")'),
    "wildcard-host-v2": (
        {"host": "*.web.test", "path": "", "annotations": {f"{TRAEFIK}router.rulesyntax": "v2"}},
        {},
        'HostRegexp("{subdomain:[a-zA-Z0-9-]+}.web.test")',
    ),
    "strict-prefix": (
        {"host": "", "path": "/a"},
        {"strict_prefix_matching": True},
        '(Path("/a") || PathPrefix("/a/"))',
    ),
    "strict-prefix-with-slash": (
        {"host": "", "path": "/a/"},
        {"strict_prefix_matching": True},
        '(Path("/a") || PathPrefix("/a/"))',
    ),
    "strict-prefix-of-all": ({"host": ""}, {"strict_prefix_matching": True}, 'PathPrefix("/")'),
    "strict-exact": (
        {"host": "", "path": "/a", "path_type": "Exact"},
        {"strict_prefix_matching": True},
        'Path("/a")',
    ),
    "quotes": ({"host": "", "path": '/a"b'}, {}, 'PathPrefix("/a\\"b")'),
}


@pytest.mark.parametrize("case", RULES)
def test_rules(case: str) -> None:
    given, policy, expected = RULES[case]
    found = routes(ingress(**given), *WEB, **policy)
    assert list(rules(found).values()) == [expected]
    assert found.diagnostics == ()


NAMES = {
    "plain": ({}, "default-web-web-test"),
    "path": ({"path": "/a/b"}, "default-web-web-test-a-b"),
    "no-host": ({"host": "", "path": "/a"}, "default-web-a"),
    "wildcard": ({"host": "*.web.test"}, "default-web-web-test"),
    "dots-in-names": ({"name": "web.v2"}, "default-web-v2-web-test"),
}


@pytest.mark.parametrize("case", NAMES)
def test_names_are_those_of_traefik(case: str) -> None:
    given, name = NAMES[case]
    assert list(rules(routes(ingress(**given), *WEB))) == [name]  # type: ignore[arg-type]


def with_paths(*paths: Manifest, host: str = "web.test") -> Manifest:
    made = ingress()
    made["spec"]["rules"] = [{"host": host, "http": {"paths": list(paths)}}]
    return made


def test_paths_of_one_name_are_told_apart_by_a_digest_of_their_rules() -> None:
    found = routes(
        with_paths(
            {"path": "/a", "pathType": "Exact", "backend": backend("web")},
            {"path": "/a", "pathType": "Prefix", "backend": backend("web")},
        ),
        *WEB,
    )
    assert rules(found) == {
        "default-web-web-test-a-5f771ea8147093425019": 'Host("web.test") && Path("/a")',
        "default-web-web-test-a-7bdabd70a47f83cbcad9": 'Host("web.test") && PathPrefix("/a")',
    }


def test_a_path_that_stands_twice_is_served_once_and_reported() -> None:
    path = {"path": "/a", "pathType": "Exact", "backend": backend("web")}
    found = routes(with_paths(path, {**path, "backend": backend("other")}), *WEB)
    assert len(found.routers) == 1
    assert "service default/other does not exist" in messages(found)
    again = routes(
        with_paths(path, {**path, "backend": backend("other")}),
        *WEB,
        service("other"),
        endpoint_slice("other"),
    )
    assert [each.service for each in again.routers.values()] == ["default-web-80@kubernetes"]
    assert "another path has its host and path" in messages(again)


def test_several_rules_and_paths_make_a_router_each() -> None:
    given = with_paths(
        {"path": "/a", "pathType": "Prefix", "backend": backend("web")},
        {"path": "/b", "pathType": "Prefix", "backend": backend("web")},
    )
    given["spec"]["rules"] += [{"host": "b.test", "http": {"paths": [{"backend": backend("web")}]}}]
    given["spec"]["rules"] += [{"host": "without-paths.test"}]
    found = routes(given, *WEB)
    assert set(rules(found)) == {
        "default-web-web-test-a",
        "default-web-web-test-b",
        "default-web-b-test",
    }
    assert len(found.services) == 1


def test_a_path_whose_service_is_missing_does_not_harm_the_others() -> None:
    given = with_paths(
        {"path": "/a", "pathType": "Prefix", "backend": backend("missing")},
        {"path": "/b", "pathType": "Prefix", "backend": backend("web")},
    )
    found = routes(given, *WEB)
    assert list(rules(found)) == ["default-web-web-test-b"]
    assert "spec.rules[0].http.paths[0] is left out: the service default/missing" in messages(found)


def test_a_resource_as_backend_is_reported() -> None:
    given = with_paths({"path": "/", "backend": {"resource": {"kind": "Bucket", "name": "b"}}})
    found = routes(given, *WEB)
    assert not found.routers
    assert "names a resource, which is not served" in messages(found)


def test_a_path_without_host_and_path_is_reported() -> None:
    found = routes(ingress(host="", path=""), *WEB)
    assert not found.routers
    assert "neither a host nor a path" in messages(found)


def test_an_ingress_of_an_unknown_form_is_reported() -> None:
    given = ingress()
    given["spec"]["rules"] = "all"
    found = routes(given, *WEB)
    assert "it cannot be read" in messages(found)


def default_backend(name: str = "web", namespace: str = "default", **spec: Any) -> Manifest:
    return manifest(
        "networking.k8s.io/v1", "Ingress", name, namespace, spec={"defaultBackend": backend("web"), **spec}
    )


def test_a_default_backend_serves_what_nothing_else_matches() -> None:
    found = routes(default_backend(), *WEB)
    router = found.routers["default-router@kubernetes"]
    assert router.rule.text == 'PathPrefix("/")'
    assert router.priority == -(2**31)
    assert router.service == "default-backend@kubernetes"
    assert urls(found, "default-backend") == ["http://10.1.0.1:8080"]


def test_of_two_default_backends_the_first_is_used() -> None:
    other = (service("web", namespace="other"), endpoint_slice("web", namespace="other"))
    found = routes(default_backend("a"), default_backend("b", "other"), *WEB, *other)
    assert urls(found, "default-backend") == ["http://10.1.0.1:8080"]
    assert "that of Ingress default/a is used" in messages(found)


def test_a_default_backend_beside_rules_has_no_effect() -> None:
    given = ingress()
    given["spec"]["defaultBackend"] = backend("web")
    found = routes(given, *WEB)
    assert list(rules(found)) == ["default-web-web-test"]
    assert "spec.defaultBackend has no effect" in messages(found)


def test_an_ingress_without_anything_is_reported() -> None:
    given = manifest("networking.k8s.io/v1", "Ingress", "empty", spec={})
    assert "no rules and no default backend" in messages(routes(given))


CLASS = "kubernetes.io/ingress.class"
CLASSES: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "none": ({}, {}, True),
    "none-but-wanted": ({}, {"ingress_class": "own"}, False),
    "annotated-traefik": ({"annotations": {CLASS: "traefik"}}, {}, True),
    "annotated-other": ({"annotations": {CLASS: "nginx"}}, {}, False),
    "annotated-wanted": ({"annotations": {CLASS: "own"}}, {"ingress_class": "own"}, True),
    "annotated-traefik-not-wanted": ({"annotations": {CLASS: "traefik"}}, {"ingress_class": "own"}, False),
    "named": ({"class_name": "own"}, {}, True),
    "named-wanted": ({"class_name": "own"}, {"ingress_class": "own"}, True),
    "named-other-wanted": ({"class_name": "own"}, {"ingress_class": "else"}, False),
    "named-of-other-controller": ({"class_name": "nginx"}, {}, False),
    "named-missing": ({"class_name": "missing"}, {}, False),
    "name-counts-before-annotation": ({"class_name": "nginx", "annotations": {CLASS: "traefik"}}, {}, False),
    "named-without-lookup": ({"class_name": "own"}, {"class_lookup": False}, False),
    "annotated-without-lookup": ({"annotations": {CLASS: "traefik"}}, {"class_lookup": False}, True),
}


@pytest.mark.parametrize("case", CLASSES)
def test_classes(case: str) -> None:
    given, policy, taken = CLASSES[case]
    classes = (ingress_class("own"), ingress_class("nginx", "k8s.io/ingress-nginx"))
    found = routes(ingress(**given), *classes, *WEB, **policy)
    assert bool(found.routers) == taken
    assert ("there is no IngressClass missing" in messages(found)) == (case == "named-missing")


ANNOTATIONS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "entry-points": ({"router.entrypoints": "web, websecure"}, {"entry_points": ("web", "websecure")}),
    "priority": ({"router.priority": "42"}, {"priority": 42}),
    "middlewares": (
        {"router.middlewares": "auth@file,default-strip@kubernetescrd"},
        {"middlewares": ("auth@file", "default-strip@kubernetescrd")},
    ),
    "own-middleware": ({"router.middlewares": "auth"}, {"middlewares": ("auth@kubernetes",)}),
    "tls": ({"router.tls": "true"}, {"tls": True}),
    "tls-options": (
        {"router.tls.options": "strict@file"},
        {"tls": True, "tls_options": "strict@file"},
    ),
    "cert-resolver": (
        {"router.tls.certresolver": "le"},
        {"tls": True, "cert_resolver": "le"},
    ),
    "tls-domains": (
        {
            "router.tls.certresolver": "le",
            "router.tls.domains.0.main": "web.test",
            "router.tls.domains.0.sans": "a.web.test,b.web.test",
        },
        {"tls_domains": (TlsDomain("web.test", ("a.web.test", "b.web.test")),)},
    ),
    "observability": (
        {"router.observability.accesslogs": "false", "router.observability.metrics": "true"},
        {"observability": RouterObservability(access_logs=False, metrics=True)},
    ),
    "any-case": ({"router.entryPoints": "web"}, {"entry_points": ("web",)}),
}


@pytest.mark.parametrize("case", ANNOTATIONS)
def test_annotations_of_traefik_3(case: str) -> None:
    written, expected = ANNOTATIONS[case]
    found = routes(ingress(annotations={TRAEFIK + name: value for name, value in written.items()}), *WEB)
    router = found.routers["default-web-web-test@kubernetes"]
    assert {name: getattr(router, name) for name in expected} == expected
    assert found.diagnostics == ()


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "misspelt-middlewares": ({"router.middlewarez": "auth@file"}, "router.middlewarez"),
    "misspelt-tls": ({"router.tsl": "true"}, "may be meant to protect the router"),
    "invalid-syntax": ({"router.rulesyntax": "v9"}, "expected v3 or v2"),
    "invalid-matcher": ({"router.pathmatcher": "PathPrefixStrip"}, "expected one of Path, PathPrefix"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_annotations_that_close_a_route(case: str) -> None:
    written, message = REFUSED[case]
    annotations = {TRAEFIK + name: value for name, value in written.items()}
    found = routes(ingress(annotations=annotations, path_type="ImplementationSpecific"), *WEB)
    assert not found.routers
    assert message in messages(found)


@pytest.mark.parametrize("name", ["router.rule", "router.service", "router.parentRefs", "router.colour"])
def test_unknown_annotations_are_reported_and_change_nothing(name: str) -> None:
    found = routes(ingress(annotations={TRAEFIK + name: "other"}), *WEB)
    assert rules(found) == {"default-web-web-test": 'Host("web.test") && PathPrefix("/")'}
    assert f"{TRAEFIK}{name} is unknown" in messages(found)


CROSS_PROVIDER = {
    "middleware": ({"router.middlewares": "auth@file"}, ("shop",), False),
    "tls-options": ({"router.tls.options": "strict@file"}, ("shop",), False),
    "allowed": ({"router.middlewares": "auth@file"}, ("default",), True),
    "nothing-named": ({"router.tls": "true"}, (), True),
}


@pytest.mark.parametrize("case", CROSS_PROVIDER)
def test_only_some_namespaces_may_refer_to_other_providers(case: str) -> None:
    written, allowed, served = CROSS_PROVIDER[case]
    annotations = {TRAEFIK + name: value for name, value in written.items()}
    found = routes(ingress(annotations=annotations), *WEB, cross_provider_namespaces=allowed)
    assert bool(found.routers) == served
    assert ("crossProviderNamespaces" in messages(found)) != served


def test_names_of_two_namespaces_that_become_one_are_not_mixed() -> None:
    found = routes(
        ingress("x", namespace="a-b", service="c", host="one.test"),
        ingress("y", namespace="a", service="b-c", host="two.test"),
        service("c", namespace="a-b"),
        endpoint_slice("c", namespace="a-b"),
        service("b-c", namespace="a"),
        endpoint_slice("b-c", namespace="a"),
    )
    assert "a-b-c-80@kubernetes" not in found.services
    assert "its servers are those of" in messages(found)
