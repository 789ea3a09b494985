"""Merges the configurations of all providers into the published one, and resolves their references.

References may cross providers. A router with an unresolved reference is left out, and a diagnostic says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

import msgspec

from discovery.merging.certificates import settle_defaults, settle_entry_points, take_request
from discovery.merging.child_routers import resolve_parents
from discovery.merging.composite_members import ServiceGraph, resolve_members
from discovery.merging.entry_point_names import find_entry_point, list_entry_points
from discovery.merging.entry_point_tls import NO_TLS, EntryPointTls
from discovery.merging.page_services import report_missing_pages
from discovery.merging.redirection_targets import resolve_targets
from discovery.merging.servers_transports import resolve_transports
from discovery.merging.tls_options import report_tls_options, settle_default_options
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity, lost_rules_hint
from rondpoint.internal_services import INTERNAL_SERVICES, SUFFIX
from rondpoint.model import Middleware, Router, ServersTransport, Service
from rondpoint.tls.model import Certificate, TlsOptions

T = TypeVar("T", Router, Service, Middleware, ServersTransport, TlsOptions, Certificate)

MAX_CANDIDATES = 500
"""Largest number of names that are searched for a similar one, because each comparison takes time."""

_INTERNAL_HINT = f"routers may name {', '.join(INTERNAL_SERVICES)}"

MAX_COMPARISONS = 5000
"""Largest number of names compared for one configuration.

Further missing names get no hint, so that many faults in one container do not delay other routes.
"""


def merge(
    configurations: Mapping[str, Configuration], entry_points: Collection[str], tls: EntryPointTls = NO_TLS
) -> Configuration:
    """Merge `configurations`, by provider name, for an installation with these web `entry_points`.

    `tls` is their TLS; without it, routers that name no entry points are on all of them.

    A router is left out if it refers to an unknown service or middleware, or only to unknown entry points or
    parents. An unknown entry point or parent beside known ones is dropped. Each case gives a diagnostic with
    the router's provider as source. If two providers define one name, the definition of the alphabetically
    first provider wins.
    """
    diagnostics: list[Diagnostic] = []
    providers = sorted(configurations.items())
    services: dict[str, Service] = {}
    middlewares: dict[str, Middleware] = {}
    transports: dict[str, ServersTransport] = {}
    routers: dict[str, Router] = {}
    tls_options: dict[str, TlsOptions] = {}
    certificates: dict[str, Certificate] = {}
    hints = _Hints()
    for provider, configuration in providers:
        diagnostics += configuration.diagnostics
        _add(services, configuration.services, "service", provider, diagnostics)
        _add(middlewares, configuration.middlewares, "middleware", provider, diagnostics)
        _add(transports, configuration.servers_transports, "serversTransport", provider, diagnostics)
        _add(tls_options, configuration.tls_options, "TLS options", provider, diagnostics)
        _add(certificates, configuration.certificates, "certificate", provider, diagnostics)
    diagnostics += settle_default_options(tls_options)
    diagnostics += settle_defaults(certificates)
    diagnostics += settle_entry_points(certificates, entry_points)
    default_certificate, refused = take_request(certificates)
    diagnostics += refused
    diagnostics += resolve_targets(middlewares, entry_points)
    diagnostics += resolve_transports(services, transports, lambda name: hints.nearest(name, transports))
    if any(service.members for service in services.values()):
        _resolve_members(providers, services, diagnostics, hints)
    for provider, configuration in providers:
        diagnostics += report_missing_pages(configuration.middlewares, provider, services, hints.nearest)
    services.update(_internal_services(providers))
    known = _References(services, middlewares, entry_points, hints)
    for provider, configuration in providers:
        resolved: dict[str, Router] = {}
        for router in configuration.routers.values():
            outcome = _resolve(router, provider, known, diagnostics)
            if outcome is not None:
                resolved[router.name] = outcome
        _add(routers, resolved, "router", provider, diagnostics)
    if any(router.parents or not router.service for router in routers.values()):
        routers, added = resolve_parents(routers, lambda name: hints.nearest(name, routers))
        diagnostics += added
    diagnostics += report_tls_options(
        routers,
        tls_options,
        EntryPointTls(entry_points) if tls is NO_TLS else tls,
        lambda name: hints.nearest(name, tls_options),
    )
    return Configuration(
        routers,
        services,
        middlewares,
        tuple(diagnostics),
        transports,
        tls_options,
        certificates,
        default_certificate,
    )


def _resolve_members(
    configurations: Iterable[tuple[str, Configuration]],
    services: dict[str, Service],
    diagnostics: list[Diagnostic],
    hints: _Hints,
) -> None:
    """Replace each composite service in `services` by its resolved form."""
    before = dict(services)
    graph = ServiceGraph(before)

    def nearest(name: str) -> str:
        return hints.nearest(name, before)

    for provider, configuration in configurations:
        for service in configuration.services.values():
            if service.members and before[service.name] is service:
                services[service.name], added = resolve_members(service, provider, graph, nearest)
                diagnostics += added


def _internal_services(providers: Iterable[tuple[str, Configuration]]) -> dict[str, Service]:
    """Return Rondpoint's own services that routers name."""
    named = (router.service for _, configuration in providers for router in configuration.routers.values())
    return {name: Service(name) for name in named if name in INTERNAL_SERVICES}


