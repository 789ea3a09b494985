"""Decodes the options of a Traefik 1 backend: load balancing, health check and middlewares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.section import Section
from discovery.dynamic.balancing import SAME_SITE, Balancing, slow_start_seconds
from discovery.dynamic.health_check import read_health_check
from discovery.dynamic.v1.criterion import DEFAULT, source_criterion
from discovery.dynamic.v1.translation import ServiceNaming, Translation
from rondpoint.middlewares.readers import seconds
from rondpoint.model import Middleware, Service, StickyCookie, Strategy

LIMITS = ("circuitBreaker", "buffering", "maxConn")
"""Options of a backend that become middlewares of its frontends, in Traefik 1's order."""

_BUFFERING = (
    *("maxRequestBodyBytes", "memRequestBodyBytes", "maxResponseBodyBytes", "memResponseBodyBytes"),
    "retryExpression",
)

_OLD_COOKIE = "_TRAEFIK_BACKEND"


def read_balancing(backend: Section) -> Balancing:
    """Read load-balancing options; report invalid values and use their defaults."""
    strategy: Strategy = "wrr"
    sticky = None
    slow_start = 0.0
    balancer = backend.section("loadBalancer")
    if balancer is not None:
        strategy = balancer.read("method", values.one_of(get_args(Strategy)), "wrr")
        slow_start = balancer.read("slowStart", slow_start_seconds, 0.0)
        sticky = _sticky(balancer)
        balancer.warn_unserved("swarm")
        balancer.finish()
    checks = read_health_check(backend)
    section = backend.section("healthCheck")
    if section is not None and checks is not None and not checks.path:
        report = backend.report
        report.warning(f"{report.at(section.path)} has no effect", "give path")
        checks = None
    interval = 0.1
    forwarding = backend.section("responseForwarding")
    if forwarding is not None:
        interval = forwarding.read("flushInterval", seconds, interval)
        forwarding.finish()
    return Balancing(strategy, sticky, checks, flush_interval=interval, slow_start=slow_start)


def with_balancing(service: Service, balancing: Balancing) -> Service:
    """Return the service with these load-balancing options."""
    return replace(
        service,
        strategy=balancing.strategy,
        sticky=balancing.sticky,
        health_check=balancing.health_check,
        flush_interval=balancing.flush_interval,
        slow_start=balancing.slow_start,
    )


def read_backend_middlewares(
    backend: Section, router: str, service: ServiceNaming
) -> tuple[tuple[str, Middleware], ...]:
    """Read the backend's middlewares for one frontend, each with the key under which it was written.

    Each frontend has its own middlewares, as in Traefik 1.
    """
    return tuple(limit.middleware(router, option, service) for option, limit in _limits(backend))


def _limits(backend: Section) -> Iterator[tuple[str, Translation]]:
    """Yield the options and their translations in the order of LIMITS."""
    section = backend.section("circuitBreaker")
    if section is not None:
        breaker = Translation("circuitBreaker", section)
        breaker.take("expression")
        section.finish()
        yield "circuitBreaker", breaker
    section = backend.section("buffering")
    if section is not None:
        buffering = Translation("buffering", section)
        for name in _BUFFERING:
            buffering.take(name)
        section.finish()
        yield "buffering", buffering
    section = backend.section("maxConn")
    if section is not None:
        connections = Translation("inFlightReq", section)
        connections.take("amount")
        connections.put(source_criterion(DEFAULT), "sourceCriterion")
        connections.take("extractorFunc", "sourceCriterion", read=source_criterion)
        section.finish()
        yield "maxConn", connections


def _sticky(balancer: Section) -> StickyCookie | None:
    """Read `stickiness`, which may be `true` instead of options, or the older `sticky`."""
    old = balancer.read("sticky", values.boolean, False)
    if not balancer.has("stickiness"):
        return StickyCookie(name=_OLD_COOKIE) if old else None
    if not isinstance(balancer.raw("stickiness"), Mapping):
        return StickyCookie() if balancer.read("stickiness", values.boolean, False) else None
    section = balancer.section("stickiness")
    if section is None:
        return None
    made = StickyCookie(
        name=section.read("cookieName", values.text, ""),
        secure=section.read("secure", values.boolean, False),
        http_only=section.read("httpOnly", values.boolean, False),
        same_site=section.read("sameSite", values.one_of(SAME_SITE), ""),
    )
    section.finish()
    return made
