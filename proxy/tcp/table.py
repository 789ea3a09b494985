"""The TCP routers of the configuration, by entry point."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType

from proxy.tcp.route import Route
from proxy.tcp.route_index import RouteIndex
from proxy.tcp.rule_test import UnservedRuleError
from rondpoint.tcp.model import TcpRouter

log = logging.getLogger(__name__)


class EntryPointRoutes:
    """The routes of one entry point: `plain` ones, and those over `tls`; `has_any` says if there are some."""

    __slots__ = ("has_any", "plain", "tls")

    def __init__(self) -> None:
        self.plain = RouteIndex()
        self.tls = RouteIndex()
        self.has_any = False

    def add(self, route: Route) -> None:
        """Add a route, which must be new."""
        (self.tls if route.router.tls else self.plain).add(route)
        self.has_any = True

    def discard(self, route: Route) -> None:
        """Remove a route, which must be present."""
        (self.tls if route.router.tls else self.plain).discard(route)
        self.has_any = bool(self.plain or self.tls)


class TcpTable:
    """TCP routers by name; those without entry points use `default_entry_points`.

    A change costs what its server names hold. A router whose rule cannot be tested is reported and does not
    replace an earlier one.
    """

    def __init__(self, default_entry_points: frozenset[str]) -> None:
        self._default_entry_points = default_entry_points
        self._entry_points: dict[str, EntryPointRoutes] = {}
        self._routes: dict[str, Route] = {}

    @property
    def routes(self) -> Mapping[str, Route]:
        """A live view of all routes by the router's name."""
        return MappingProxyType(self._routes)

    def entry_point(self, name: str) -> EntryPointRoutes:
        """Return the routes of an entry point, which follow all changes."""
        return self._entry_points.setdefault(name, EntryPointRoutes())

    def put(self, router: TcpRouter) -> None:
        """Add or replace a router."""
        try:
            route = Route(router)
        except UnservedRuleError as error:
            log.warning("TCP router %s: %s", router.name, error)
            return
        self.remove(router.name)
        self._routes[router.name] = route
        for entry_point in self._entry_points_of(router):
            self.entry_point(entry_point).add(route)

    def remove(self, name: str) -> None:
        """Remove a router; ignore an unknown name."""
        route = self._routes.pop(name, None)
        if route is not None:
            for entry_point in self._entry_points_of(route.router):
                self.entry_point(entry_point).discard(route)

    def _entry_points_of(self, router: TcpRouter) -> frozenset[str]:
        return frozenset(router.entry_points) or self._default_entry_points
