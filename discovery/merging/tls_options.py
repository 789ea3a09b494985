"""Settles the default TLS options, and reports routers whose options have no effect or close their hosts.

The proxy decides with which options it makes a connection, by the same code: rondpoint.tls.options_by_host.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from discovery.merging.entry_point_tls import EntryPointTls, report_unknown_options
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.entry_points.router_tls import named_options
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
    tls: EntryPointTls,
    nearest: Callable[[str], str],
) -> Iterator[Diagnostic]:
    """Yield the diagnostics about the TLS options that routers name; `nearest` gives a hint for a name."""
    yield from report_unknown_options(tls, options)
    hosts: set[str] = set()
    for router in routers.values():
        if router.tls_options:
            own = set(hosts_in(router.rule.expression))
            hosts |= own
            yield from _report_router(router, own, options, nearest)
    if any(name not in ("", DEFAULT_OPTIONS) for name in tls.options.values()):
        yield from _report_disputes(routers.values(), routers, tls)
    elif hosts:
        # The others have the default options.
        concerned = [
            each for each in routers.values() if not hosts.isdisjoint(hosts_in(each.rule.expression))
        ]
        yield from _report_disputes(concerned, routers, tls)


def _report_router(
    router: Router,
    hosts: Collection[str],
    options: Mapping[str, TlsOptions],
    nearest: Callable[[str], str],
) -> Iterator[Diagnostic]:
    name = router.tls_options
    if not hosts:
        message = f"its TLS options {name} have no effect, because its rule has no Host"
        hint = "options count by the name that clients send in the handshake; name the hosts"
        yield _about(router, message, hint)
    elif name.partition("@")[0] == DEFAULT_OPTIONS:
        message = f"TLS options {name!r} do not exist, so clients of its hosts are refused"
        yield _about(router, message, f"write {DEFAULT_OPTIONS}: these options belong to no provider")
    elif name not in options:
        message = f"TLS options {name!r} do not exist, so clients of its hosts are refused"
        yield _about(router, message, nearest(name))
    elif options[name].unserved:
        message = f"its TLS options {name} cannot be used, so clients of its hosts are refused"
        yield _about(router, message, options[name].unserved)


def _report_disputes(
    concerned: Iterable[Router], routers: Mapping[str, Router], tls: EntryPointTls
) -> Iterator[Diagnostic]:
    by_entry_point: dict[str, OptionsByHost] = {}
    for router in concerned:
        for entry_point in () if router.parents else tls.points_of(router):
            if router.tls or entry_point in tls.options:
                named = named_options(router, tls.options.get(entry_point, ""))
                by_host = by_entry_point.setdefault(entry_point, OptionsByHost())
                by_host.put(router.name, router.rule.expression, named)
    reported = set()
    for entry_point, by_host in sorted(by_entry_point.items()):
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
            yield _about(router, message, "name the same options on all routers of a host")


def _about(router: Router, message: str, hint: str) -> Diagnostic:
    return Diagnostic(Severity.ERROR, _provider(router.name), f"router {router.name}", message, hint)


def _provider(name: str) -> str:
    return name.rpartition("@")[2]
