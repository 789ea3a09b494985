"""Plans the health checks: which servers are probed, and the delay until the next probe."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.configuration import Configuration
from rondpoint.model import HealthCheck, Server, ServerState, ServersTransport

ServerKey = tuple[str, str]
"""A service's name and a server's URL."""

FIRST_DELAY = 1.0
"""Seconds until the second probe of a server that has not been healthy yet; the delay doubles each time."""


class ServerCheck(Struct, frozen=True):
    """A server with its service's health check and transport; None for the default transport."""

    server: Server
    check: HealthCheck
    transport: ServersTransport | None = None


def plan_checks(configuration: Configuration) -> dict[ServerKey, ServerCheck]:
    """Return every server to check.

    Draining servers are not checked: they may fail, and get no new requests.
    """
    return {
        (service.name, server.url): ServerCheck(server, service.health_check, service.transport)
        for service in configuration.services.values()
        if service.health_check is not None
        for server in service.servers
        if server.state is not ServerState.DRAINING
    }


def next_delay(check: HealthCheck, failures: int, *, was_healthy: bool) -> float:
    """Return the seconds until the next probe of a server whose last `failures` probes failed.

    A server that has never been healthy may still be starting, so it is probed again soon.
    """
    if not failures:
        return check.interval
    longest = check.interval if check.unhealthy_interval is None else check.unhealthy_interval
    return longest if was_healthy else min(longest, FIRST_DELAY * 2.0 ** min(failures - 1, 10))
