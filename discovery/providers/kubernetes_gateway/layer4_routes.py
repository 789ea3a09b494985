"""Decodes TCPRoutes, TLSRoutes and UDPRoutes to routers and services of TCP and UDP.

Their rules match nothing: a route has its hostnames or none, so the first rule takes all that it gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import normalise, qualify
from discovery.decoding.report import Report
from discovery.kubernetes.client import Object
from discovery.kubernetes.objects import name_of
from discovery.providers.kubernetes.lookup import Cluster
from discovery.providers.kubernetes.names import rule_digest
from discovery.providers.kubernetes_gateway.attachments import Attached, attach
from discovery.providers.kubernetes_gateway.conditions import Condition
from discovery.providers.kubernetes_gateway.decoded_route import (
    DecodedRoute,
    report_attachments,
    route_conditions,
)
from discovery.providers.kubernetes_gateway.hostnames import server_name_rule
from discovery.providers.kubernetes_gateway.layer4_services import Layer4Services
from discovery.providers.kubernetes_gateway.matches import Match, priority, priority_of_all
from discovery.providers.kubernetes_gateway.oldest_udp_route import older_udp_route
from discovery.providers.kubernetes_gateway.options import PROVIDER, Options
from discovery.providers.kubernetes_gateway.service_references import (
    BackendFaultError,
    Layer4Kind,
    service_of_other_provider,
)
from rondpoint.model import Member
from rondpoint.rules import tcp as rules
from rondpoint.rules.errors import RuleError
from rondpoint.tcp.model import TcpRouter
from rondpoint.udp.model import UdpRouter


def decode_layer4_route(kind: Layer4Kind, route: Object, cluster: Cluster, options: Options) -> DecodedRoute:
    """Decode a route. A backend that cannot be used closes its share of connections, and says so."""
    return _Route(kind, route, cluster, options).decode()


class _Route:
    """The state of one decoding."""

    def __init__(self, kind: Layer4Kind, route: Object, cluster: Cluster, options: Options) -> None:
        self._kind: Layer4Kind = kind
        self._route = route
        self._cluster = cluster
        self._options = options
        self._namespace, name = name_of(route)
        self._name = f"{kind.lower()}-{self._namespace}-{name}"
        self._report = Report(PROVIDER, f"{kind} {self._namespace}/{name}")
        self._services = Layer4Services("UDP" if kind == "UDPRoute" else "TCP")
        self._tcp_routers: dict[str, TcpRouter] = {}
        self._udp_routers: dict[str, UdpRouter] = {}
        self._unresolved: Condition | None = None
        self._told: list[str] = []
        self._invalid: list[str] = []

    def decode(self) -> DecodedRoute:
        attachments = tuple(attach(self._kind, self._route, self._cluster, self._options))
        report_attachments(self._namespace, attachments, self._report)
        if attachments:
            written: Sequence[Mapping[str, Any]] = (self._route.get("spec") or {}).get("rules") or ({},)
            if len(written) > 1:
                self._report.warning("its rules after the first one get nothing", "take them out")
            served = [each for one in attachments for each in one.attached if each.listener.serves]
            # Without a listener the references are resolved all the same, for the status.
            for passthrough in sorted({each.listener.passthrough for each in served} or {False}):
                service = self._service(written[0], passthrough)
                for each in served:
                    if each.listener.passthrough is passthrough:
                        self._put_routers(each, service)
        decoded = Decoded(
            self._report.subject,
            diagnostics=self._report.diagnostics,
            tcp_routers=tuple(self._tcp_routers.values()),
            tcp_services=tuple(self._services.tcp.values()),
            tcp_servers_transports=tuple(self._services.transports.values()),
            udp_routers=tuple(self._udp_routers.values()),
            udp_services=tuple(self._services.udp.values()),
        )
        return DecodedRoute(decoded, attachments, route_conditions(self._unresolved, self._invalid))

    def _put_routers(self, attached: Attached, service: str) -> None:
        listener = attached.listener
        key = f"{self._name}-gw-{listener.namespace}-{listener.gateway}-ep-{listener.entry_point}-0"
        if self._kind == "UDPRoute":
            name = qualify(normalise(key), PROVIDER)
            older = older_udp_route(self._route, listener.entry_point, self._cluster, self._options)
            if older:
                message = f"it gets nothing from entry point {listener.entry_point}, which {older} has"
                self._report.warning(message, "of several routes, the oldest one serves")
            else:
                self._udp_routers[name] = UdpRouter(name, service, (listener.entry_point,))
            return
        for host in attached.hosts:
            text = server_name_rule(host)
            try:
                rule = rules.parse(text)
            except RuleError as error:
                self._leave_out(f"hostname {host.name}", error.message)
                continue
            name = qualify(f"{normalise(key)}-{rule_digest(text)}", PROVIDER)
            self._tcp_routers[name] = TcpRouter(
                name,
                rule,
                service,
                priority(Match(""), host.name, self._route, 0) if host.name else priority_of_all(self._route),
                (listener.entry_point,),
                tls=listener.layer == "tls",
                passthrough=listener.passthrough,
            )

    def _service(self, rule: Mapping[str, Any], passthrough: bool) -> str:
        """Define the service of a rule, and return its qualified name."""
        # If servers end TLS, a BackendTLSPolicy has no effect, so the services differ.
        name = normalise(f"{self._name}-0{'-passthrough' if passthrough else ''}")
        backends = rule.get("backendRefs") or ()
        if not backends:
            self._tell("it has no backendRefs", "its connections are closed")
            return self._services.refuse(f"{name}-none", "its route has no backendRefs")
        members = tuple(
            Member(self._backend(name, index, backend, passthrough), int(backend.get("weight", 1)))
            for index, backend in enumerate(backends)
        )
        if len(members) == 1 and members[0].weight:
            return members[0].name
        return self._services.distribute(f"{name}-wrr", members)

    def _backend(self, name: str, index: int, backend: Mapping[str, Any], passthrough: bool) -> str:
        """Define the service of one backend, and return its qualified name."""
        namespace = str(backend.get("namespace") or self._namespace)
        own = normalise(f"{name}-svc-{namespace}-{backend.get('name') or ''}-{index}")
        policy = self._options.policy
        try:
            other = service_of_other_provider(backend, self._namespace, policy)
            return other or self._services.read(
                own, backend, self._kind, self._namespace, policy, self._cluster, passthrough=passthrough
            )
        except BackendFaultError as error:
            self._unresolved = self._unresolved or error.condition
            self._tell(str(error), "its share of connections is closed")
            return self._services.refuse(own, str(error))

    def _tell(self, message: str, hint: str) -> None:
        """Report an error once, also if listeners of both TLS modes have the route."""
        if message not in self._told:
            self._told.append(message)
            self._report.error(message, hint)

    def _leave_out(self, what: str, reason: str) -> None:
        message = f"{what} is left out: {reason}"
        if message not in self._invalid:
            self._invalid.append(message)
            self._report.error(message, "its connections go to routes that match less")
