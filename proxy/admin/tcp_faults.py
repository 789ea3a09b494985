"""The faults of TCP routers and services that this worker has found, by the parts that serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.tcp.guards import GuardError
from proxy.tcp.route import Route
from proxy.tcp.rule_test import UnservedRuleError

if TYPE_CHECKING:
    from proxy.tcp.parts import TcpParts
    from rondpoint.tcp.model import TcpRouter, TcpService


class TcpFaults:
    """Says why routers and services of the configuration take no connections in this worker."""

    def __init__(self, tcp: TcpParts) -> None:
        self._tcp = tcp

    def of_router(self, router: TcpRouter) -> str:
        """Return why the rule or a middleware of a router cannot be applied, or empty."""
        try:
            if router.name not in self._tcp.table.routes:
                Route(router)
            self._tcp.guards.compile(router.middlewares, router.name)
        except (GuardError, UnservedRuleError) as error:
            return str(error)
        return ""

    def of_service(self, service: TcpService) -> str:
        """Return why a service takes no connections, or empty."""
        return self._tcp.services.faults.get(service.name, "")
