"""Decodes the options of Traefik 3's `loadBalancer`, apart from its servers.

All options are read, checked and stored; a warning names those that the proxy does not serve yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.health_check import read_health_check, read_passive_health_check
from rondpoint.middlewares.readers import seconds
from rondpoint.model import MAX_SLOW_START, HealthCheck, PassiveHealthCheck, StickyCookie, Strategy

SAME_SITE = ("none", "lax", "strict")


class Balancing(Struct, frozen=True):
    """Load-balancing options, as the fields of `rondpoint.model.Service` with these names."""

    strategy: Strategy = "wrr"
    sticky: StickyCookie | None = None
    health_check: HealthCheck | None = None
    passive_health_check: PassiveHealthCheck | None = None
    flush_interval: float = 0.1
    servers_transport: str = ""
    slow_start: float = 0.0


def read_balancing(balancer: Section, provider: str) -> Balancing:
    """Read the options of a `loadBalancer` section; report invalid values and use their defaults."""
    strategy: Strategy = balancer.read("strategy", values.one_of(get_args(Strategy)), "wrr")
    sticky = read_sticky(balancer)
    health_check = read_health_check(balancer)
    forwarding = balancer.section("responseForwarding")
    flush_interval = 0.1
    if forwarding is not None:
        flush_interval = forwarding.read("flushInterval", seconds, 0.1)
        forwarding.finish()
    transport = balancer.read("serversTransport", values.text, "")
    slow_start = balancer.read("slowStart", slow_start_seconds, 0.0)
    qualified = qualify(transport, provider) if transport else ""
    passive = read_passive_health_check(balancer)
    return Balancing(strategy, sticky, health_check, passive, flush_interval, qualified, slow_start)


def slow_start_seconds(value: object) -> float:
    """A duration of up to an hour."""
    found = seconds(value)
    if not 0 <= found <= MAX_SLOW_START:
        raise ValueError(f"expected up to {MAX_SLOW_START:.0f} seconds")
    return found


def read_sticky(balancer: Section) -> StickyCookie | None:
    """Read `sticky.cookie`, which may be `true` instead of options."""
    if not isinstance(balancer.raw("sticky"), Mapping):
        return StickyCookie() if balancer.read("sticky", values.boolean, False) else None
    sticky = balancer.section("sticky")
    if sticky is None:
        return None
    bare = not isinstance(sticky.raw("cookie"), Mapping)
    if bare:
        found = StickyCookie() if sticky.read("cookie", values.boolean, False) else None
        sticky.finish()
        return found
    cookie = sticky.section("cookie")
    sticky.finish()
    if cookie is None:
        return None
    cookie_options = StickyCookie(
        name=cookie.read("name", values.text, ""),
        secure=cookie.read("secure", values.boolean, False),
        http_only=cookie.read("httpOnly", values.boolean, False),
        same_site=cookie.read("sameSite", values.one_of(SAME_SITE), ""),
        max_age=cookie.read("maxAge", values.integer, 0),
        path=cookie.read("path", values.text, "/"),
        domain=cookie.read("domain", values.text, ""),
    )
    cookie.finish()
    return cookie_options
