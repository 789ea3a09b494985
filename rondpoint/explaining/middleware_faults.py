"""Finds middlewares that cannot be performed, of a router or before the members of a service."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Protocol

from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.middlewares.kinds import MAX_MIDDLEWARES, SERVED_KINDS
from rondpoint.model import MAX_COMPOSITION_DEPTH, Member, Middleware, ServerState, Service


class HasMiddlewares(Protocol):
    """A configuration: its middlewares by name, and the services that they may name."""

    @property
    def middlewares(self) -> Mapping[str, Middleware]: ...

    @property
    def services(self) -> Mapping[str, Service]: ...


def find_middleware_fault(configuration: HasMiddlewares, middlewares: Collection[str]) -> str:
    """Return why the middlewares with these names cannot be performed; empty if they can."""
    return next(_faults(configuration, middlewares, (), itertools.count(1)), "")


def find_active_fault(configuration: ActiveConfiguration, middlewares: tuple[str, ...]) -> str:
    """Return why these middlewares cannot be applied, their options included; empty if they can."""
    return find_middleware_fault(configuration, middlewares) or configuration.compile_fault(middlewares)


class MemberChecks:
    """Checks the middlewares before the members of composite services, as requests meet them."""

    def __init__(self, configuration: ActiveConfiguration, yield_if_due: Callable[[], None]) -> None:
        self._configuration = configuration
        self._yield_if_due = yield_if_due
        # Cached by name and depth, because the paths through nested composite services multiply.
        self._has_servers_cache: dict[tuple[str, int], bool] = {}
        self._refusal_reasons: dict[tuple[str, int], str] = {}

    def middleware_fault(self, name: str) -> str:
        """Return why the middlewares of this member refuse its requests with 503; empty if they do not."""
        self._yield_if_due()
        service = self._configuration.services.get(name)
        fault = "" if service is None else find_active_fault(self._configuration, service.middlewares)
        return f"service {name}: {fault}" if fault else ""

    def refusal_reason(self, name: str, left: int = MAX_COMPOSITION_DEPTH) -> str:
        """Return why the middlewares before its members refuse all requests to this service, or empty."""
        known = self._refusal_reasons.get((name, left))
        if known is None:
            known = self._refusal_reasons[name, left] = self._first_refusal(name, left)
        return known

    def _first_refusal(self, name: str, left: int) -> str:
        service = self._configuration.services.get(name)
        if service is None or not left:
            return ""
        members = [member for member in service.members if member.weight > 0]
        # Members without servers are skipped as long as another member has some.
        eligible = [member for member in members if self._takes(member, left - 1)] or members
        if service.composition == "failover":
            eligible = eligible[:1]
        reasons: list[str] = []
        for member in eligible:
            reason = self.middleware_fault(member.name) or self.refusal_reason(member.name, left - 1)
            if not reason:
                return ""
            reasons.append(reason)
        return reasons[0] if reasons else ""

    def _takes(self, member: Member, left: int) -> bool:
        known = self._has_servers_cache.get((member.name, left))
        if known is None:
            known = self._has_servers_cache[member.name, left] = self._has_servers(member.name, left)
        return known

    def _has_servers(self, name: str, left: int) -> bool:
        service = self._configuration.services.get(name)
        if service is None or not left:
            return False
        self._yield_if_due()
        if service.composition is None:
            return any(server.weight and server.state is ServerState.UP for server in service.servers)
        return any(self._takes(member, left - 1) for member in service.members if member.weight > 0)


def _faults(
    configuration: HasMiddlewares, names: Collection[str], above: tuple[str, ...], numbers: Iterator[int]
) -> Iterator[str]:
    """Yield the faults of the middlewares in order; the first one is the reason."""
    for name in names:
        if next(numbers) > MAX_MIDDLEWARES:
            yield f"there are more than {MAX_MIDDLEWARES} middlewares, those within chains included"
            return
        middleware = configuration.middlewares.get(name)
        if name in above:
            yield f"middleware {name} is a part of itself"
        elif middleware is None:
            yield f"middleware {name} does not exist"
        elif middleware.unusable:
            yield f"middleware {name} has options that could not be read"
        elif middleware.kind not in SERVED_KINDS:
            yield f"middleware {name} is of kind {middleware.kind}, which is not served yet"
        elif middleware.kind == "errors" and (
            (service := middleware.options.get("service")) not in configuration.services
        ):
            yield f"middleware {name}: service {service} does not exist"
        elif middleware.kind == "chain":
            yield from _faults(configuration, middleware.options["middlewares"], (*above, name), numbers)
