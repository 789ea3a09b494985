"""TLS of entry points for all their routers that have no `tls` of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router
from rondpoint.settings import Settings
from rondpoint.tls.model import TlsDomain, TlsOptions


class EntryPointTls(Struct, frozen=True):
    """`default_entry_points` are those of routers that name none.

    `options` are the TLS options for all routers by entry point with TLS, empty for the default ones.
    `resolvers` are the certificates resolver and its domains, by entry point that has one.
    """

    default_entry_points: Collection[str] = ()
    options: Mapping[str, str] = MappingProxyType({})
    resolvers: Mapping[str, tuple[str, tuple[TlsDomain, ...]]] = MappingProxyType({})

    def points_of(self, router: Router) -> Iterable[str]:
        """Return the names of the entry points of a root router."""
        return router.entry_points or self.default_entry_points


NO_TLS = EntryPointTls()


def entry_point_tls(settings: Settings) -> EntryPointTls:
    """Return the TLS of all entry points of these settings."""
    resolvers = {
        name: (point.http.tls.cert_resolver, point.http.tls.domains)
        for name, point in sorted(settings.entry_points.items())
        if point.http.tls is not None and point.http.tls.cert_resolver
    }
    return EntryPointTls(frozenset(settings.default_entry_points), settings.tls_options, resolvers)


class ResolverDefaults:
    """Gives routers the certificates resolver of their entry points; unchanged routers stay the same objects.

    If two entry points of a router have resolvers, the alphabetically first one counts.
    """

    def __init__(self, tls: EntryPointTls) -> None:
        self._tls = tls
        self._known: dict[str, tuple[Router, Router]] = {}

    def apply(self, configuration: Configuration) -> Configuration:
        """Return the configuration with these resolvers."""
        if not self._tls.resolvers:
            return configuration
        known = {name: self._complete(router) for name, router in configuration.routers.items()}
        self._known = known
        return replace(configuration, routers={name: after for name, (_, after) in known.items()})

    def _complete(self, router: Router) -> tuple[Router, Router]:
        before = self._known.get(router.name)
        if before is not None and before[0] is router:
            return before
        if router.tls or router.parents:
            return router, router
        points = set(self._tls.points_of(router))
        found = next((found for name, found in self._tls.resolvers.items() if name in points), None)
        if found is None:
            return router, router
        return router, replace(router, cert_resolver=found[0], tls_domains=found[1])


def report_unknown_options(tls: EntryPointTls, options: Mapping[str, TlsOptions]) -> Iterator[Diagnostic]:
    """Yield an error for each entry point whose options do not exist or cannot be used."""
    for entry_point, name in sorted(tls.options.items()):
        known = options.get(name)
        if "@" not in name or (known is not None and not known.unserved):
            # Without a provider, the name stands for the options of each router's provider.
            continue
        fault = "do not exist" if known is None else f"cannot be used ({known.unserved})"
        message = f"TLS options {name!r} {fault}, so clients of routers without tls of their own are refused"
        subject = f"entryPoints.{entry_point}.http.tls.options"
        yield Diagnostic(Severity.ERROR, "settings", subject, message, "define them in a file")
