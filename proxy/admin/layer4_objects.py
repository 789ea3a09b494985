"""TCP and UDP routers, services and middlewares in force, with the reasons why some do not serve."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from proxy.admin.names_by_use import names_by_use
from proxy.admin.tcp_faults import TcpFaults
from proxy.admin.views import middlewares, tcp, udp
from proxy.admin.views.object_status import ObjectStatus
from rondpoint.explaining.unreachable_routers import all_closed_reason
from rondpoint.middlewares.schemas import TCP_SCHEMAS
from rondpoint.model import Middleware
from rondpoint.settings import Settings
from rondpoint.store.state import State
from rondpoint.tcp.model import TcpRouter, TcpService
from rondpoint.udp.model import UdpRouter, UdpService

LEFT_OUT_VIEWS: Mapping[str, Callable[[str, ObjectStatus], Any]] = {
    "tcp router": tcp.left_out_router,
    "tcp service": tcp.left_out_service,
    "tcp middleware": middlewares.left_out_view,
    "udp router": udp.left_out_router,
    "udp service": udp.left_out_service,
}
"""Make the view of an object that is defined but not in force."""

InPortions = Callable[[Iterable[Any]], Iterator[Any]]


class Layer4Objects:
    """The objects of TCP and UDP in `state`, by kind and name; the kinds are those of `object_status`.

    `in_portions` yields the same items and lets other greenlets run meanwhile. `worker` knows the faults that
    only the proxy can find.
    """

    def __init__(self, state: State, settings: Settings, in_portions: InPortions, worker: TcpFaults) -> None:
        self._worker = worker
        self._state = state
        self._settings = settings
        self._in_portions = in_portions
        self.by_kind: Mapping[str, Mapping[str, Any]] = {
            "tcp router": state.tcp_routers,
            "tcp service": state.tcp_services,
            "tcp middleware": state.tcp_middlewares,
            "udp router": state.udp_routers,
            "udp service": state.udp_services,
        }
        self._uses: Mapping[str, tuple[Mapping[str, Any], Callable[[Any], Iterable[str]]]] = {
            "tcp service": (state.tcp_routers, lambda router: (router.service,)),
            "tcp middleware": (state.tcp_routers, lambda router: router.middlewares),
            "udp service": (state.udp_routers, lambda router: (router.service,)),
        }
        self._users_by_kind: dict[str, Mapping[str, list[str]]] = {}

    @property
    def udp_entry_points(self) -> tuple[str, ...]:
        """The entry points of UDP routers that name none."""
        return tuple(sorted(self._settings.udp_entry_points))

    def fault(self, item: Any) -> str:
        """Return why an object cannot serve, or empty."""
        if isinstance(item, TcpRouter):
            return self._tcp_router_fault(item)
        if isinstance(item, UdpRouter):
            return self._udp_router_fault(item)
        if isinstance(item, TcpService):
            return self._worker.of_service(item)
        if isinstance(item, UdpService):
            return item.unserved
        return middleware_fault(item)

    def view(self, kind: str, item: Any, status: ObjectStatus) -> Any:
        """Return the view of an object with this status."""
        if isinstance(item, TcpRouter):
            return tcp.router_view(item, status, self._settings.default_entry_points)
        if isinstance(item, UdpRouter):
            return udp.router_view(item, status, self._entry_points_served(item))
        users = tuple(self._users(kind).get(item.name, ()))
        if isinstance(item, TcpService):
            delay = self._settings.tcp_servers_transport.termination_delay
            return tcp.service_view(item, status, users, delay)
        if isinstance(item, UdpService):
            return udp.service_view(item, status, users)
        return middlewares.tcp_middleware_view(item, status, users)

    def _tcp_router_fault(self, router: TcpRouter) -> str:
        if router.service not in self._state.tcp_services:
            return f"service {router.service} does not exist"
        if fault := self._worker.of_router(router):
            return fault
        points = router.entry_points or self._settings.default_entry_points
        return all_closed_reason(points, self._settings)

    def _udp_router_fault(self, router: UdpRouter) -> str:
        if router.service not in self._state.udp_services:
            return f"service {router.service} does not exist"
        points = self._entry_points_of(router)
        if not points:
            return "there is no entry point for UDP"
        if not self._entry_points_served(router):
            other = min(self._router_by_udp_entry_point[point] for point in points)
            return f"it takes nothing, because an entry point has one UDP router, and that is {other}"
        return all_closed_reason(points, self._settings)

    def _entry_points_of(self, router: UdpRouter) -> Collection[str]:
        return router.entry_points or self.udp_entry_points

    def _entry_points_served(self, router: UdpRouter) -> tuple[str, ...]:
        """Return the entry points that this UDP router serves, and no other."""
        first = self._router_by_udp_entry_point
        return tuple(point for point in self._entry_points_of(router) if first[point] == router.name)

    @cached_property
    def _router_by_udp_entry_point(self) -> Mapping[str, str]:
        first: dict[str, str] = {}
        for router in self._in_portions(self._state.udp_routers.values()):
            for point in self._entry_points_of(router):
                first[point] = min(first.get(point, router.name), router.name)
        return first

    def _users(self, kind: str) -> Mapping[str, list[str]]:
        found = self._users_by_kind.get(kind)
        if found is None:
            routers, used = self._uses[kind]
            found = self._users_by_kind[kind] = names_by_use(self._in_portions(routers.items()), used)
        return found


def middleware_fault(middleware: Middleware) -> str:
    """Return why a TCP middleware cannot be used, or empty."""
    if middleware.unusable:
        return "it has options that could not be read"
    if middleware.kind not in TCP_SCHEMAS:
        return f"it is of kind {middleware.kind}, which TCP routers do not have"
    return ""
