"""Decodes HTTPRoutes and GRPCRoutes to routers, services and middlewares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import normalise, qualify
from discovery.decoding.report import Report
from discovery.dynamic.middlewares import make_middleware
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster, DecodingPolicy
from discovery.providers.kubernetes.names import rule_digest
from discovery.providers.kubernetes_gateway.attachments import Attached, Attachment, attach
from discovery.providers.kubernetes_gateway.backends import BackendFaultError, RouteKind, read_backend
from discovery.providers.kubernetes_gateway.conditions import PARTIALLY_INVALID, RESOLVED_REFS, Condition
from discovery.providers.kubernetes_gateway.filters import (
    Filters,
    UnsupportedFilterError,
    read_filters,
    read_timeouts,
)
from discovery.providers.kubernetes_gateway.listeners import EntryPointAddress
from discovery.providers.kubernetes_gateway.matches import (
    Match,
    UnsupportedMatchError,
    grpc_matches,
    http_matches,
    priority,
)
from rondpoint.model import Member, Middleware, Mirror, Mirroring, Router, ServersTransport, Service
from rondpoint.rules import v3
from rondpoint.rules.errors import RuleError

PROVIDER = "kubernetesgateway"

_RESOLVED = Condition(RESOLVED_REFS, True, "ResolvedRefs", "all references are resolved")
_MATCHES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Match]]] = {
    "HTTPRoute": http_matches,
    "GRPCRoute": grpc_matches,
}
_FAULT_STATUS = {"HTTPRoute": 500, "GRPCRoute": 503}
"""The status in place of a backend that cannot be used; gRPC's clients take 503 as UNAVAILABLE."""

_UNSERVED = ("retry", "sessionPersistence")


class Options(Struct, frozen=True):
    """What the settings say: the controller's name, the entry points, and how routes are decoded."""

    controller: str
    entry_points: Mapping[str, EntryPointAddress]
    policy: DecodingPolicy


class DecodedRoute(Struct, frozen=True):
    """A route's definitions, and what its status says: its attachments, and conditions of all of them."""

    decoded: Decoded
    attachments: tuple[Attachment, ...]
    conditions: tuple[Condition, ...]


def decode_route(kind: RouteKind, route: Object, cluster: Cluster, options: Options) -> DecodedRoute:
    """Decode a route. A rule that cannot be served as it is meant is closed, or left out, and says so."""
    return _Route(kind, route, cluster, options).decode()


