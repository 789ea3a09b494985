"""The active configuration, on which explanations of requests are based."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic
from rondpoint.model import Middleware, Router, Service


class ActiveConfiguration(Struct, frozen=True):
    """The configuration in force.

    `default_entry_points` serve routers that name none; `tls_entry_points` use TLS. `closed` maps closed
    entry points to the reason.
    """

    routers: Mapping[str, Router]
    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    diagnostics: Collection[Diagnostic]
    default_entry_points: Collection[str]
    tls_entry_points: Collection[str] = ()
    closed: Mapping[str, str] = MappingProxyType({})

    def serves(self, router: Router, entry_point: str) -> bool:
        """Return whether the router takes requests of this entry point."""
        named = router.entry_points or self.default_entry_points
        return entry_point in named and (not router.tls or entry_point in self.tls_entry_points)
