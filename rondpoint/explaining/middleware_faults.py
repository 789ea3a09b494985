"""Whether middlewares can be performed: those of a router, and those before members of a service."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator

from rondpoint.explaining.active_configuration import Configured
from rondpoint.middlewares.kinds import MOST, SERVED_KINDS
from rondpoint.model import DEEPEST, Member, ServerState


def fault_of(configured: Configured, middlewares: Collection[str]) -> str:
    """Why the middlewares of these names cannot be performed; empty where they can."""
    return next(_faults(configured, middlewares, (), itertools.count(1)), "")


class Members:
    """The members of services made of services, as requests are led to them."""

    def __init__(self, configured: Configured, yield_if_due: Callable[[], None]) -> None:
        self._configured = configured
        self._breathe = yield_if_due
        # By name and depth: they multiply where services are made of each other.
        self._taking: dict[tuple[str, int], bool] = {}
        self._refused: dict[tuple[str, int], str] = {}

    def fault_before(self, name: str) -> str:
        """Why whatever is led to this member is answered 503 ahead of its servers, or of its members."""
        self._breathe()
        service = self._configured.services.get(name)
        fault = "" if service is None else fault_of(self._configured, service.middlewares)
        return f"service {name}: {fault}" if fault else ""

    def refused(self, name: str, left: int = DEEPEST) -> str:
        """Why no request to this service comes through what stands before its members; empty if some may."""
        known = self._refused.get((name, left))
        if known is None:
            known = self._refused[name, left] = self._first_refusal(name, left)
        return known

    def _first_refusal(self, name: str, left: int) -> str:
        service = self._configured.services.get(name)
        if service is None or not left:
            return ""
        members = [member for member in service.members if member.weight > 0]
        # Those without servers are passed over as long as another has some.
        asked = [member for member in members if self._takes(member, left - 1)] or members
        if service.composition == "failover":
            asked = asked[:1]
        reasons: list[str] = []
        for member in asked:
            reason = self.fault_before(member.name) or self.refused(member.name, left - 1)
            if not reason:
                return ""
            reasons.append(reason)
        return reasons[0] if reasons else ""

    def _takes(self, member: Member, left: int) -> bool:
        known = self._taking.get((member.name, left))
        if known is None:
            known = self._taking[member.name, left] = self._has_servers(member.name, left)
        return known

    def _has_servers(self, name: str, left: int) -> bool:
        service = self._configured.services.get(name)
        if service is None or not left:
            return False
        self._breathe()
        if service.composition is None:
            return any(server.weight and server.state is ServerState.UP for server in service.servers)
        return any(self._takes(member, left - 1) for member in service.members if member.weight > 0)


def _faults(
    configured: Configured, names: Collection[str], above: tuple[str, ...], numbers: Iterator[int]
) -> Iterator[str]:
    """What comes first is why."""
    for name in names:
        if next(numbers) > MOST:
            yield f"there are more than {MOST} middlewares, those within chains included"
            return
        middleware = configured.middlewares.get(name)
        if name in above:
            yield f"middleware {name} is a part of itself"
        elif middleware is None:
            yield f"middleware {name} does not exist"
        elif middleware.unusable:
            yield f"middleware {name} has options that could not be read"
        elif middleware.kind not in SERVED_KINDS:
            yield f"middleware {name} is of kind {middleware.kind}, which is not served yet"
        elif middleware.kind == "chain":
            yield from _faults(configured, middleware.options["middlewares"], (*above, name), numbers)
