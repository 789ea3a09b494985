"""Decodes IngressRoutes: one router for each route, with the services that it names.

A route is left out if a guard of it cannot be resolved: a middleware, its TLS options or its parents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.composite import read_composite
from discovery.dynamic.routers import decode_router
from discovery.providers.kubernetes_crd.classes import is_of_class
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, router_name
from discovery.providers.kubernetes_crd.parents import read_parents
from discovery.providers.kubernetes_crd.references import read_references
from discovery.providers.kubernetes_crd.route_tls import read_route_tls
from discovery.providers.kubernetes_crd.services import read_service
from discovery.providers.kubernetes_crd.traefik_services import share
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.model import Router, Service

_RULE = "Rule"


def decode_ingress_route(manifest: Manifest) -> Decoded:
    """Decode an IngressRoute; it is empty if the settings select another ingress class."""
    if not is_of_class(manifest):
        return Decoded(manifest.subject)
    decoder = _IngressRoute(manifest)
    decoder.decode()
    return Decoded(
        manifest.subject,
        tuple(decoder.routers),
        tuple(decoder.services.values()),
        diagnostics=manifest.report.diagnostics,
        origins=manifest.origins,
        keys=decoder.keys,
        pairs=decoder.pairs,
    )


class _Common(Struct, frozen=True):
    """The options of a router that all routes of an IngressRoute share."""

    options: Mapping[str, object]
    usable: bool


class _IngressRoute:
    """The state of one decoding."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._report = manifest.report
        self.routers: list[Router] = []
        self.services: dict[str, Service] = {}
        self.keys: dict[str, str] = {}
        self.pairs: tuple[WrittenPair, ...] = ()

    def decode(self) -> None:
        spec = self._manifest.spec
        common = self._read_common(spec)
        routes = list(spec.items("routes"))
        spec.finish()
        rules = Counter(str(route.raw("match")) for route in routes)
        for route in routes:
            rule = str(route.raw("match") or "")
            if not route.read("match", values.text, ""):
                if not route.has("match"):
                    self._report.error(f"{self._report.at(route.path)} has no match", "expected a rule")
                continue
            name = router_name(self._manifest.namespace, self._manifest.name, rule)
            with self._report.about("router", qualify(name, PROVIDER)):
                if rules[rule] > 1 and not self._is_repeated(route, rule, routes):
                    message = (
                        f"{self._report.at(route.path)} is left out, because another route has its match"
                    )
                    self._report.error(message, lost_rules_hint(rule))
                elif not self._decode_route(route, rule, name, common):
                    message = f"{self._report.at(route.path)} is left out"
                    self._report.error(message, lost_rules_hint(rule))

    def _is_repeated(self, route: Section, rule: str, routes: list[Section]) -> bool:
        """Return whether all routes with this rule are equal, so that it does not matter which one counts."""
        same = [each for each in routes if str(each.raw("match")) == rule]
        return all(_options(each) == _options(route) for each in same)

    def _read_common(self, spec: Section) -> _Common:
        tls = read_route_tls(spec, self._manifest)
        parents = read_parents(spec, self._manifest)
        options: dict[str, object] = {}
        if spec.has("entryPoints"):
            options["entryPoints"] = spec.raw("entryPoints")
        if tls is None or parents is None:
            return _Common(options, usable=False)
        self.pairs = tls.pairs
        if tls.options is not None:
            options["tls"] = tls.options
        if spec.raw("parentRefs"):
            options["parentRefs"] = list(parents)
        return _Common(options, usable=True)

    def _decode_route(self, route: Section, rule: str, name: str, common: _Common) -> bool:
        """Decode one route; return False if it is to be left out, for reasons that are reported."""
        report = self._report
        options: dict[str, object] = {"rule": rule, **common.options}
        kind = route.read("kind", values.text, _RULE)
        if kind != _RULE:
            report.error(f"{report.at(route.key('kind'), kind)} is not valid", f"expected {_RULE}")
            return False
        middlewares = read_references(route, "middlewares", self._manifest)
        service = self._read_service(route, name)
        for option, written in (("priority", "priority"), ("ruleSyntax", "syntax")):
            if route.raw(written):
                options[option] = route.raw(written)
        if route.has("observability"):
            options["observability"] = route.raw("observability")
        route.finish()
        if middlewares is None or service is None or not common.usable:
            return False
        options["middlewares"] = list(middlewares)
        self._note_written_keys(route.path)
        router = decode_router(
            name, Section(options, route.path, report), PROVIDER, service.name, lambda: None
        )
        if router is None:
            return False
        self.routers.append(router)
        self.keys[f"routers.{router.name}"] = route.path
        for each in service.services:
            self.services[each.name] = each
            self.keys[f"services.{each.name}"] = f"{route.path}.services"
        return True

    def _read_service(self, route: Section, name: str) -> _RouteService | None:
        """Return the service of a route, which has the router's name unless another object defines it."""
        items = list(route.items("services"))
        if not items:
            # Without services it is the parent of other IngressRoutes.
            return None if route.raw("services") else _RouteService("", ())
        if len(items) == 1:
            only = read_service(items[0], self._manifest, name)
            if only is None:
                return None
            return _RouteService(only.name, () if only.service is None else (only.service,))
        parts = share(route, self._manifest)
        if parts is None:
            return None
        options = Section({"services": parts.options["services"]}, route.path, self._report)
        service = read_composite("weighted", options, qualify(name, PROVIDER), PROVIDER)
        return _RouteService(service.name, (service, *parts.services))

    def _note_written_keys(self, path: str) -> None:
        """Note where the manifest has the options that a router has in Traefik's dynamic configuration."""
        for option, written in {
            "rule": f"{path}.match",
            "ruleSyntax": f"{path}.syntax",
            "entryPoints": "spec.entryPoints",
            "parentRefs": "spec.parentRefs",
            "tls": "spec.tls",
            "tls.options": "spec.tls.options",
            "tls.certResolver": "spec.tls.certResolver",
        }.items():
            self._manifest.written[f"{path}.{option}".lower()] = written


class _RouteService(Struct, frozen=True):
    """The name of a route's service, empty for a parent router, and the services that the route defines."""

    name: str
    services: tuple[Service, ...]


def _options(section: Section) -> dict[str, object]:
    return {name: section.raw(name) for name in section.names}
