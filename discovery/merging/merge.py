"""Merges the configurations of all providers into the published one, and resolves their references.

References may cross providers. A router with an unresolved reference is left out, and a diagnostic says why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from discovery.merging.certificates import settle_defaults, settle_entry_points, take_request
from discovery.merging.child_routers import resolve_parents
from discovery.merging.composite_members import ServiceGraph, resolve_members
from discovery.merging.entry_point_names import find_entry_point
from discovery.merging.entry_point_tls import NO_TLS, EntryPointTls
from discovery.merging.layer4_options import NO_OPTIONS, Layer4Options
from discovery.merging.name_hints import NameHints
from discovery.merging.page_services import report_missing_pages
from discovery.merging.provider_sections import add_section
from discovery.merging.redirection_targets import resolve_targets
from discovery.merging.router_references import (
    EntryPointsOf,
    NamedBy,
    known_entry_points,
    report_missing,
)
from discovery.merging.servers_transports import resolve_transports
from discovery.merging.tcp import merge_tcp
from discovery.merging.tls_options import report_tls_options, settle_default_options
from discovery.merging.udp import merge_udp
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, lost_rules_hint
from rondpoint.internal_services import INTERNAL_SERVICES
from rondpoint.model import Middleware, Router, ServersTransport, Service
from rondpoint.tls.model import Certificate, TlsOptions


def merge(
    configurations: Mapping[str, Configuration],
    entry_points: Collection[str],
    tls: EntryPointTls = NO_TLS,
    layer4: Layer4Options = NO_OPTIONS,
) -> Configuration:
    """Merge `configurations`, by provider name, for an installation with these web `entry_points`.

    `tls` is their TLS; without it, routers that name no entry points are on all of them. HTTP and TCP routers
    have the same entry points; those for UDP are in `layer4`.

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
    hints = NameHints()
    for provider, configuration in providers:
        diagnostics += configuration.diagnostics
        add_section(services, configuration.services, "service", provider, diagnostics)
        add_section(middlewares, configuration.middlewares, "middleware", provider, diagnostics)
        add_section(transports, configuration.servers_transports, "serversTransport", provider, diagnostics)
        add_section(tls_options, configuration.tls_options, "TLS options", provider, diagnostics)
        add_section(certificates, configuration.certificates, "certificate", provider, diagnostics)
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
    udp_points = layer4.udp_entry_points or ()
    points = EntryPointsOf(entry_points, udp_points)
    known = _References(services, middlewares, points, hints)
    for provider, configuration in providers:
        resolved: dict[str, Router] = {}
        for router in configuration.routers.values():
            outcome = _resolve(router, provider, known, diagnostics)
            if outcome is not None:
                resolved[router.name] = outcome
        add_section(routers, resolved, "router", provider, diagnostics)
    if any(router.parents or not router.service for router in routers.values()):
        routers, added = resolve_parents(routers, lambda name: hints.nearest(name, routers))
        diagnostics += added
    diagnostics += report_tls_options(
        routers,
        tls_options,
        EntryPointTls(entry_points) if tls is NO_TLS else tls,
        lambda name: hints.nearest(name, tls_options),
    )
    tcp = merge_tcp(providers, points, layer4.tcp_transport, tls_options, hints.nearest_layer4, diagnostics)
    known_udp_points = (
        None if layer4.udp_entry_points is None else EntryPointsOf(udp_points, entry_points, "TCP")
    )
    udp = merge_udp(providers, known_udp_points, hints.nearest_layer4, diagnostics)
    return Configuration(
        routers,
        services,
        middlewares,
        tuple(diagnostics),
        transports,
        tls_options,
        certificates,
        default_certificate,
        tcp.routers,
        tcp.services,
        tcp.middlewares,
        tcp.transports,
        udp.routers,
        udp.services,
    )


def _resolve_members(
    configurations: Iterable[tuple[str, Configuration]],
    services: dict[str, Service],
    diagnostics: list[Diagnostic],
    hints: NameHints,
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


@dataclass(frozen=True, slots=True)
class _References:
    """The objects that routers may refer to, and hints for unknown names."""

    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    entry_points: EntryPointsOf
    hints: NameHints


def _resolve(
    router: Router, provider: str, known: _References, diagnostics: list[Diagnostic]
) -> Router | None:
    service = known.services.get(router.service)
    if service is not None and not (router.middlewares or router.entry_points or service.middlewares):
        # The fast path: of ten thousand routers, nearly all end here.
        return router
    if service is not None and service.middlewares:
        router = msgspec.structs.replace(router, middlewares=router.middlewares + service.middlewares)
    by = NamedBy(f"router {router.name}", provider, lost_rules_hint(router.rule.text))
    references: list[tuple[str, str, Collection[str]]] = []
    if router.service:
        references.append(("service", router.service, known.services))
    references += [("middleware", name, known.middlewares) for name in router.middlewares]
    if report_missing(by, references, known.hints.nearest, diagnostics):
        return None
    points = known.entry_points
    unknown = [name for name in router.entry_points if name not in points.names]
    if len(unknown) == 1 and (alias := find_entry_point(unknown[0], points.names)) is not None:
        # The default entry point has Traefik 3's name; labels of Traefik 1 use the other name.
        return msgspec.structs.replace(router, entry_points=(alias,))
    if not unknown:
        return router
    kept = known_entry_points(by, router.entry_points, points, diagnostics)
    return None if kept is None else msgspec.structs.replace(router, entry_points=kept)
