"""Merges routers, services, middlewares and servers transports of TCP, and resolves their references."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from discovery.merging.composite_members import resolve_all_members
from discovery.merging.provider_sections import add_section
from discovery.merging.router_references import (
    EntryPointsOf,
    NamedBy,
    Nearest,
    known_entry_points,
    report_missing,
)
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity, lost_rules_hint
from rondpoint.model import Middleware
from rondpoint.tcp.model import TcpRouter, TcpServersTransport, TcpService
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsOptions

_PLAIN = TcpServersTransport("")


class TcpSections(NamedTuple):
    """The merged sections."""

    routers: Mapping[str, TcpRouter]
    services: Mapping[str, TcpService]
    middlewares: Mapping[str, Middleware]
    transports: Mapping[str, TcpServersTransport]


def merge_tcp(
    providers: Sequence[tuple[str, Configuration]],
    entry_points: EntryPointsOf,
    default_transport: TcpServersTransport | None,
    tls_options: Mapping[str, TlsOptions],
    nearest: Nearest,
    diagnostics: list[Diagnostic],
) -> TcpSections:
    """Merge the sections of providers in the order of their names, and add diagnostics.

    Services that name no transport get `default_transport`, if there is one.
    """
    routers: dict[str, TcpRouter] = {}
    services: dict[str, TcpService] = {}
    middlewares: dict[str, Middleware] = {}
    transports: dict[str, TcpServersTransport] = {}
    for provider, each in providers:
        add_section(services, each.tcp_services, "TCP service", provider, diagnostics)
        add_section(middlewares, each.tcp_middlewares, "TCP middleware", provider, diagnostics)
        add_section(transports, each.tcp_servers_transports, "TCP serversTransport", provider, diagnostics)
    diagnostics += _resolve_transports(services, transports, default_transport, nearest)
    if any(service.members for service in services.values()):
        diagnostics += resolve_all_members(services, "TCP service", nearest)
    for provider, each in providers:
        resolved: dict[str, TcpRouter] = {}
        for router in each.tcp_routers.values():
            found = _resolve(router, provider, services, middlewares, entry_points, nearest, diagnostics)
            if found is not None:
                resolved[router.name] = found
        add_section(routers, resolved, "TCP router", provider, diagnostics)
    for router in routers.values():
        if router.tls_options and not router.passthrough:
            diagnostics += _report_options(router, tls_options, nearest)
    return TcpSections(routers, services, middlewares, transports)


def _resolve(
    router: TcpRouter,
    provider: str,
    services: Collection[str],
    middlewares: Collection[str],
    entry_points: EntryPointsOf,
    nearest: Nearest,
    diagnostics: list[Diagnostic],
) -> TcpRouter | None:
    by = NamedBy(f"TCP router {router.name}", provider, lost_rules_hint(router.rule.text))
    references = [("service", router.service, services)]
    references += [("middleware", name, middlewares) for name in router.middlewares]
    if report_missing(by, references, nearest, diagnostics):
        return None
    if not router.entry_points:
        return router
    kept = known_entry_points(by, router.entry_points, entry_points, diagnostics)
    if kept is None:
        return None
    return router if kept is router.entry_points else replace(router, entry_points=kept)


def _resolve_transports(
    services: dict[str, TcpService],
    transports: Mapping[str, TcpServersTransport],
    default: TcpServersTransport | None,
    nearest: Nearest,
) -> Iterator[Diagnostic]:
    """Put its transport into each service, and yield the diagnostics.

    If a service names a transport that does not exist or cannot be used, it loses its servers: connections
    must not reach them with weaker checks than it asks for. A service that contains its transport already, as
    one of a contribution does, keeps it if no provider defines the name.
    """
    for name, service in list(services.items()):
        wanted = service.servers_transport
        if service.unserved or service.members:
            continue
        if not wanted:
            transport = _with_default(service.transport, default)
        elif (named := transports.get(wanted, service.transport)) is None:
            message = f"serversTransport {wanted!r} does not exist, so connections are closed"
            source = name.rpartition("@")[2]
            hint = nearest(wanted, transports)
            yield Diagnostic(Severity.ERROR, source, f"TCP service {name}", message, hint)
            services[name] = _close(service, f"its serversTransport {wanted} does not exist")
            continue
        else:
            transport = named
        if transport is not None and transport.unserved:
            services[name] = _close(service, f"its serversTransport {wanted}: {transport.unserved}")
        elif transport != service.transport:
            services[name] = replace(service, transport=transport)


def _with_default(
    own: TcpServersTransport | None, default: TcpServersTransport | None
) -> TcpServersTransport | None:
    """Return the default transport with the options that the service itself has."""
    if default is None or own is None:
        return own or default
    delay = own.termination_delay
    return replace(
        default,
        proxy_protocol=own.proxy_protocol or default.proxy_protocol,
        termination_delay=default.termination_delay if delay == _PLAIN.termination_delay else delay,
    )


def _close(service: TcpService, reason: str) -> TcpService:
    return replace(service, servers=(), transport=None, unserved=reason)


def _report_options(
    router: TcpRouter, options: Mapping[str, TlsOptions], nearest: Nearest
) -> Iterator[Diagnostic]:
    name = router.tls_options
    fault, hint = "", ""
    if name.partition("@")[0] == DEFAULT_OPTIONS:
        fault, hint = "do not exist", f"write {DEFAULT_OPTIONS}: these options belong to no provider"
    elif name not in options:
        fault, hint = "do not exist", nearest(name, options)
    elif options[name].unserved:
        fault, hint = "cannot be used", options[name].unserved
    if fault:
        message = f"its TLS options {name!r} {fault}, so its connections are refused"
        source = router.name.rpartition("@")[2]
        yield Diagnostic(Severity.ERROR, source, f"TCP router {router.name}", message, hint)