def _add(
    united: dict[str, T], own: Mapping[str, T], kind: str, provider: str, diagnostics: list[Diagnostic]
) -> None:
    for name in united.keys() & own.keys():
        diagnostics.append(
            Diagnostic(
                Severity.ERROR,
                provider,
                f"{kind} {name}",
                "another provider defines this name too, and its definition is used",
                "give it another name",
            )
        )
    united.update((name, value) for name, value in own.items() if name not in united)


@dataclass(frozen=True, slots=True)
class _References:
    """The objects that routers may refer to, and hints for unknown names."""

    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    entry_points: Collection[str]
    hints: _Hints


def _resolve(
    router: Router, provider: str, known: _References, diagnostics: list[Diagnostic]
) -> Router | None:
    service = known.services.get(router.service)
    if service is not None and not (router.middlewares or router.entry_points or service.middlewares):
        # The fast path: of ten thousand routers, nearly all end here.
        return router
    if service is not None and service.middlewares:
        router = msgspec.structs.replace(router, middlewares=router.middlewares + service.middlewares)
    subject = f"router {router.name}"
    missing = [
        (kind, name, defined)
        for kind, names, defined in (
            ("service", (router.service,) if router.service else (), known.services),
            ("middleware", router.middlewares, known.middlewares),
        )
        for name in names
        if name not in defined
    ]
    for kind, name, defined in missing:
        message = f"left out, because its {kind} {name!r} does not exist"
        hint = "; ".join(
            filter(None, (known.hints.nearest(name, defined), lost_rules_hint(router.rule.text)))
        )
        diagnostics.append(Diagnostic(Severity.ERROR, provider, subject, message, hint))
    if missing:
        return None
    unknown = [name for name in router.entry_points if name not in known.entry_points]
    if len(unknown) == 1 and (alias := find_entry_point(unknown[0], known.entry_points)) is not None:
        # The default entry point has Traefik 3's name; labels of Traefik 1 use the other name.
        return msgspec.structs.replace(router, entry_points=(alias,))
    if not unknown:
        return router
    kept = tuple(name for name in router.entry_points if name in known.entry_points)
    for name in unknown:
        message = f"entry point {name!r} does not exist"
        if not kept:
            message += " and the router names no other, so it is left out"
        severity = Severity.WARNING if kept else Severity.ERROR
        hint = list_entry_points(known.entry_points)
        hint += "" if kept else f"; {lost_rules_hint(router.rule.text)}"
        diagnostics.append(Diagnostic(severity, provider, subject, message, hint))
    return msgspec.structs.replace(router, entry_points=kept) if kept else None


class _Hints:
    """Finds similar names for unknown ones, up to a limit of comparisons."""

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def nearest(self, name: str, known: Collection[str]) -> str:
        if name.endswith(SUFFIX):
            return _INTERNAL_HINT
        if not known:
            return "none is defined"
        if len(known) > MAX_CANDIDATES:
            return ""
        bare = name.partition("@")[0]
        nearest = sorted(other for other in known if other.partition("@")[0] == bare)
        if not nearest:
            if len(known) > self._left:
                return ""
            self._left -= len(known)
            nearest = get_close_matches(name, sorted(known), n=1)
        return f"did you mean {nearest[0]!r}?" if nearest else ""
