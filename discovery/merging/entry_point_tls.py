"""Gives routers the certificates resolver of their entry point, `entryPoints.NAME.http.tls`, as Traefik does.

That is for routers without `tls` of their own. The proxy itself applies the TLS options of entry points,
because a router may be on several with different ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Router
from rondpoint.settings import Settings
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsDomain, TlsOptions
from rondpoint.tls.options_by_host import hosts_in


class EntryPointTls(Struct, frozen=True):
    """What `http.tls` says for routers on an entry point."""

    options: str = ""
    resolver: str = ""
    domains: tuple[TlsDomain, ...] = ()


class TlsForRouters:
    """The `http.tls` of entry points by name; routers that name none use `default_entry_points`."""

    def __init__(
        self, entry_points: Mapping[str, EntryPointTls], default_entry_points: Sequence[str] = ()
    ) -> None:
        self._entry_points = entry_points
        self._default_entry_points = default_entry_points
        self._has_resolvers = any(each.resolver for each in entry_points.values())
        self._known: dict[str, tuple[Router, Router]] = {}

    def add_resolvers(self, routers: dict[str, Router]) -> dict[str, Router]:
        """Return the routers, each with the resolver that it has now.

        An unchanged router stays the same object from one call to the next.
        """
        if not self._has_resolvers:
            return routers
        known, self._known = self._known, {}
        for name, router in routers.items():
            before = known.get(name)
            is_known = before is not None and before[0] is router
            self._known[name] = before if before and is_known else (router, self._with_resolver(router))
        return {name: after for name, (_, after) in self._known.items()}

    def unknown_options(self, options: Mapping[str, TlsOptions]) -> Iterator[Diagnostic]:
        """Yield an error for each entry point whose TLS options nobody defines.

        A name without provider is one in the provider of each router, so nothing is reported for it.
        """
        for name, tls in self._entry_points.items():
            is_default = tls.options.partition("@")[0] == DEFAULT_OPTIONS
            if "@" in tls.options and not is_default and tls.options not in options:
                yield Diagnostic(
                    Severity.ERROR,
                    "settings",
                    f"entryPoints.{name}.http.tls.options",
                    f"TLS options {tls.options} do not exist, so clients are refused there",
                    "define them in tls.options of a dynamic file, or take the setting out",
                )

    def _with_resolver(self, router: Router) -> Router:
        if router.tls or router.parents or router.cert_resolver:
            return router
        for name in router.entry_points or self._default_entry_points:
            tls = self._entry_points.get(name)
            if tls is not None and tls.resolver and (tls.domains or any(hosts_in(router.rule.expression))):
                return replace(router, cert_resolver=tls.resolver, tls_domains=tls.domains)
        return router


NO_TLS = TlsForRouters({})


def tls_for_routers(settings: Settings) -> TlsForRouters:
    """Return the `http.tls` of all web entry points, without resolvers that do not exist.

    The check of the settings reports those.
    """
    entry_points = {}
    for name, point in settings.web_entry_points.items():
        if (tls := point.http.tls) is not None:
            resolver = tls.cert_resolver if tls.cert_resolver in settings.acme_resolvers else ""
            entry_points[name] = EntryPointTls(tls.options, resolver, tls.domains)
    return TlsForRouters(entry_points, settings.default_entry_points)
