"""The active configuration, on which explanations of requests are based."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic
from rondpoint.entry_points.options import NO_OPTIONS, EntryPointOptions
from rondpoint.model import Middleware, Router, Service


def _no_fault(_middlewares: tuple[str, ...]) -> str:
    return ""


class ActiveConfiguration(Struct, frozen=True):
    """The configuration in force.

    `default_entry_points` serve routers that name none; on `tls_entry_points` all routers use TLS. `closed`
    maps closed entry points to the reason. `entry_points` has the options of entry points for all their
    routers; `middlewares` contains their own middlewares too. `compile_fault` returns why middlewares with
    these names cannot be applied together, or empty, if the caller can compile them. `internal_faults` has
    the reason for each of Rondpoint's own services that is off.
    """

    routers: Mapping[str, Router]
    services: Mapping[str, Service]
    middlewares: Mapping[str, Middleware]
    diagnostics: Collection[Diagnostic]
    default_entry_points: Collection[str]
    tls_entry_points: Collection[str] = ()
    closed: Mapping[str, str] = MappingProxyType({})
    entry_points: Mapping[str, EntryPointOptions] = MappingProxyType({})
    compile_fault: Callable[[tuple[str, ...]], str] = _no_fault
    internal_faults: Mapping[str, str] = MappingProxyType({})

    def serves(self, router: Router, entry_point: str, *, tls: bool = False) -> bool:
        """Return whether the router takes requests of this entry point, over TLS if `tls`.

        Child routers take none directly.
        """
        if router.parents:
            return False
        named = router.entry_points or self.default_entry_points
        uses_tls = router.tls or entry_point in self.tls_entry_points
        return entry_point in named and uses_tls == tls

    def root_routers(self, entry_point: str, *, tls: bool = False) -> Iterator[Router]:
        """Yield the routers that take requests of this entry point, over TLS if `tls`."""
        return (router for router in self.routers.values() if self.serves(router, entry_point, tls=tls))

    def options_of(self, entry_point: str) -> EntryPointOptions:
        """Return the options of an entry point for all its routers."""
        return self.entry_points.get(entry_point, NO_OPTIONS)
