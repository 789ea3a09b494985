"""Explains the path of a TCP connection through a configuration.

The order is that of the proxy, which is Traefik's. Without TLS, a TCP router comes before HTTP. Over TLS, an
HTTP router for the host comes before all TCP routers, and one without a host before a TCP router for all
names. If an entry point has no router over TLS, TCP or HTTP, the proxy does not look at the first bytes, so
clients over TLS get the same router as the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic
from rondpoint.explaining.candidates import MAX_LISTED, evaluate_in_order
from rondpoint.explaining.tcp.connection_facts import (
    ConnectionFacts,
    explain_rule,
    is_in_networks,
    possible_names,
    wildcard_of,
)
from rondpoint.explaining.tcp.explanation import ConnectionDecision, ExplainedTcpServer, TcpExplanation
from rondpoint.explaining.tcp.https_routers import HttpsRouters, find_https_routers
from rondpoint.model import Middleware, Router, ServerState
from rondpoint.rules.tcp import ANY
from rondpoint.tcp.model import TcpRouter, TcpService

YieldIfDue = Callable[[], None]


class TcpConfiguration(Struct, frozen=True):
    """The configuration in force of one entry point.

    `https_routers` are its HTTP routers over TLS. `default_entry_points` serve routers that name none.
    `closed` is the reason if the entry point is closed. `router_fault` and `service_fault` return why a
    router or a service takes no connections, or empty.
    """

    entry_point: str
    routers: Mapping[str, TcpRouter]
    services: Mapping[str, TcpService]
    middlewares: Mapping[str, Middleware]
    https_routers: Iterable[Router]
    default_entry_points: Collection[str]
    router_fault: Callable[[TcpRouter], str]
    service_fault: Callable[[TcpService], str]
    closed: str = ""
    diagnostics: Collection[Diagnostic] = ()

    def routers_with(self, *, tls: bool) -> Iterator[TcpRouter]:
        """Yield the TCP routers of the entry point: those over TLS if `tls`, else the others."""
        for router in self.routers.values():
            points = router.entry_points or self.default_entry_points
            if router.tls is tls and self.entry_point in points:
                yield router


def explain_connection(
    configuration: TcpConfiguration, facts: ConnectionFacts, yield_if_due: YieldIfDue = lambda: None
) -> TcpExplanation:
    """Explain what happens to a connection with these facts, over TLS and without.

    `yield_if_due` is called often, because an explanation takes long with very many routers.
    """
    https = find_https_routers(configuration.https_routers, facts.server_name, yield_if_due)
    plain_facts = ConnectionFacts(client=facts.client)
    plain = _decide(configuration, plain_facts, yield_if_due, tls=False)
    if not https.exist and next(configuration.routers_with(tls=True), None) is None:
        over_tls = plain = by_tcp = replace(plain, before_bytes=True)
    else:
        by_tcp = _decide(configuration, facts, yield_if_due, tls=True)
        over_tls = _after_http(configuration, by_tcp, https)
    return TcpExplanation(
        configuration.entry_point,
        facts.server_name,
        facts.protocols,
        facts.client,
        over_tls,
        plain,
        tuple(_notes(facts, over_tls, by_tcp.router)),
    )


def _notes(facts: ConnectionFacts, over_tls: ConnectionDecision, by_tcp: str) -> Iterator[str]:
    """Yield what the explanation cannot know; `by_tcp` is the router that matches apart from HTTP routers."""
    if not facts.client:
        yield "the client's address is not known, so no ClientIP matches"
    if over_tls.outcome == "http" and by_tcp:
        yield f"a client of PostgreSQL, which asks for TLS first, gets TCP router {by_tcp} all the same"


def _after_http(
    configuration: TcpConfiguration, decision: ConnectionDecision, https: HttpsRouters
) -> ConnectionDecision:
    """Return the decision about a connection over TLS, if HTTP routers come before TCP routers."""
    router = configuration.routers.get(decision.router)
    if https.for_host:
        reason = f"HTTP router {https.for_host} serves this host, and comes before TCP routers"
    elif router is not None and router.rule.expression == ANY and https.anywhere:
        reason = f"HTTP router {https.anywhere} has no host, and comes before a TCP router for all names"
    else:
        return decision
    return ConnectionDecision("http", reason, decision.candidates, decision.omitted)


def _decide(
    configuration: TcpConfiguration, facts: ConnectionFacts, yield_if_due: YieldIfDue, *, tls: bool
) -> ConnectionDecision:
    """Return the decision about a connection, without a look at HTTP routers."""
    possible = _possible(configuration.routers_with(tls=tls), facts.server_name, yield_if_due)
    tried, omitted, router = evaluate_in_order(possible, partial(explain_rule, facts=facts), yield_if_due)
    if router is None:
        reason = "no TCP router takes it" if tried or omitted else f"no TCP router {_for(facts, tls=tls)}"
        return ConnectionDecision("http", reason, tried, omitted)
    decision = ConnectionDecision(
        "tcp",
        candidates=tried,
        omitted=omitted,
        router=router.name,
        passthrough=router.passthrough,
        middlewares=router.middlewares,
        service=router.service,
    )
    fault = configuration.closed or configuration.router_fault(router)
    if fault:
        return replace(decision, outcome="closed", reason=fault)
    if refusal := _refusal(configuration, router, facts.client):
        return replace(decision, outcome="closed", reason=refusal)
    return _with_service(configuration, decision, yield_if_due)


def _for(facts: ConnectionFacts, *, tls: bool) -> str:
    if not tls:
        return "without TLS is on this entry point"
    return f"serves the name {facts.server_name}" if facts.server_name else "serves clients without a name"


def _possible(
    routers: Iterable[TcpRouter], server_name: str, yield_if_due: YieldIfDue
) -> Iterator[TcpRouter]:
    """Yield the routers that could serve the server name."""
    wanted = {server_name, wildcard_of(server_name)}
    for router in routers:
        yield_if_due()
        names = possible_names(router.rule.expression)
        if names is None or not wanted.isdisjoint(names):
            yield router


def _refusal(configuration: TcpConfiguration, router: TcpRouter, client: str) -> str:
    """Return why a middleware refuses this client, or empty."""
    for name in router.middlewares if client else ():
        middleware = configuration.middlewares[name]
        if middleware.kind in ("ipAllowList", "ipWhiteList"):
            ranges = tuple(middleware.options.get("sourceRange", ()))
            if not is_in_networks(client, ranges):
                return f"middleware {name} refuses the address {client}: it allows {', '.join(ranges)}"
    return ""


def _with_service(
    configuration: TcpConfiguration, decision: ConnectionDecision, yield_if_due: YieldIfDue
) -> ConnectionDecision:
    """Complete a decision with the servers; close the connection if there are none."""
    service = configuration.services[decision.service]
    reached = tuple(_reachable_services(configuration, service, yield_if_due))
    servers = [server for each in reached for server in each.servers]
    subjects = {f"tcp service {each.name}" for each in reached}
    decision = replace(
        decision,
        members=tuple((member.name, member.weight) for member in service.members),
        servers=tuple(
            ExplainedTcpServer(server.name, server.address, server.state.value, server.tls)
            for server in islice(servers, MAX_LISTED)
        ),
        diagnostics=tuple(
            diagnostic.message_with_hint
            for diagnostic in configuration.diagnostics
            if diagnostic.affected.lower() in subjects
        )[:MAX_LISTED],
    )
    fault = configuration.service_fault(service)
    if fault:
        return replace(decision, outcome="closed", reason=f"service {service.name}: {fault}")
    if not servers:
        return replace(decision, outcome="closed", reason=f"service {service.name} has no server")
    if all(server.state is ServerState.DOWN for server in servers):
        return replace(decision, outcome="closed", reason=f"every server of service {service.name} is down")
    return decision


def _reachable_services(
    configuration: TcpConfiguration, service: TcpService, yield_if_due: YieldIfDue
) -> Iterator[TcpService]:
    """Yield the service and, if it is composite, all services that it can reach, each once."""
    seen: set[str] = set()
    left = [service.name]
    while left:
        yield_if_due()
        name = left.pop()
        found = None if name in seen else configuration.services.get(name)
        seen.add(name)
        if found is not None:
            yield found
            left += (member.name for member in reversed(found.members) if member.weight > 0)
