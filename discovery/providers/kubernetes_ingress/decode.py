"""Decodes an Ingress to routers, the services of its paths, middlewares and certificates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from discovery.certificates.loading import Seal
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.routers import decode_router
from discovery.kubernetes.client import Object
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes.secrets import ContentsFault, read_key_pair
from discovery.providers.kubernetes_ingress import names
from discovery.providers.kubernetes_ingress.annotations import PREFIX, read_annotations
from discovery.providers.kubernetes_ingress.classes import is_taken
from discovery.providers.kubernetes_ingress.ingress import Ingress, IngressRule, IngressSpec, Path
from discovery.providers.kubernetes_ingress.names import PROVIDER
from discovery.providers.kubernetes_ingress.policy import Policy
from discovery.providers.kubernetes_ingress.rules import (
    EXACT,
    IMPLEMENTATION_SPECIFIC,
    PATH_MATCHERS,
    path_rule,
)
from discovery.providers.kubernetes_ingress.services import PathService, read_service
from discovery.providers.kubernetes_ingress.v1_routes import (
    V1Options,
    backend_naming,
    has_v1_rule,
    middlewares_of,
    read_v1_options,
    read_v1_rule,
    with_v1_options,
)
from discovery.providers.kubernetes_ingress.v1_weights import share_weights
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.model import Member, Middleware, Router, Service

_ROUTER = f"{PREFIX}router"
_OPTIONS = ("pathMatcher", "entryPoints", "middlewares", "priority", "ruleSyntax", "tls", "observability")
"""Traefik 3's annotations `router.…`."""

_LAST = -(2**31)
"""The priority of a default backend."""


def decode(policy: Policy, seal: Seal, _kind: str, item: Object, cluster: Cluster) -> Decoded:
    """Decode an Ingress; it is empty if the provider does not take its class. `seal` seals private keys."""
    ingress = Ingress(item, policy, cluster, seal)
    spec = ingress.read_spec()
    if spec is None or not is_taken(ingress, spec):
        return Decoded(ingress.subject, diagnostics=ingress.report.diagnostics)
    decoder = _Decoder(ingress)
    decoder.decode(spec)
    pairs = tuple(_certificates(spec, ingress))
    return Decoded(
        ingress.subject,
        tuple(decoder.routers.values()),
        tuple(decoder.services.values()),
        tuple(decoder.middlewares),
        (*ingress.report.diagnostics, *ingress.of_services),
        keys=decoder.keys,
        pairs=pairs,
        origins=decoder.origins,
        # Of several default backends one is used, as in Traefik.
        first_wins=not spec.rules,
    )


class _Route(Struct, frozen=True):
    """One path of an Ingress, or its default backend; `at` is its place in the manifest."""

    at: str
    host: str
    path: Path
    name: str
    rule: str
    matcher: str
    service: PathService

    @property
    def base(self) -> str:
        """Host and path, by which Traefik 1 names frontends and backends."""
        return f"{self.host}{self.path.path}"


