"""Routers and services as Traefik 1's API shows them: frontends and backends with unqualified names."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from proxy.admin.views.object_status import provider_of
from rondpoint.go_durations import go_duration
from rondpoint.middlewares.redaction import redact_headers
from rondpoint.model import HealthCheck, Router, Service, StickyCookie

METHOD = "wrr"


class Route(Struct, frozen=True):
    rule: str


class Frontend(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A router. `routes` has one entry with the combined rules. `middlewares` is our addition."""

    backend: str
    routes: dict[str, Route]
    entry_points: tuple[str, ...]
    pass_host_header: bool
    priority: int
    middlewares: tuple[str, ...] = ()


class BackendServer(Struct, frozen=True):
    url: str
    weight: int


class Backend(Struct, frozen=True, rename="camel", omit_defaults=True):
    servers: dict[str, BackendServer]
    load_balancer: dict[str, Any]
    health_check: dict[str, Any] | None = None


def bare(name: str, provider: str) -> str:
    """Return a name without the suffix of its provider."""
    return name.removesuffix(f"@{provider}")


def frontend(router: Router, default_entry_points: tuple[str, ...]) -> Frontend:
    """Return a router of any provider and dialect as a frontend."""
    provider = provider_of(router.name)
    return Frontend(
        backend=bare(router.service, provider),
        routes={f"route-{bare(router.name, provider)}": Route(router.rule.text)},
        entry_points=router.entry_points or (() if router.parents else default_entry_points),
        pass_host_header=router.pass_host_header,
        priority=router.priority,
        middlewares=router.middlewares,
    )


def backend(service: Service) -> Backend:
    """Return a service of any provider and dialect as a backend."""
    balancer: dict[str, Any] = {"method": METHOD}
    if service.sticky is not None:
        balancer["stickiness"] = _stickiness(service.sticky)
    return Backend(
        servers={server.name: BackendServer(server.url, server.weight) for server in service.servers},
        load_balancer=balancer,
        health_check=None if service.health_check is None else _health_check(service.health_check),
    )


def _stickiness(cookie: StickyCookie) -> dict[str, Any]:
    given = {
        "cookieName": cookie.name,
        "secure": cookie.secure,
        "httpOnly": cookie.http_only,
        "sameSite": cookie.same_site,
    }
    return {name: value for name, value in given.items() if value}


def _health_check(check: HealthCheck) -> dict[str, Any]:
    given = {
        "scheme": check.scheme,
        "path": check.path,
        "port": check.port,
        "interval": go_duration(check.interval),
        "hostname": check.hostname,
        "headers": redact_headers(check.headers),
    }
    return {name: value for name, value in given.items() if value}