class _Route:
    """The state of one decoding."""

    def __init__(self, kind: RouteKind, route: Object, cluster: Cluster, options: Options) -> None:
        self._kind: RouteKind = kind
        self._route = route
        self._cluster = cluster
        self._options = options
        self._namespace, name = name_of(route)
        self._name = f"{kind.lower()}-{self._namespace}-{name}"
        self._report = Report(PROVIDER, f"{kind} {self._namespace}/{name}")
        self._routers: dict[str, Router] = {}
        self._services: dict[str, Service] = {}
        self._middlewares: dict[str, Middleware] = {}
        self._transports: dict[str, ServersTransport] = {}
        self._unresolved: Condition | None = None
        self._invalid: list[str] = []

    def decode(self) -> DecodedRoute:
        attachments = tuple(
            attach(
                self._kind, self._route, self._options.controller, self._cluster, self._options.entry_points
            )
        )
        for attachment in attachments:
            if not attachment.condition.holds:
                to = attachment.reference
                parent = f"Gateway {to.get('namespace') or self._namespace}/{to.get('name')}"
                self._report.warning(f"{parent} does not take it: {attachment.condition.message}")
            for name in attachment.lost:
                self._report.warning(
                    f"it gets no requests for {name}, which belongs to a more specific listener",
                    "name that listener's sectionName in parentRefs, or none",
                )
        if attachments:
            served = [each for one in attachments for each in one.attached if each.listener.serves]
            for number, rule in enumerate((self._route.get("spec") or {}).get("rules") or ({},)):
                self._decode_rule(number, rule, served)
        conditions = [self._unresolved or _RESOLVED]
        if self._invalid:
            conditions.append(
                Condition(PARTIALLY_INVALID, True, "UnsupportedValue", "; ".join(self._invalid))
            )
        decoded = Decoded(
            self._report.subject,
            tuple(self._routers.values()),
            tuple(self._services.values()),
            tuple(self._middlewares.values()),
            self._report.diagnostics,
            servers_transports=tuple(self._transports.values()),
        )
        return DecodedRoute(decoded, attachments, tuple(conditions))

    def _decode_rule(self, number: int, rule: Mapping[str, Any], served: list[Attached]) -> None:
        where = f"rule {number}"
        for option in _UNSERVED:
            if rule.get(option):
                self._report.warning(f"{where}: {option} is not served", "it has no effect")
        try:
            matches = list(_MATCHES[self._kind](rule))
        except UnsupportedMatchError as error:
            self._leave_out(where, str(error))
            return
        for index, match in enumerate(matches):
            own = f"{self._name}-{number}" + (f"-{index}" if _depends_on_match(rule) else "")
            try:
                filters = read_filters(
                    rule.get("filters") or (), self._namespace, normalise(own), match.prefix
                )
                timeouts = read_timeouts(rule, normalise(own))
                filters = Filters({**timeouts, **filters.middlewares}, filters.mirrors)
                service = self._service(where, normalise(own), rule, filters, match)
            except UnsupportedFilterError as error:
                filters = Filters({}, ())
                service = self._fault(f"{normalise(own)}-err", f"{where}: {error}")
                self._invalidate(f"{where}: {error}")
            self._put_middlewares(filters)
            for each in served:
                self._put_routers(number, match, each, service, tuple(filters.middlewares))

    def _put_routers(
        self, number: int, match: Match, attached: Attached, service: str, middlewares: tuple[str, ...]
    ) -> None:
        listener = attached.listener
        gateway = f"{listener.namespace}-{listener.gateway}-ep-{listener.entry_point}"
        key = normalise(f"{self._name}-gw-{gateway}-{number}")
        for host in attached.hosts:
            text = match.with_host(host)
            try:
                rule = v3.parse(text)
            except RuleError as error:
                self._leave_out(f"rule {number}", f"{text}: {error.message}")
                continue
            name = qualify(f"{key}-{rule_digest(text)}", PROVIDER)
            self._routers[name] = Router(
                name,
                rule,
                service,
                priority(match, host.name, self._route, number),
                (listener.entry_point,),
                tuple(qualify(middleware, PROVIDER) for middleware in middlewares),
                tls=listener.protocol == "HTTPS",
            )

    def _service(self, where: str, name: str, rule: Mapping[str, Any], filters: Filters, match: Match) -> str:
        """Define the service of a rule, and return its qualified name."""
        backends = rule.get("backendRefs") or ()
        members = tuple(
            Member(self._backend(where, name, index, backend, match), int(backend.get("weight", 1)))
            for index, backend in enumerate(backends)
        )
        if not members:
            redirects = any("requestRedirect" in (options or {}) for options in filters.middlewares.values())
            if not redirects:
                self._report.warning(f"{where} has no backendRefs", "its requests get a 500 response")
            return self._fault(f"{name}-none", f"{where} has no backendRefs")
        if len(members) == 1 and members[0].weight:
            main = members[0].name
        else:
            main = qualify(f"{name}-wrr", PROVIDER)
            self._services[main] = Service(main, composition="weighted", members=members)
        if not filters.mirrors:
            return main
        mirrored = qualify(f"{name}-mirroring", PROVIDER)
        mirrors = tuple(
            Mirror(self._backend(where, f"{name}-mirror", index, each["backendRef"], match), _percent(each))
            for index, each in enumerate(filters.mirrors)
            if each.get("backendRef")
        )
        self._services[mirrored] = Service(
            mirrored, composition="mirroring", members=(Member(main),), mirroring=Mirroring(mirrors)
        )
        return mirrored

    def _backend(self, where: str, name: str, index: int, backend: Mapping[str, Any], match: Match) -> str:
        """Define the service of one backend, and return its qualified name."""
        namespace = str(backend.get("namespace") or self._namespace)
        own = normalise(f"{name}-svc-{namespace}-{backend.get('name') or ''}-{index}")
        qualified = qualify(own, PROVIDER)
        try:
            if _is_of_other_provider(backend):
                return self._of_other_provider(str(backend["name"]))
            filters = read_filters(backend.get("filters") or (), self._namespace, own, match.prefix)
            if filters.mirrors:
                raise UnsupportedFilterError("RequestMirror on a backend is not supported")
            found = read_backend(
                backend, self._kind, self._namespace, qualified, self._options.policy, self._cluster
            )
        except UnsupportedFilterError as error:
            self._invalidate(f"{where}: {error}")
            return self._fault(own, f"{where}: {error}")
        except BackendFaultError as error:
            self._unresolved = self._unresolved or error.condition
            self._report.error(f"{where}: {error}", f"its share of requests gets {_FAULT_STATUS[self._kind]}")
            return self._fault(own, f"{where}: {error}")
        self._put_middlewares(filters)
        if found.transport is not None:
            self._transports[qualified] = found.transport
        self._services[qualified] = Service(
            qualified,
            found.servers,
            servers_transport="" if found.transport is None else qualified,
            middlewares=tuple(qualify(each, PROVIDER) for each in filters.middlewares),
        )
        return qualified

    def _of_other_provider(self, name: str) -> str:
        if not self._options.policy.may_name_providers(self._namespace):
            message = f"namespace {self._namespace} may not refer to {name}, a service of another provider"
            raise BackendFaultError("RefNotPermitted", message)
        return name

    def _fault(self, name: str, reason: str) -> str:
        """Define a service that responds with an error, and return its qualified name."""
        qualified = qualify(name, PROVIDER)
        status = _FAULT_STATUS[self._kind]
        self._services[qualified] = Service(qualified, unserved=reason, responds_with=status)
        return qualified

    def _put_middlewares(self, filters: Filters) -> None:
        for name, options in filters.middlewares.items():
            if options is None:
                continue
            ((kind, values),) = options.items()
            qualified = qualify(name, PROVIDER)
            with self._report.about("middleware", qualified):
                self._middlewares[qualified] = make_middleware(
                    qualified,
                    kind,
                    values,
                    lambda other: qualify(other, PROVIDER),
                    lambda path, name=name: ".".join((name, *path)),  # type: ignore[misc]
                    self._report,
                )

    def _invalidate(self, message: str) -> None:
        if message not in self._invalid:
            self._invalid.append(message)
            self._report.error(message, f"the requests get a {_FAULT_STATUS[self._kind]} response")

    def _leave_out(self, where: str, reason: str) -> None:
        message = f"{where} is left out: {reason}"
        if message not in self._invalid:
            self._invalid.append(message)
            self._report.error(message, "its requests go to rules that match less")


def _is_of_other_provider(backend: Mapping[str, Any]) -> bool:
    kind = (backend.get("group"), backend.get("kind"))
    return kind == ("traefik.io", "TraefikService") and "@" in str(backend.get("name"))


def _depends_on_match(rule: Mapping[str, Any]) -> bool:
    """Return whether a filter replaces the prefix that the match names."""
    filters = [
        *(rule.get("filters") or ()),
        *(each for backend in rule.get("backendRefs") or () for each in backend.get("filters") or ()),
    ]
    options = (each.get("requestRedirect") or each.get("urlRewrite") or {} for each in filters)
    return len(rule.get("matches") or ()) > 1 and any(
        (each.get("path") or {}).get("type") == "ReplacePrefixMatch" for each in options
    )


def _percent(mirror: Mapping[str, Any]) -> int:
    fraction = mirror.get("fraction")
    if fraction:
        return min(round(100 * int(fraction["numerator"]) / int(fraction.get("denominator") or 100)), 100)
    return min(int(mirror.get("percent", 100)), 100)
