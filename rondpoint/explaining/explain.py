"""Explains the path of a request through a configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice

from msgspec.structs import replace

from rondpoint.diagnostics import Severity
from rondpoint.entry_points.options import AMBIGUOUS_PATH, router_middlewares
from rondpoint.entry_points.redirection import Redirection
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.candidates import MAX_LISTED, evaluate_candidates
from rondpoint.explaining.child_routers import explain_children
from rondpoint.explaining.explanation import (
    Balancing,
    ExplainedMember,
    ExplainedMirror,
    ExplainedServer,
    Explanation,
)
from rondpoint.explaining.middleware_faults import MemberChecks, find_active_fault
from rondpoint.explaining.similar_hosts import find_suggestions, matching_diagnostics
from rondpoint.internal_services import INTERNAL_SERVICES, NOOP
from rondpoint.model import Router, ServerState, Service
from rondpoint.rules.literal_hosts import literal_hosts
from rondpoint.rules.request_facts import Facts

_INSTANCE = ", instance "
"""Separates a Consul service from its instance in the subject of a diagnostic."""


def explain_request(
    configuration: ActiveConfiguration,
    entry_point: str,
    facts: Facts,
    yield_if_due: Callable[[], None] = lambda: None,
    is_redirected: Callable[[Redirection], bool] = lambda _: True,
    *,
    tls: bool = False,
) -> Explanation:
    """Explain what happens to a request with these facts on this entry point, over TLS if `tls`.

    `yield_if_due` is called often, because an explanation takes long with very many routers. `is_redirected`
    returns whether the redirection of the entry point changes the request's URL.
    """
    roots = configuration.root_routers(entry_point, tls=tls)
    tried, omitted, chosen = evaluate_candidates(roots, facts, yield_if_due)
    explanation = Explanation(
        entry_point=entry_point,
        method=facts.method,
        host=facts.host,
        path=facts.path,
        candidates=tried,
        omitted=omitted,
    )
    # On an entry point for both, the redirection is for plain requests.
    is_plain = not tls or entry_point in configuration.tls_entry_points
    redirection = _redirection(configuration, entry_point, facts, chosen) if is_plain else None
    if redirection is not None and is_redirected(redirection):
        return _explain_redirection(configuration, explanation, redirection)
    if configuration.options_of(entry_point).keeps_paths and facts.kept_path not in ("", facts.path):
        kept = replace(facts, path=facts.kept_path)
        roots = configuration.root_routers(entry_point, tls=tls)
        if evaluate_candidates(roots, kept, yield_if_due)[2] is not chosen:
            return replace(explanation, status=400, reason=AMBIGUOUS_PATH)
    if chosen is None:
        return replace(
            explanation,
            status=404,
            reason="no router's rule matches",
            suggestions=find_suggestions(configuration, facts.host, entry_point, yield_if_due, tls=tls),
        )
    middlewares = router_middlewares(configuration.options_of(entry_point), chosen)
    explanation = replace(explanation, router=chosen.name, middlewares=middlewares, service=chosen.service)
    if literal_hosts(chosen.rule.expression) is None:
        # A router for any host may match only because the router for this host is missing.
        explanation = replace(
            explanation, suggestions=matching_diagnostics(configuration, facts.host, yield_if_due)
        )
    fault = configuration.closed.get(entry_point, "") or find_active_fault(configuration, middlewares)
    if fault:
        affected = (f"router {chosen.name}", *(f"middleware {name}" for name in middlewares))
        reached = tuple(_reachable_services(configuration, chosen.service))
        diagnostics = islice(_diagnostics(configuration, affected, reached, yield_if_due), MAX_LISTED)
        return replace(explanation, status=503, reason=fault, diagnostics=tuple(diagnostics))
    if not chosen.service:
        explanation, leaf = explain_children(configuration, explanation, chosen, facts, yield_if_due)
        if leaf is None:
            return explanation
        chosen = leaf
    service = configuration.services.get(chosen.service)
    reached = tuple(_reachable_services(configuration, chosen.service))
    servers = tuple(server for each in reached for server in each.servers)
    routers = [f"router {name}" for name in (*explanation.parents, explanation.router)]
    member_checks = MemberChecks(configuration, yield_if_due)
    faults = (member_checks.middleware_fault(each.name) for each in reached if each.name != chosen.service)
    mirrors = tuple(islice(_mirrors(configuration, reached), MAX_LISTED))
    explanation = replace(
        explanation,
        servers=tuple(
            ExplainedServer(server.name, server.url, server.state.value, server.weight) for server in servers
        ),
        mirrors=mirrors,
        diagnostics=(
            *(f"{fault}: requests to it get a 503 response" for fault in faults if fault),
            *(
                f"{fault}: it gets no copies"
                for each in mirrors
                if (fault := member_checks.middleware_fault(each.service))
            ),
            *islice(_diagnostics(configuration, routers, reached, yield_if_due), MAX_LISTED),
        ),
    )
    if service is None:
        return replace(explanation, status=503, reason=f"service {chosen.service} does not exist")
    cookie = "" if service.sticky is None else service.sticky.name_for(service.name)
    balancing = Balancing(service.composition or service.strategy, cookie, service.slow_start)
    members = tuple(
        ExplainedMember(member.name, member.weight, _middlewares_of(configuration, member.name))
        for member in service.members
    )
    explanation = replace(explanation, balancing=balancing, members=members)
    if service.unserved:
        status = service.responds_with or 503
        return replace(explanation, status=status, reason=f"service {service.name}: {service.unserved}")
    if service.name in INTERNAL_SERVICES:
        if own_fault := configuration.internal_faults.get(service.name, ""):
            return replace(explanation, status=503, reason=f"service {service.name}: {own_fault}")
        reason = f"Rondpoint itself responds: {INTERNAL_SERVICES[service.name]}"
        return replace(explanation, status=418 if service.name == NOOP else 200, reason=reason)
    taking = [server for server in servers if server.weight]
    if not taking:
        responding = next((each for each in reached if each.responds_with), None)
        if responding is not None:
            reason = f"service {responding.name}: {responding.unserved}"
            return replace(explanation, status=responding.responds_with, reason=reason)
        return replace(
            explanation, status=503, reason=f"service {service.name} has no server that takes requests"
        )
    well = [server for server in taking if server.state is not ServerState.DOWN]
    if not well:
        return replace(explanation, status=503, reason=f"every server of service {service.name} is down")
    refusal_reason = member_checks.refusal_reason(service.name)
    if refusal_reason:
        return replace(explanation, status=503, reason=refusal_reason)
    if all(server.state is ServerState.DRAINING for server in well):
        return replace(
            explanation, reason="every server is draining; they take requests because there is no other"
        )
    return explanation


def _redirection(
    configuration: ActiveConfiguration, entry_point: str, facts: Facts, chosen: Router | None
) -> Redirection | None:
    """Return the redirection of the entry point, if it comes before the router that was chosen."""
    redirection = configuration.options_of(entry_point).redirection
    if redirection is None or configuration.closed.get(entry_point, ""):
        return None
    if chosen is not None and redirection.gives_way(chosen, facts.path):
        return None
    return redirection


def _explain_redirection(
    configuration: ActiveConfiguration, explanation: Explanation, redirection: Redirection
) -> Explanation:
    middlewares = configuration.options_of(explanation.entry_point).middlewares
    names = (*middlewares, redirection.middleware.name)
    explanation = replace(explanation, router=redirection.name, middlewares=names)
    fault = find_active_fault(configuration, names)
    if fault:
        return replace(explanation, status=503, reason=fault)
    status = redirection.status(explanation.method)
    return replace(explanation, status=status, reason=f"the entry point redirects to {redirection.target}")


def _middlewares_of(configuration: ActiveConfiguration, name: str) -> tuple[str, ...]:
    service = configuration.services.get(name)
    return () if service is None else service.middlewares


def _diagnostics(
    configuration: ActiveConfiguration,
    affected: Iterable[str],
    services: Collection[Service],
    yield_if_due: Callable[[], None],
) -> Iterator[str]:
    """Yield the diagnostics about some objects and services, and about containers or instances behind these.

    `affected` names objects as diagnostics do: `router shop@docker`.
    """
    subjects = {*affected, *(f"service {service.name}" for service in services)}
    names = {server.name for service in services for server in service.servers}
    containers = {f"container {name}" for known in names for name in (known, known.rpartition(":")[0])}
    for diagnostic in configuration.diagnostics:
        yield_if_due()
        subject = diagnostic.subject
        if diagnostic.affected in subjects:
            yield diagnostic.message_with_hint
        elif diagnostic.severity is not Severity.NOTE and (
            subject in containers or (_INSTANCE in subject and subject.partition(_INSTANCE)[2] in names)
        ):
            yield f"{subject}: {diagnostic.message_with_hint}"


def _reachable_services(configuration: ActiveConfiguration, name: str) -> Iterator[Service]:
    """Yield the service and, if it is composite, all services that it can reach, each once."""
    seen: set[str] = set()
    left = [name]
    while left:
        reached = left.pop()
        service = None if reached in seen else configuration.services.get(reached)
        seen.add(reached)
        if service is not None:
            yield service
            left += (member.name for member in reversed(service.members) if member.weight > 0)


def _mirrors(configuration: ActiveConfiguration, services: Iterable[Service]) -> Iterator[ExplainedMirror]:
    """Yield the mirrors of these services."""
    for service in services:
        if service.mirroring is not None:
            for mirror in service.mirroring.mirrors:
                middlewares = _middlewares_of(configuration, mirror.name)
                yield ExplainedMirror(mirror.name, service.name, mirror.percent, middlewares)
