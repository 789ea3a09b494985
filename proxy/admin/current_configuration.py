"""What this worker serves at the time of a request to the API, and what the agents found wrong with it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import redis

from proxy.admin import provider_outages
from proxy.admin.ejections import findings
from proxy.admin.views import middlewares, routers, services
from proxy.admin.views.object_status import Findings, Standing, by_object, left_out, standing
from proxy.background.cooperative_yield import Breath
from proxy.middlewares.chains import ChainError
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining import unreachable_routers
from rondpoint.middlewares.kinds import SERVED_KINDS
from rondpoint.model import Middleware, Router, Service
from rondpoint.store.agents import read_agents
from rondpoint.store.read import read_diagnostics

if TYPE_CHECKING:
    from proxy.runtime import Runtime

T = TypeVar("T")

PORTION = 100
"""Objects looked at without a pause."""


class Present:
    """A look at the configuration in force; for one request to the API.

    Objects come in order of name, with those that were left out. `in_portions` lets other requests have
    their turn, however many objects there are.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.breathe = Breath()
        # Copies, so that a change does not come between two portions.
        self.state = runtime.applier.state()

    def in_portions(self, items: Iterable[T]) -> Iterator[T]:
        """The same items, with a pause now and then."""
        for number, item in enumerate(items, 1):
            yield item
            if not number % PORTION:
                self.breathe()

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the agents found wrong, and what they cannot read; what of the store could not be read, and
        what cannot be reached: servers by this proxy, routers by any request.
        """
        parts = self._runtime
        try:
            found = parts.diagnosed = read_diagnostics(parts.client, parts.keys)
            agents = read_agents(parts.client, parts.keys)
            of_providers = provider_outages.findings(agents.values(), time.time())
        except redis.RedisError as error:
            message = f"the store does not answer: {error}"
            # With what it told last, or else all that was left out would seem never to have been there.
            found = (Diagnostic(Severity.WARNING, "store", "connection", message), *parts.diagnosed)
            of_providers = ()
        services = self.in_portions(self.state.services.values())
        routers = self.in_portions(self.state.routers.values())
        return (
            *found,
            *of_providers,
            *parts.watcher.problems,
            *findings(parts.ejections.aside, services),
            *unreachable_routers.findings(routers, parts.settings),
            *(closed.diagnostic for closed in parts.settings.closed),
        )

    @cached_property
    def findings(self) -> Findings:
        return by_object(self.in_portions(self.diagnostics))

    def names(self, kind: str) -> list[str]:
        """Of all objects of a kind (`router`, `service`, `middleware`), in order."""
        known = self._objects(kind)
        lost = (
            name
            for name, found in self.findings[kind].items()
            if name not in known and left_out(found) is not None
        )
        return sorted([*known, *lost])

    def router(self, name: str) -> routers.RouterView | None:
        """None where there is no such router, and none that was left out."""
        router = self.state.routers.get(name)
        if router is None:
            return self._left_out("router", name, routers.left_out)
        settings = self._runtime.settings
        return routers.router_view(
            router, self.router_standing(router), settings.default_entry_points, settings.entry_points
        )

    def service(self, name: str) -> services.ServiceView | None:
        """None where there is no such service, and none that was left out."""
        service = self.state.services.get(name)
        if service is None:
            return self._left_out("service", name, services.left_out)
        return services.service_view(
            service, self.service_standing(service), tuple(self._by_service.get(name, ()))
        )

    def middleware(self, name: str) -> dict[str, Any] | None:
        """None where there is no such middleware, and none that was left out."""
        middleware = self.state.middlewares.get(name)
        if middleware is None:
            return self._left_out("middleware", name, middlewares.left_out)
        return middlewares.middleware_view(
            middleware, self.middleware_standing(middleware), tuple(self._by_middleware.get(name, ()))
        )

    def router_standing(self, router: Router) -> Standing:
        """Whether its requests are served."""
        return self._standing("router", router.name, self._router_fault(router))

    def service_standing(self, service: Service) -> Standing:
        """Whether it takes requests."""
        fault = service.unserved
        if not fault and service.middlewares:
            try:
                self._runtime.context.chains.of(service.middlewares, "service", service.name)
            except ChainError as error:
                fault = str(error)
        return self._standing("service", service.name, fault)

    def middleware_standing(self, middleware: Middleware) -> Standing:
        """Whether it can be performed."""
        fault = ""
        if middleware.unusable:
            fault = "it has options that could not be read"
        elif middleware.kind not in SERVED_KINDS:
            fault = f"it is of kind {middleware.kind}, which is not served yet"
        return self._standing("middleware", middleware.name, fault)

    def _standing(self, kind: str, name: str, fault: str = "") -> Standing:
        return standing(self.findings[kind].get(name, ()), fault)

    def standing_of(self, kind: str, name: str) -> Standing:
        """Of an object that `names` lists."""
        if kind == "router" and (router := self.state.routers.get(name)) is not None:
            return self.router_standing(router)
        if kind == "middleware" and (middleware := self.state.middlewares.get(name)) is not None:
            return self.middleware_standing(middleware)
        if kind == "service" and (service := self.state.services.get(name)) is not None:
            return self.service_standing(service)
        return left_out(self.findings[kind].get(name, ())) or Standing()

    def _router_fault(self, router: Router) -> str:
        if router.service not in self.state.services:
            return f"service {router.service} does not exist"
        if reason := unreachable_routers.reason(router, self._runtime.settings):
            return reason
        if reason := unreachable_routers.closed(router, self._runtime.settings):
            return reason
        try:
            self._runtime.context.chains.steps(router)
        except ChainError as error:
            return str(error)
        return ""

    def _objects(self, kind: str) -> Mapping[str, Any]:
        state = self.state
        found: dict[str, Mapping[str, Any]] = {
            "router": state.routers,
            "service": state.services,
            "middleware": state.middlewares,
        }
        return found[kind]

    def _left_out(self, kind: str, name: str, view: Callable[[str, Standing], T]) -> T | None:
        found = left_out(self.findings[kind].get(name, ()))
        return None if found is None else view(name, found)

    @cached_property
    def _by_service(self) -> Mapping[str, list[str]]:
        return self._users(self.state.routers, lambda router: (router.service,))

    @cached_property
    def _by_middleware(self) -> Mapping[str, list[str]]:
        users = dict(self._users(self.state.routers, lambda router: router.middlewares))
        for name, others in self._users(self.state.services, lambda service: service.middlewares).items():
            users[name] = [*users.get(name, ()), *others]
        return users

    def _users(self, objects: Mapping[str, T], used: Callable[[T], Iterable[str]]) -> Mapping[str, list[str]]:
        """The names of objects by what they use, in order."""
        users: dict[str, list[str]] = {}
        for user, item in self.in_portions(objects.items()):
            for name in used(item):
                users.setdefault(name, []).append(user)
        for names in users.values():
            names.sort()
        return users
