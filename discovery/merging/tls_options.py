"""Settles the default TLS options, and reports routers whose options have no effect or close their hosts.

The proxy decides with which options it makes a connection, by the same code: rondpoint.tls.options_by_host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsOptions
from rondpoint.tls.options_by_host import OptionsByHost, hosts_in

_MAX_ROUTERS = 5


def settle_default_options(options: dict[str, TlsOptions]) -> Iterator[Diagnostic]:
    """Keep one definition of the default options, and yield the diagnostics.

    If two providers define them differently, nobody knows which ones are meant, so all connections with them
    are refused, as in Traefik.
    """
    first, *others = sorted(name for name, each in options.items() if each.is_default) or [""]
    differing = [name for name in others if replace(options[name], name=first) != options[first]]
    for name in others:
        del options[name]
    if differing:
        providers = ", ".join(_provider(name) for name in (first, *differing))
        options[first] = replace(options[first], unserved=f"{providers} define different default options")
        message = "connections with them are refused, because several providers define them differently"
        subject = f"TLS options {DEFAULT_OPTIONS}"
        for name in (first, *differing):
            hint = f"define them only once; {providers} do"
            yield Diagnostic(Severity.ERROR, _provider(name), subject, message, hint)


def report_tls_options(
    routers: Mapping[str, Router],
    options: Mapping[str, TlsOptions],
    entry_points: Collection[str],
    nearest: Callable[[str], str],
) -> Iterator[Diagnostic]:
    """Yield the diagnostics about the TLS options that routers name; `nearest` gives a hint for a name."""
    naming = [router for router in routers.values() if router.tls_options]
    hosts: set[str] = set()
    for router in naming:
        own = set(hosts_in(router.rule.expression))
        hosts |= own
        if not own:
            message = f"its TLS options {router.tls_options} have no effect, because its rule has no Host"
            hint = "options count by the name that clients send in the handshake; name the hosts"
            yield _about(router, Severity.ERROR, message, hint)
        elif router.tls_options not in options:
            message = f"TLS options {router.tls_options!r} do not exist, so clients of its hosts are refused"
            yield _about(router, Severity.ERROR, message, nearest(router.tls_options))
        elif options[router.tls_options].unserved:
            message = (
                f"its TLS options {router.tls_options} cannot be used, so clients of its hosts are refused"
            )
            yield _about(router, Severity.ERROR, message, options[router.tls_options].unserved)
    if hosts:
        yield from _report_disputes(routers, hosts, entry_points)


def _report_disputes(
    routers: Mapping[str, Router], hosts: set[str], entry_points: Collection[str]
) -> Iterator[Diagnostic]:
    concerned = [
        router
        for router in routers.values()
        if router.tls and not router.parents and not hosts.isdisjoint(hosts_in(router.rule.expression))
    ]
    reported = set()
    for entry_point in sorted(entry_points):
        by_host = OptionsByHost()
        for router in concerned:
            if not router.entry_points or entry_point in router.entry_points:
                by_host.put(router.name, router.rule.expression, router.tls_options or DEFAULT_OPTIONS)
        for host, disputed in by_host.disputed_hosts():
            if host in reported:
                continue
            reported.add(host)
            listed = [f"{name} ({disputed[name]})" for name in sorted(disputed)]
            more = ", …" if len(listed) > _MAX_ROUTERS else ""
            router = routers[min(name for name, named in disputed.items() if named != DEFAULT_OPTIONS)]
            message = (
                f"host {host} gets the default TLS options on entry point {entry_point}, because its routers "
                f"name different ones: {', '.join(listed[:_MAX_ROUTERS])}{more}"
            )
            yield _about(router, Severity.ERROR, message, "name the same options on all routers of a host")


def _about(router: Router, severity: Severity, message: str, hint: str) -> Diagnostic:
    return Diagnostic(severity, _provider(router.name), f"router {router.name}", message, hint)


def _provider(name: str) -> str:
    return name.rpartition("@")[2]
