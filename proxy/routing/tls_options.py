"""Which TLS options a connection must have been made with, by entry point and router.

Nothing is kept until a router or an entry point names options: most installations have none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rondpoint.entry_points.router_tls import named_options
from rondpoint.tls.model import DEFAULT_OPTIONS
from rondpoint.tls.options_by_host import OptionsByHost

if TYPE_CHECKING:
    from rondpoint.model import Router


class RouterTlsOptions:
    """The TLS options that routers name, for each entry point.

    `for_all` are the entry points on which all routers use TLS, with the options of those that have no `tls`
    of their own; a name without provider is in the router's provider.
    """

    def __init__(self, default_entry_points: frozenset[str], for_all: Mapping[str, str]) -> None:
        self._default_entry_points = default_entry_points
        self._for_all = for_all
        self._by_entry_point: dict[str, OptionsByHost] = {}
        self._follows = any(name not in ("", DEFAULT_OPTIONS) for name in for_all.values())

    def put(self, router: Router, others: Iterable[Router]) -> None:
        """Add or replace a root router; `others` are all that were added before."""
        if not self._follows:
            if not self.may_differ(router):
                return
            self._follows = True
            for other in others:
                self._put(other)
        self._put(router)

    def remove(self, router: Router) -> None:
        """Remove a root router; ignore an unknown one."""
        for options in self._by_entry_point.values():
            options.remove(router.name)

    def may_differ(self, router: Router) -> bool:
        """Return whether the router names other options than the default ones on any entry point."""
        for_all = self._for_all
        points = self._entry_points(router)
        return any(named_options(router, for_all.get(each, "")) != DEFAULT_OPTIONS for each in points)

    def for_host(self, entry_point: str, server_name: str) -> str:
        """Return the options for connections with this server name, in lower case."""
        options = self._by_entry_point.get(entry_point)
        return DEFAULT_OPTIONS if options is None else options.of_host(server_name)

    def for_router(self, entry_point: str, router: str) -> str:
        """Return the options with which connections for requests of this router must have been made."""
        options = self._by_entry_point.get(entry_point)
        return DEFAULT_OPTIONS if options is None else options.of_router(router)

    def _put(self, router: Router) -> None:
        self.remove(router)
        if router.parents:
            return
        for entry_point in self._entry_points(router):
            if router.tls or entry_point in self._for_all:
                options = self._by_entry_point.setdefault(entry_point, OptionsByHost())
                named = named_options(router, self._for_all.get(entry_point, ""))
                options.put(router.name, router.rule.expression, named)

    def _entry_points(self, router: Router) -> Iterable[str]:
        return router.entry_points or self._default_entry_points