class _Decoder:
    """The state of one decoding."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._report = ingress.report
        self._router_options: dict[str, Any] = {}
        self.routers: dict[str, Router] = {}
        self.services: dict[str, Service] = {}
        self.middlewares: list[Middleware] = []
        self.keys: dict[str, str] = {}
        self.origins: dict[str, str] = {}

    def decode(self, spec: IngressSpec) -> None:
        """Decode all paths, or the default backend of an Ingress without rules."""
        v1 = read_v1_options(self._ingress)
        self._router_options = self._read_router_options(v1)
        if v1 is None or not self._may_name_providers():
            return
        if not spec.rules:
            self._decode_default(spec, v1)
            return
        if spec.default_backend is not None:
            self._report.note(
                "spec.defaultBackend has no effect beside spec.rules, as in Traefik",
                "put it into an Ingress of its own",
            )
        routes = [
            route
            for number, rule in enumerate(spec.rules)
            for route in self._routes(rule, f"spec.rules[{number}]", v1)
        ]
        if v1.weights is not None:
            routes = self._weighted(routes, v1.weights)
        self._decode_routes(routes, v1)

    def _read_router_options(self, v1: V1Options | None) -> dict[str, Any]:
        found = read_annotations(self._ingress.annotations, "router", self._report)
        known = {option.lower(): option for option in _OPTIONS}
        foreign = {"rule", "service", "parentrefs"}
        options = {known.get(name.lower(), name): value for name, value in found.items()}
        for name in [name for name in options if name.lower() in foreign]:
            at = self._report.at(f"{_ROUTER}.{name}")
            self._report.warning(f"{at} is unknown", "an Ingress has it in its spec")
            del options[name]
        return {**(v1.router_options if v1 else {}), **options}

    def _may_name_providers(self) -> bool:
        """Check whether the Ingress names objects of other providers only if it may; report it otherwise."""
        policy, options = self._ingress.policy, self._router_options
        tls = options.get("tls")
        named = ["middlewares"] if options.get("middlewares") else []
        if isinstance(tls, Mapping) and any(name.lower() == "options" for name in tls):
            named.append("tls.options")
        if not named or policy.may_name_providers(self._ingress.namespace):
            return True
        self._report.error(
            f"{self._report.at(f'{_ROUTER}.{named[0]}')}: its namespace may not refer to objects of other "
            "providers, so its routes are left out",
            f"add {self._ingress.namespace} to {policy.option_prefix}crossProviderNamespaces",
        )
        return False

    def _decode_default(self, spec: IngressSpec, v1: V1Options) -> None:
        if spec.default_backend is None:
            self._report.warning("it has no rules and no default backend", "expected spec.rules")
            return
        at = "spec.defaultBackend"
        found = read_service(spec.default_backend, at, self._ingress, v1.scheme)
        if found is None:
            return
        name = qualify(names.DEFAULT_SERVICE, PROVIDER)
        service = PathService(replace(found.service, name=name), found.origin, found.v1_backend)
        self._router_options["priority"] = _LAST
        path = Path(spec.default_backend)
        rule = 'PathPrefix("/")'
        self._decode_routes([_Route(at, "", path, names.DEFAULT_ROUTER, rule, "PathPrefix", service)], v1)

    def _routes(self, rule: IngressRule, at: str, v1: V1Options) -> Iterator[_Route]:
        for number, path in enumerate(rule.http.paths if rule.http is not None else ()):
            place = f"{at}.http.paths[{number}]"
            matcher = self._matcher(path, place)
            if matcher is None:
                continue
            text = path_rule(
                rule.host,
                path.path,
                matcher,
                strict_prefix=self._ingress.policy.strict_prefix_matching,
                syntax=str(self._router_options.get("ruleSyntax") or "").lower(),
            )
            if not text and not has_v1_rule(v1):
                message = f"{place} has neither a host nor a path, so it is left out"
                self._report.error(message, "expected path, such as /")
                continue
            service = read_service(path.backend, place, self._ingress, v1.scheme)
            if service is None:
                continue
            name = names.router_name(self._ingress.namespace, self._ingress.name, rule.host, path.path)
            yield _Route(place, rule.host, path, name, text, matcher, service)

    def _matcher(self, path: Path, at: str) -> str | None:
        """Return the matcher of a path; report one that does not exist and return None."""
        if path.path_type == EXACT:
            return "Path"
        if path.path_type not in IMPLEMENTATION_SPECIFIC:
            return "PathPrefix"
        written = str(self._router_options.get("pathMatcher") or "PathPrefix")
        if written in PATH_MATCHERS:
            return written
        key = self._report.at(f"{_ROUTER}.pathmatcher", written)
        self._report.error(
            f"{key} is not valid, so {at} is left out", f"expected one of {', '.join(PATH_MATCHERS)}"
        )
        return None

    def _weighted(self, routes: list[_Route], weights: Mapping[str, float]) -> list[_Route]:
        """Join the routes of one host and path to one, whose service shares out the requests."""
        joined: dict[str, list[_Route]] = {}
        for route in routes:
            joined.setdefault(route.base, []).append(route)
        found = []
        for same in joined.values():
            services = [
                (route.path.backend.service.name if route.path.backend.service else "", len(servers))
                for route in same
                for servers in [route.service.service.servers]
            ]
            try:
                shares = share_weights(weights, services)
            except ValueError as error:
                self._report.error(f"{same[0].at} is left out: {error}")
                continue
            if len(same) == 1:
                found.append(same[0])
                continue
            for route in same:
                self._add_service(route.service, route.at)
            members = tuple(
                Member(route.service.service.name, share) for route, share in zip(same, shares, strict=True)
            )
            whole = Service(
                qualify(f"{same[0].name}-weighted", PROVIDER), composition="weighted", members=members
            )
            service = PathService(whole, "", same[0].service.v1_backend)
            first = same[0]
            found.append(
                _Route(first.at, first.host, first.path, first.name, first.rule, first.matcher, service)
            )
        return found

    def _decode_routes(self, routes: list[_Route], v1: V1Options) -> None:
        counts = Counter(route.name for route in routes)
        bases = {route.base: route.service.service.name for route in routes}
        for route in routes:
            name = route.name
            if counts[name] > 1:
                name = names.distinct_router_name(name, route.rule)
            qualified = qualify(name, PROVIDER)
            with self._report.about("router", qualified):
                if qualified in self.routers:
                    message = f"{route.at} is left out, because another path has its host and path"
                    self._report.error(message, lost_rules_hint(route.rule))
                    continue
                self._decode_route(name, route, v1, bases)

    def _decode_route(self, name: str, route: _Route, v1: V1Options, bases: Mapping[str, str]) -> None:
        rule = None
        if has_v1_rule(v1):
            rule = read_v1_rule(v1, route.host, route.path.path, route.matcher, route.at, self._ingress)
            if rule is None:
                return
        options = {key: value for key, value in self._router_options.items() if key != "pathMatcher"}
        options["rule"] = route.rule or 'PathPrefix("/")'
        self._ingress.written[f"{_ROUTER}.rule".lower()] = route.at
        section = Section(options, _ROUTER, self._report)
        router = decode_router(name, section, PROVIDER, route.service.service.name, lambda: None)
        if router is None:
            message = f"{route.at} is left out"
            self._report.error(message, lost_rules_hint(route.rule))
            return
        router, found = with_v1_options(
            router,
            rule,
            route.base,
            route.path.path,
            v1,
            route.service.v1_backend,
            backend_naming(bases),
            self._ingress,
        )
        self.routers[router.name] = router
        self.keys[f"routers.{router.name}"] = route.at
        self.middlewares += middlewares_of(found)
        self.keys.update({f"middlewares.{middleware.name}": key for key, middleware in found})
        self._add_service(route.service, route.at)

    def _add_service(self, found: PathService, at: str) -> None:
        name = found.service.name
        self.services[name] = found.service
        self.keys.setdefault(f"services.{name}", f"{at}.backend")
        if found.origin:
            self.origins[name] = found.origin


def _certificates(spec: IngressSpec, ingress: Ingress) -> Iterator[WrittenPair]:
    for number, tls in enumerate(spec.tls):
        if not tls.secret_name:
            continue
        try:
            yield read_key_pair(tls.secret_name, ingress)
        except ContentsFault as fault:
            message = f"spec.tls[{number}].secretName: {fault}, so the certificate is left out"
            ingress.report.error(message, fault.hint)
