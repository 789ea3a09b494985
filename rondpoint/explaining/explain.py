"""The way of a request through a configuration."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from heapq import heapify, heappop
from itertools import islice

from msgspec.structs import replace

from rondpoint.diagnostics import Severity
from rondpoint.explaining.active_configuration import Configured
from rondpoint.explaining.explanation import (
    Balancing,
    Candidate,
    ExplainedMember,
    ExplainedServer,
    Explanation,
)
from rondpoint.explaining.middleware_faults import Members, fault_of
from rondpoint.explaining.similar_hosts import nearby, told_of
from rondpoint.model import Router, ServerState, Service
from rondpoint.rules.evaluate import Verdict, explain
from rondpoint.rules.expression import And, Keyed, Match, Not
from rondpoint.rules.literal_hosts import literal_hosts
from rondpoint.rules.request_facts import Facts
from rondpoint.rules.rule_text import written

LISTED = 50
"""Candidates, and findings, that are told at most."""

_INSTANCE = ", instance "
"""Between a service of Consul and its instance, where one is the subject of a diagnostic."""


def explain_request(
    configured: Configured, entry_point: str, facts: Facts, yield_if_due: Callable[[], None] = lambda: None
) -> Explanation:
    """What becomes of a request with these facts on this entry point.

    `yield_if_due` is called often: with very many routers it takes long.
    """
    tried, omitted, chosen = _tried(configured, entry_point, facts, yield_if_due)
    way = Explanation(
        entry_point=entry_point,
        method=facts.method,
        host=facts.host,
        path=facts.path,
        candidates=tuple(tried),
        omitted=omitted,
    )
    if chosen is None:
        return replace(
            way,
            status=404,
            reason="no router's rule holds",
            nearby=nearby(configured, facts.host, entry_point, yield_if_due),
        )
    way = replace(way, router=chosen.name, middlewares=chosen.middlewares, service=chosen.service)
    if literal_hosts(chosen.rule.expression) is None:
        # One for any host may stand in for the one that was to serve this host.
        way = replace(way, nearby=told_of(configured, facts.host, yield_if_due))
    fault = configured.closed.get(entry_point, "") or fault_of(configured, chosen.middlewares)
    if fault:
        return replace(way, status=503, reason=fault)
    service = configured.services.get(chosen.service)
    reached = tuple(_reached(configured, chosen.service))
    servers = tuple(server for each in reached for server in each.servers)
    guarding = Members(configured, yield_if_due)
    faults = (guarding.fault_before(each.name) for each in reached if each.name != chosen.service)
    way = replace(
        way,
        servers=tuple(
            ExplainedServer(server.name, server.url, server.state.value, server.weight) for server in servers
        ),
        findings=(
            *(f"{fault}: what is led there is answered 503" for fault in faults if fault),
            *islice(_told(configured, reached, yield_if_due), LISTED),
        ),
    )
    if service is None:
        return replace(way, status=503, reason=f"service {chosen.service} does not exist")
    cookie = "" if service.sticky is None else service.sticky.called(service.name)
    balancing = Balancing(service.composition or service.strategy, cookie, service.slow_start)
    members = tuple(
        ExplainedMember(member.name, member.weight, _before(configured, member.name))
        for member in service.members
    )
    way = replace(way, balancing=balancing, members=members)
    if service.unserved:
        return replace(way, status=503, reason=f"service {service.name}: {service.unserved}")
    taking = [server for server in servers if server.weight]
    if not taking:
        return replace(way, status=503, reason=f"service {service.name} has no server that takes requests")
    well = [server for server in taking if server.state is not ServerState.DOWN]
    if not well:
        return replace(way, status=503, reason=f"every server of service {service.name} is down")
    refused = guarding.refused(service.name)
    if refused:
        return replace(way, status=503, reason=refused)
    if all(server.state is ServerState.DRAINING for server in well):
        return replace(way, reason="every server is leaving; they take requests since there is no other")
    return way


def _before(configured: Configured, name: str) -> tuple[str, ...]:
    service = configured.services.get(name)
    return () if service is None else service.middlewares


def _told(
    configured: Configured, services: Collection[Service], yield_if_due: Callable[[], None]
) -> Iterator[str]:
    """What is said of the services, and what is wrong with the containers or instances behind them."""
    subjects = {f"service {service.name}" for service in services}
    names = {server.name for service in services for server in service.servers}
    containers = {f"container {name}" for known in names for name in (known, known.rpartition(":")[0])}
    for diagnostic in configured.diagnostics:
        yield_if_due()
        subject = diagnostic.subject
        if diagnostic.concerns in subjects:
            yield diagnostic.advice
        elif diagnostic.severity is not Severity.NOTE and (
            subject in containers or (_INSTANCE in subject and subject.partition(_INSTANCE)[2] in names)
        ):
            yield f"{subject}: {diagnostic.advice}"


def _reached(configured: Configured, name: str) -> Iterator[Service]:
    """The service, and those that it is made of, each once."""
    seen: set[str] = set()
    left = [name]
    while left:
        reached = left.pop()
        service = None if reached in seen else configured.services.get(reached)
        seen.add(reached)
        if service is not None:
            yield service
            left += (member.name for member in reversed(service.members) if member.weight > 0)


def _tried(
    configured: Configured, entry_point: str, facts: Facts, yield_if_due: Callable[[], None]
) -> tuple[Collection[Candidate], int, Router | None]:
    """The routers that could serve the host, in order, up to the one that serves the request: the last of
    them, how many there are before these, and the one that serves.
    """
    tried: deque[Candidate] = deque(maxlen=LISTED)
    count = 0
    # A heap, since sorting very many makes no pause.
    possible = list(_possible(configured, entry_point, facts.host, yield_if_due))
    heapify(possible)
    while possible:
        yield_if_due()
        router = configured.routers[heappop(possible)[1]]
        verdict = explain(router.rule.expression, facts)
        failed = () if verdict.holds else tuple(_failed(verdict))
        tried.append(Candidate(router.name, router.rule.text, router.priority, verdict.holds, failed))
        count += 1
        if verdict.holds:
            return tried, count - len(tried), router
    return tried, count - len(tried), None


def _possible(
    configured: Configured, entry_point: str, host: str, yield_if_due: Callable[[], None]
) -> Iterator[tuple[int, str]]:
    """The names of routers that could serve the host, with what they are ordered by ahead."""
    for name, router in configured.routers.items():
        yield_if_due()
        if not configured.serves(router, entry_point):
            continue
        hosts = literal_hosts(router.rule.expression)
        if hosts is None or host in hosts:
            yield -router.priority, name


def _failed(verdict: Verdict) -> Iterator[str]:
    """The matchers on whose account an expression does not hold."""
    if isinstance(verdict.expression, (Match, Keyed, Not)):
        yield written(verdict.expression)
        return
    for part in verdict.parts:
        if not part.holds:
            yield from _failed(part)
            if isinstance(verdict.expression, And):
                return
