"""Decodes HTTPRoutes and GRPCRoutes to routers, services and middlewares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import normalise, qualify
from discovery.decoding.report import Report
from discovery.dynamic.middlewares import make_middleware
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes.names import rule_digest
from discovery.providers.kubernetes_gateway.attachments import Attached, attach
from discovery.providers.kubernetes_gateway.backends import read_backend
from discovery.providers.kubernetes_gateway.conditions import Condition
from discovery.providers.kubernetes_gateway.decoded_route import (
    DecodedRoute,
    report_attachments,
    route_conditions,
)
from discovery.providers.kubernetes_gateway.filters import (
    Filters,
    UnsupportedFilterError,
    read_filters,
    read_timeouts,
)
from discovery.providers.kubernetes_gateway.matches import (
    Match,
    UnsupportedMatchError,
    grpc_matches,
    http_matches,
    priority,
)
from discovery.providers.kubernetes_gateway.options import PROVIDER, Options
from discovery.providers.kubernetes_gateway.service_references import (
    BackendFaultError,
    HttpKind,
    service_of_other_provider,
)
from rondpoint.model import Member, Middleware, Mirror, Mirroring, Router, ServersTransport, Service
from rondpoint.rules import v3
from rondpoint.rules.errors import RuleError

_MATCHES: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Match]]] = {
    "HTTPRoute": http_matches,
    "GRPCRoute": grpc_matches,
}
_FAULT_STATUS = {"HTTPRoute": 500, "GRPCRoute": 503}
"""The status in place of a backend that cannot be used; gRPC's clients take 503 as UNAVAILABLE."""

_UNSERVED = ("retry", "sessionPersistence")


def decode_route(kind: HttpKind, route: Object, cluster: Cluster, options: Options) -> DecodedRoute:
    """Decode a route. A rule that cannot be served as it is meant is closed, or left out, and says so."""
    return _Route(kind, route, cluster, options).decode()


class _Route:
    """The state of one decoding."""

    def __init__(self, kind: HttpKind, route: Object, cluster: Cluster, options: Options) -> None:
        self._kind: HttpKind = kind
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
        attachments = tuple(attach(self._kind, self._route, self._cluster, self._options))
        report_attachments(self._namespace, attachments, self._report)
        if attachments:
            served = [each for one in attachments for each in one.attached if each.listener.serves]
            for number, rule in enumerate((self._route.get("spec") or {}).get("rules") or ({},)):
                self._decode_rule(number, rule, served)
        decoded = Decoded(
            self._report.subject,
            tuple(self._routers.values()),
            tuple(self._services.values()),
            tuple(self._middlewares.values()),
            self._report.diagnostics,
            servers_transports=tuple(self._transports.values()),
        )
        conditions = route_conditions(self._unresolved, self._invalid)
        return DecodedRoute(decoded, attachments, conditions)

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
            other = service_of_other_provider(backend, self._namespace, self._options.policy)
            if other:
                return other
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
