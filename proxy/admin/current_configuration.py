"""The configuration in force at the time of an API request, with its diagnostics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import redis
from msgspec.structs import replace

from proxy.admin import provider_outages
from proxy.admin.ejections import ejection_diagnostics
from proxy.admin.layer4_objects import LEFT_OUT_VIEWS, Layer4Objects
from proxy.admin.names_by_use import names_by_use
from proxy.admin.tcp_faults import TcpFaults
from proxy.admin.transport_faults import tcp_transport_diagnostics, transport_diagnostics
from proxy.admin.views import middlewares, routers, services
from proxy.admin.views.object_status import (
    DiagnosticsByObject,
    ObjectStatus,
    active_status,
    group_by_object,
    left_out_status,
)
from proxy.background.cooperative_yield import CooperativeYield
from proxy.middlewares.chains import ChainError
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.entry_points.faults import entry_point_diagnostics
from rondpoint.entry_points.options import NO_OPTIONS, router_middlewares
from rondpoint.explaining import unreachable_routers
from rondpoint.internal_services import internal_fault
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.model import Middleware, Router, Service
from rondpoint.store.agents import read_agents
from rondpoint.store.read import read_diagnostics
from rondpoint.tcp.model import TcpService

if TYPE_CHECKING:
    from proxy.runtime import Runtime

T = TypeVar("T")

PORTION = 100
"""Objects processed between two yields."""


class CurrentConfiguration:
    """A snapshot of the configuration in force, for one request to the API.

    Objects are sorted by name and include the objects that were left out. `in_portions` yields to other
    requests, however many objects there are.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.yield_if_due = CooperativeYield()
        # Copies, so that no change applies between two portions.
        self.state = runtime.applier.state()
        for options in runtime.entry_point_options.values():
            self.state.middlewares.update(options.own)
        for name, fault in runtime.context.services.faults.items():
            if (service := self.state.services.get(name)) is not None:
                self.state.services[name] = replace(service, unserved=fault)
        self.layer4 = Layer4Objects(self.state, runtime.settings, self.in_portions, TcpFaults(runtime.tcp))

    def in_portions(self, items: Iterable[T]) -> Iterator[T]:
        """Yield the same items; let other greenlets run after every PORTION items."""
        for number, item in enumerate(items, 1):
            yield item
            if not number % PORTION:
                self.yield_if_due()

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The diagnostics of the agents and of this worker.

        They cover unreadable sources and stored values, closed entry points, ejected servers, and routers
        that no request can reach.
        """
        worker = self._runtime
        try:
            found = worker.last_diagnostics = read_diagnostics(worker.client, worker.keys)
            agents = read_agents(worker.client, worker.keys)
            outages = provider_outages.outage_diagnostics(agents.values(), time.time())
        except redis.RedisError as error:
            message = f"the store does not respond: {error}"
            # Add the diagnostics read last: without them, the objects that were left out would disappear.
            found = (Diagnostic(Severity.WARNING, "store", "connection", message), *worker.last_diagnostics)
            outages = ()
        http, tcp = self.state.services.values(), self.state.tcp_services.values()
        services: Iterable[Service | TcpService] = chain(self.in_portions(http), self.in_portions(tcp))
        return (
            *found,
            *outages,
            *worker.watcher.problems,
            *ejection_diagnostics(worker.ejections.ejected, services),
            *(closed.diagnostic for closed in worker.settings.closed_parts),
            *transport_diagnostics(worker.context.services.faults),
            *tcp_transport_diagnostics(self.in_portions(self.state.tcp_services.values()), worker.tcp),
            *entry_point_diagnostics(
                worker.entry_point_options,
                partial(self._chain_fault, "entry point"),
                self.in_portions(self.state.routers.values()),
            ),
        )

    @cached_property
    def diagnostics_by_object(self) -> DiagnosticsByObject:
        """The diagnostics about routers, services and middlewares, by kind and name."""
        return group_by_object(self.in_portions(self.diagnostics))

    def names(self, kind: str) -> list[str]:
        """Return the sorted names of all objects of a kind; the kinds are those of `object_status`."""
        known = self.objects_in_force(kind)
        lost = (
            name
            for name, found in self.diagnostics_by_object[kind].items()
            if name not in known and left_out_status(found) is not None
        )
        return sorted([*known, *lost])

    def view(self, kind: str, name: str) -> Any:
        """Return the view of an object of any kind, or None if it is neither in force nor left out."""
        if kind not in self.layer4.by_kind:
            return self._http_views[kind](name)
        item = self.layer4.by_kind[kind].get(name)
        if item is None:
            return self._left_out_view(kind, name, LEFT_OUT_VIEWS[kind])
        return self.layer4.view(kind, item, self._layer4_status(kind, item))

    @property
    def _http_views(self) -> Mapping[str, Callable[[str], Any]]:
        return {"router": self.router, "service": self.service, "middleware": self.middleware}

    def router(self, name: str) -> routers.RouterView | None:
        """Return the view of a router, or None if it is neither in force nor left out."""
        router = self.state.routers.get(name)
        if router is None:
            return self._left_out_view("router", name, routers.left_out_view)
        settings = self._runtime.settings
        return routers.router_view(
            router, self.router_status(router), settings.default_entry_points, settings.entry_points
        )

    def service(self, name: str) -> services.ServiceView | None:
        """Return the view of a service, or None if it is neither in force nor left out."""
        service = self.state.services.get(name)
        if service is None:
            return self._left_out_view("service", name, services.left_out_view)
        return services.service_view(
            service, self.service_status(service), tuple(self._routers_by_service.get(name, ()))
        )

    def middleware(self, name: str) -> dict[str, Any] | None:
        """Return the view of a middleware, or None if it is neither in force nor left out."""
        middleware = self.state.middlewares.get(name)
        if middleware is None:
            return self._left_out_view("middleware", name, middlewares.left_out_view)
        return middlewares.middleware_view(
            middleware, self.middleware_status(middleware), tuple(self._users_by_middleware.get(name, ()))
        )

    def router_status(self, router: Router) -> ObjectStatus:
        """Return whether requests of this router are served, and why not."""
        return self._active_status("router", router.name, self._router_fault(router))

    def service_status(self, service: Service) -> ObjectStatus:
        """Return whether this service takes requests, and why not."""
        fault = service.unserved or internal_fault(service.name, self._runtime.settings)
        if not fault and service.middlewares:
            try:
                self._runtime.context.chains.compile_chain(service.middlewares, "service", service.name)
            except ChainError as error:
                fault = str(error)
        return self._active_status("service", service.name, fault)

    def middleware_status(self, middleware: Middleware) -> ObjectStatus:
        """Return whether this middleware can run, and why not."""
        fault = ""
        if middleware.unusable:
            fault = "it has options that could not be read"
        elif middleware.kind not in SERVED_KINDS:
            fault = f"it is of kind {middleware.kind}, which is not served yet"
        elif middleware.kind == "plugin":
            # Only the proxy knows the middlewares in Python, so the agent has not checked these options.
            fault = self.compile_fault((middleware.name,))
        return self._active_status("middleware", middleware.name, fault)

    def _active_status(self, kind: str, name: str, fault: str = "") -> ObjectStatus:
        return active_status(self.diagnostics_by_object[kind].get(name, ()), fault)

    def object_status(self, kind: str, name: str) -> ObjectStatus:
        """Return the status of an object that `names` lists."""
        if kind == "router" and (router := self.state.routers.get(name)) is not None:
            return self.router_status(router)
        if kind == "middleware" and (middleware := self.state.middlewares.get(name)) is not None:
            return self.middleware_status(middleware)
        if kind == "service" and (service := self.state.services.get(name)) is not None:
            return self.service_status(service)
        if (item := self.layer4.by_kind.get(kind, {}).get(name)) is not None:
            return self._layer4_status(kind, item)
        return left_out_status(self.diagnostics_by_object[kind].get(name, ())) or ObjectStatus()

    def _layer4_status(self, kind: str, item: Any) -> ObjectStatus:
        return self._active_status(kind, item.name, self.layer4.fault(item))

    def _router_fault(self, router: Router) -> str:
        if router.service and router.service not in self.state.services:
            return f"service {router.service} does not exist"
        if router.parents:
            return self._chain_fault("router", router.name, router.middlewares)
        if reason := unreachable_routers.closed_reason(router, self._runtime.settings):
            return reason
        entry_points = self._runtime.entry_point_options
        points = router.entry_points or self._runtime.settings.default_entry_points
        middlewares = {router_middlewares(entry_points.get(point, NO_OPTIONS), router) for point in points}
        faults = [self._chain_fault("router", router.name, names) for names in sorted(middlewares)]
        return faults[0] if all(faults) and faults else ""

    def compile_fault(self, middlewares: tuple[str, ...]) -> str:
        """Return why these middlewares cannot be applied, or empty."""
        return self._chain_fault("middleware", ", ".join(middlewares), middlewares)

    def _chain_fault(self, kind: str, name: str, middlewares: tuple[str, ...]) -> str:
        """Return why these middlewares cannot be applied, or empty; `kind` and `name` are for the log."""
        try:
            self._runtime.context.chains.compile_chain(middlewares, kind, name)
        except ChainError as error:
            return str(error)
        return ""

    def is_in_force(self, kind: str, name: str) -> bool:
        """Return whether an object of this kind and name is in force."""
        return name in self.objects_in_force(kind)

    def objects_in_force(self, kind: str) -> Mapping[str, Any]:
        """Return the objects of a kind by name, without those that were left out."""
        state = self.state
        found: dict[str, Mapping[str, Any]] = {
            "router": state.routers,
            "service": state.services,
            "middleware": state.middlewares,
            **self.layer4.by_kind,
        }
        return found[kind]

    def _left_out_view(self, kind: str, name: str, view: Callable[[str, ObjectStatus], T]) -> T | None:
        found = left_out_status(self.diagnostics_by_object[kind].get(name, ()))
        return None if found is None else view(name, found)

    @cached_property
    def _routers_by_service(self) -> Mapping[str, list[str]]:
        return self._names_by_use(self.state.routers, lambda router: (router.service,))

    @cached_property
    def _users_by_middleware(self) -> Mapping[str, list[str]]:
        users = dict(self._names_by_use(self.state.routers, lambda router: router.middlewares))
        for name, others in self._names_by_use(
            self.state.services, lambda service: service.middlewares
        ).items():
            users[name] = [*users.get(name, ()), *others]
        return users

    def _names_by_use(
        self, objects: Mapping[str, T], used: Callable[[T], Iterable[str]]
    ) -> Mapping[str, list[str]]:
        return names_by_use(self.in_portions(objects.items()), used)
