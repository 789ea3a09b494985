"""All providers' configurations become the one that is published.

References are resolved here, since they cross providers: what would lead nowhere is left out and said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

import msgspec

from discovery.merging.composite_members import Paths, resolve_members
from rondpoint.diagnostics import Diagnostic, Severity, would_serve
from rondpoint.model import Configuration, Middleware, Router, Service

T = TypeVar("T", Router, Service, Middleware)

DEFAULT, OF_TRAEFIK_1 = "web", "http"
"""What the entry point is called that is there without being asked for, here and in Traefik 1."""

SEARCHED_FOR_NEAREST = 500
"""With more names than this, no similar one is looked for: each comparison costs."""

_OF_TRAEFIK = "@internal"
_ON_ADMIN = "API, dashboard, ping and metrics are on the entry point traefik, and are no services here"

COMPARED = 5000
"""Names compared for one configuration; what else is missing gets no hint, and delays no other's routes."""


def merge(configurations: Mapping[str, Configuration], entry_points: Collection[str]) -> Configuration:
    """Unite `configurations`, by provider name, for an installation with these web `entry_points`.

    A router that refers to an unknown service or middleware, or to unknown entry points alone, is left
    out; an unknown entry point beside known ones is dropped. Each gives a diagnostic with the router's
    provider as source. Of two objects with one name, that of the first provider in order of name stands.
    """
    findings: list[Diagnostic] = []
    providers = sorted(configurations.items())
    services: dict[str, Service] = {}
    middlewares: dict[str, Middleware] = {}
    routers: dict[str, Router] = {}
    hints = _Hints()
    for provider, configuration in providers:
        findings += configuration.diagnostics
        findings += _unspoken(configuration.services, provider)
        _join(services, configuration.services, "service", provider, findings)
        _join(middlewares, configuration.middlewares, "middleware", provider, findings)
    if any(service.members for service in services.values()):
        _resolve_members(providers, services, findings, hints)
    known = _Known(services, middlewares, entry_points, hints)
    for provider, configuration in providers:
        resolved: dict[str, Router] = {}
        for router in configuration.routers.values():
            outcome = _resolved(router, provider, known, findings)
            if outcome is not None:
                resolved[router.name] = outcome
        _join(routers, resolved, "router", provider, findings)
    return Configuration(routers, services, middlewares, tuple(findings))


def _resolve_members(
    configurations: Iterable[tuple[str, Configuration]],
    services: dict[str, Service],
    findings: list[Diagnostic],
    hints: _Hints,
) -> None:
    """Put in the place of services made of services what they come to."""
    before = dict(services)
    paths = Paths(before)

    def nearest(name: str) -> str:
        return hints.nearest(name, before)

    for provider, configuration in configurations:
        for service in configuration.services.values():
            if service.members and before[service.name] is service:
                services[service.name], told = resolve_members(service, provider, paths, nearest)
                findings += told


def _unspoken(services: Mapping[str, Service], provider: str) -> list[Diagnostic]:
    return [
        Diagnostic(
            Severity.ERROR,
            provider,
            f"service {service.name}",
            f"server {server.url} gets no requests: h2c is not served yet",
            "use http or https, if the server speaks HTTP/1.1 too",
        )
        for service in services.values()
        for server in service.servers
        if server.scheme == "h2c"
    ]


def _join(
    united: dict[str, T], own: Mapping[str, T], kind: str, provider: str, findings: list[Diagnostic]
) -> None:
    for name in united.keys() & own.keys():
        findings.append(
            Diagnostic(
                Severity.ERROR,
                provider,
                f"{kind} {name}",
                "another provider defines it already, and that definition stands",
                "give it another name",
            )
        )
    united.update((name, value) for name, value in own.items() if name not in united)


@dataclass(frozen=True, slots=True)
class _Known:
    """What routers may refer to."""

    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    entry_points: Collection[str]
    hints: _Hints


def _resolved(router: Router, provider: str, known: _Known, findings: list[Diagnostic]) -> Router | None:
    service = known.services.get(router.service)
    if service is not None and not (router.middlewares or router.entry_points or service.middlewares):
        # Of ten thousand routers, all but a few.
        return router
    if service is not None and service.middlewares:
        router = msgspec.structs.replace(router, middlewares=router.middlewares + service.middlewares)
    subject = f"router {router.name}"
    missing = [
        (kind, name, defined)
        for kind, names, defined in (
            ("service", (router.service,), known.services),
            ("middleware", router.middlewares, known.middlewares),
        )
        for name in names
        if name not in defined
    ]
    for kind, name, defined in missing:
        message = f"left out, for its {kind} {name!r} does not exist"
        hint = "; ".join(filter(None, (known.hints.nearest(name, defined), would_serve(router.rule.text))))
        findings.append(Diagnostic(Severity.ERROR, provider, subject, message, hint))
    if missing:
        return None
    unknown = [name for name in router.entry_points if name not in known.entry_points]
    if unknown == [OF_TRAEFIK_1] and set(known.entry_points) == {DEFAULT}:
        # Without any settings the one entry point has Traefik 3's name; labels of Traefik 1 have the other.
        return msgspec.structs.replace(router, entry_points=(DEFAULT,))
    if not unknown:
        return router
    kept = tuple(name for name in router.entry_points if name in known.entry_points)
    for name in unknown:
        message = f"entry point {name!r} does not exist"
        if not kept:
            message += ", and no other is named: the router is left out"
        severity = Severity.WARNING if kept else Severity.ERROR
        hint = f"the entry points are {', '.join(sorted(known.entry_points)) or 'none'}"
        hint += "" if kept else f"; {would_serve(router.rule.text)}"
        findings.append(Diagnostic(severity, provider, subject, message, hint))
    return msgspec.structs.replace(router, entry_points=kept) if kept else None


class _Hints:
    """Names that may have been meant, as long as they are cheap to find."""

    def __init__(self) -> None:
        self._left = COMPARED

    def nearest(self, name: str, known: Collection[str]) -> str:
        if name.endswith(_OF_TRAEFIK):
            return _ON_ADMIN
        if not known:
            return "none is defined"
        if len(known) > SEARCHED_FOR_NEAREST:
            return ""
        bare = name.partition("@")[0]
        nearest = sorted(other for other in known if other.partition("@")[0] == bare)
        if not nearest:
            if len(known) > self._left:
                return ""
            self._left -= len(known)
            nearest = get_close_matches(name, sorted(known), n=1)
        return f"did you mean {nearest[0]!r}?" if nearest else ""
