"""Ingresses that Traefik 3 and Rondpoint route alike, the requests to them, and intended differences."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from tests.lab.kubernetes.manifests import (
    TRAEFIK,
    Manifest,
    backend,
    endpoint,
    endpoint_slice,
    ingress,
    ingress_class,
    manifest,
    node,
    service,
)

ONE, TWO = "one", "two"
"""The servers behind the services of these names; each responds with its name."""


def cluster(ports: dict[str, int]) -> list[Manifest]:
    """Return the services that all cases share; `ports` are those of the servers."""
    found = [
        ingress_class("traefik-lab"),
        ingress_class("foreign", "k8s.io/ingress-nginx"),
        node("n1", InternalIP="127.0.0.1"),
    ]
    for name, port in ports.items():
        slices = {"ports": (("web", port), ("other", port))}
        found += [
            service(name, ports=(("web", 80), ("other", 8000)), clusterIP="127.0.0.1"),
            endpoint_slice(name, [endpoint("127.0.0.1", ready=True, serving=True)], **slices),  # type: ignore[arg-type]
        ]
    one = ports[ONE]
    found += [
        service("https-named", ports=(("https-web", 9443),)),
        endpoint_slice("https-named", [endpoint("127.0.0.1")], ports=(("https-web", one),)),
        service("secure", ports=(("", 443),)),
        endpoint_slice("secure", [endpoint("127.0.0.1")], ports=(("", one),)),
        service("plain", annotations={f"{TRAEFIK}service.serversscheme": "http"}, ports=(("", 443),)),
        endpoint_slice("plain", [endpoint("127.0.0.1")], ports=(("", one),)),
        service("sticky", annotations={f"{TRAEFIK}service.sticky.cookie.name": "s"}, ports=(("", 80),)),
        endpoint_slice("sticky", [endpoint("127.0.0.1")], ports=(("", one),)),
        service("own-host", annotations={f"{TRAEFIK}service.passhostheader": "false"}),
        endpoint_slice("own-host", [endpoint("127.0.0.1")], ports=(("", one),)),
        service("native", ports=(("", one),), clusterIP="127.0.0.1"),
        service("headless", clusterIP="None"),
        endpoint_slice("headless", [endpoint("127.0.0.1")], ports=(("", one),)),
        service("empty"),
        endpoint_slice("empty", [endpoint("127.0.0.1", ready=False, serving=False)], ports=(("", one),)),
        service("half"),
        endpoint_slice(
            "half",
            [endpoint("127.0.0.1", serving=True), endpoint("127.0.0.9", serving=False)],
            ports=(("", one),),
        ),
        service("external", type="ExternalName", externalName="localhost", ports=(("", one),)),
        service("split"),
        endpoint_slice("split", [endpoint("127.0.0.1")], ports=(("", one),), name="split-a"),
        endpoint_slice("split", [endpoint("127.0.0.1")], ports=(("", one),), name="split-b"),
        service("one", namespace="shop"),
        endpoint_slice("one", [endpoint("127.0.0.1")], ports=(("", one),), namespace="shop"),
    ]
    native = next(each for each in found if each["metadata"]["name"] == "native")
    native["metadata"]["annotations"] = {f"{TRAEFIK}service.nativelb": "true"}
    return found


class Case(Struct, frozen=True):
    """An Ingress named after its case, and requests to it; `{n}` stands for the name."""

    options: dict[str, Any] = {}
    requests: tuple[str, ...] = ("{n}.test/",)
    make: Callable[[str], Manifest] | None = None

    def ingress(self, name: str) -> Manifest:
        if self.make is not None:
            return self.make(name)
        return ingress(name, **{"host": f"{name}.test", "service": ONE, **self.options})


def router(**options: str) -> dict[str, Any]:
    """Return annotations `router.…`; `tls_options` is `tls.options`."""
    return {
        "annotations": {f"{TRAEFIK}router.{name.replace('_', '.')}": each for name, each in options.items()}
    }


def of_paths(*paths: tuple[str, str, str]) -> Callable[[str], Manifest]:
    """Return a function for an Ingress with these paths: path, type and service."""

    def make(name: str) -> Manifest:
        made = ingress(name)
        made["spec"]["rules"] = [
            {
                "host": f"{name}.test",
                "http": {
                    "paths": [
                        {"path": path, "pathType": kind, "backend": backend(target)}
                        for path, kind, target in paths
                    ]
                },
            }
        ]
        return made

    return make


def default_backend(name: str) -> Manifest:
    spec = {"defaultBackend": backend(TWO)}
    return manifest("networking.k8s.io/v1", "Ingress", name, spec=spec)


CASES: dict[str, Case] = {
    "plain": Case(),
    "port-by-name": Case({"port": "web"}),
    "other-port": Case({"port": 8000}),
    "missing-port": Case({"port": 81}),
    "missing-port-name": Case({"port": "none"}),
    "missing-service": Case({"service": "missing"}),
    "prefix": Case(
        {"path": "/a"}, ("{n}.test/a", "{n}.test/a/", "{n}.test/a/b", "{n}.test/ab", "{n}.test/b")
    ),
    "exact": Case({"path": "/a", "path_type": "Exact"}, ("{n}.test/a", "{n}.test/a/", "{n}.test/a/b")),
    "specific": Case({"path": "/a", "path_type": "ImplementationSpecific"}, ("{n}.test/a/b", "{n}.test/ab")),
    "no-path": Case({"path": ""}, ("{n}.test/", "{n}.test/x")),
    "matcher-path": Case(
        {"path": "/a", "path_type": "ImplementationSpecific", **router(pathmatcher="Path")},
        ("{n}.test/a", "{n}.test/a/b"),
    ),
    "matcher-regexp": Case(
        {"path": "^/a[0-9]+$", "path_type": "ImplementationSpecific", **router(pathmatcher="PathRegexp")},
        ("{n}.test/a12", "{n}.test/a", "{n}.test/a1b"),
    ),
    "matcher-invalid": Case({"path_type": "ImplementationSpecific", **router(pathmatcher="PathStrip")}),
    "matcher-of-prefix": Case({"path": "/a", **router(pathmatcher="Path")}, ("{n}.test/a/b",)),
    "two-paths": Case(
        make=of_paths(("/", "Prefix", ONE), ("/two", "Prefix", TWO)),
        requests=("{n}.test/", "{n}.test/two", "{n}.test/two/x", "{n}.test/tw"),
    ),
    "same-name": Case(
        make=of_paths(("/a", "Exact", TWO), ("/a", "Prefix", ONE)),
        requests=("{n}.test/a", "{n}.test/a/b"),
    ),
    "name-of-marks": Case(
        make=of_paths(("/a-b", "Prefix", ONE), ("/a/b", "Prefix", TWO)),
        requests=("{n}.test/a-b", "{n}.test/a/b"),
    ),
    "one-of-two-missing": Case(
        make=of_paths(("/", "Prefix", ONE), ("/gone", "Prefix", "missing")),
        requests=("{n}.test/", "{n}.test/gone"),
    ),
    "wildcard": Case(
        {"host": "*.wildcard.test"},
        ("a.wildcard.test/", "b.wildcard.test/", "a.b.wildcard.test/", "wildcard.test/"),
    ),
    "wildcard-v2": Case(
        {"host": "*.wildcard-v2.test", **router(rulesyntax="v2")},
        ("a.wildcard-v2.test/", "a.b.wildcard-v2.test/"),
    ),
    "priority-low": Case({"host": "priority.test", "service": ONE, **router(priority="10")}, ()),
    "priority-high": Case(
        {"host": "priority.test", "service": TWO, **router(priority="20")}, ("priority.test/",)
    ),
    "priority-invalid": Case(router(priority="high")),
    "entry-point": Case(router(entrypoints="web")),
    "other-entry-point": Case(router(entrypoints="elsewhere")),
    "tls": Case(router(tls="true")),
    "tls-options": Case(router(tls_options="missing@file")),
    "middleware": Case({"path": "/strip", **router(middlewares="strip@file")}, ("{n}.test/strip/x",)),
    "middlewares": Case(
        {"path": "/strip", **router(middlewares="strip@file,add@file")}, ("{n}.test/strip/x",)
    ),
    "missing-middleware": Case(router(middlewares="missing@file")),
    "observability": Case(router(observability_accesslogs="false")),
    "class-annotated": Case({"annotations": {"kubernetes.io/ingress.class": "traefik"}}),
    "class-of-others": Case({"annotations": {"kubernetes.io/ingress.class": "nginx"}}),
    "class-named": Case({"class_name": "traefik-lab"}),
    "class-foreign": Case({"class_name": "foreign"}),
    "class-missing": Case({"class_name": "missing"}),
    "https-named": Case({"service": "https-named", "port": "https-web"}),
    "https-port": Case({"service": "secure", "port": 443}),
    "http-on-443": Case({"service": "plain", "port": 443}),
    "sticky": Case({"service": "sticky"}),
    "own-host": Case({"service": "own-host"}),
    "native": Case({"service": "native", "port": 0}, make=None),
    "headless": Case({"service": "headless"}),
    "empty": Case({"service": "empty"}),
    "half": Case({"service": "half"}),
    "external": Case({"service": "external", "port": 0}),
    "split": Case({"service": "split"}),
    "namespace": Case({"namespace": "shop"}),
    "namespace-missing": Case({"namespace": "elsewhere"}),
    "upper-host": Case({"host": "upper-host.test"}, ("UPPER-HOST.test/",)),
    "unknown-annotation": Case(router(colour="red")),
    "default": Case(make=default_backend, requests=("nobody.test/", "nobody.test/x")),
    "resource": Case(
        make=lambda name: {
            **ingress(name),
            "spec": {
                "rules": [
                    {
                        "host": f"{name}.test",
                        "http": {
                            "paths": [
                                {
                                    "path": "/",
                                    "pathType": "Prefix",
                                    "backend": {"resource": {"kind": "Bucket", "name": "b"}},
                                }
                            ]
                        },
                    }
                ]
            },
        }
    ),
}

SERVER_PORT = ("native", "external")
"""The cases whose service has the port of its server."""

FILE = {
    "http": {
        "middlewares": {
            "strip": {"stripPrefix": {"prefixes": ["/strip"]}},
            "add": {"addPrefix": {"prefix": "/added"}},
        }
    }
}

_NOT_READ = (
    "Traefik skips an Ingress with an annotation that it cannot read; Rondpoint reports one that guards "
    "nothing, and serves the Ingress without it"
)
_NOT_SERVED = "Traefik's API has the rule of a router that it does not serve, Rondpoint's has diagnostics"
_NO_TLS = "Traefik responds with 500 if a server does not speak TLS, and Rondpoint with 502"

DIFFERENCES: dict[str, str] = {
    "missing-middleware": _NOT_SERVED,
    "other-entry-point": _NOT_SERVED,
    "priority-invalid": _NOT_READ,
    "unknown-annotation": _NOT_READ,
}
"""Cases with other routers or services than in Traefik, with the reason."""

REQUEST_DIFFERENCES: dict[tuple[str, str], str] = {
    ("priority-invalid", "priority-invalid.test/"): _NOT_READ,
    ("unknown-annotation", "unknown-annotation.test/"): _NOT_READ,
    ("https-named", "https-named.test/"): _NO_TLS,
    ("https-port", "https-port.test/"): _NO_TLS,
}
"""Requests with another outcome than in Traefik, with the reason."""
