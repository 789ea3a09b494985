"""Which servers are asked what, and how soon again."""

from __future__ import annotations

from msgspec import Struct

from discovery.health.check_request import is_checkable
from rondpoint.model import Configuration, HealthCheck, Server, ServerState

ServerKey = tuple[str, str]
"""A service's name and a server's URL."""

FIRST_DELAY = 1.0
"""Seconds after which a server that has not been well yet is asked again; longer each time."""


class ServerCheck(Struct, frozen=True):
    """One server under its service's check."""

    server: Server
    check: HealthCheck


def plan_checks(configuration: Configuration) -> dict[ServerKey, ServerCheck]:
    """Every server that is checked. Those that are leaving are not: they may fail, and get nothing new."""
    return {
        (service.name, server.url): ServerCheck(server, service.health_check)
        for service in configuration.services.values()
        if service.health_check is not None
        for server in service.servers
        if server.state is not ServerState.DRAINING and is_checkable(server, service.health_check)
    }


def next_delay(check: HealthCheck, failures: int, *, was_healthy: bool) -> float:
    """Seconds until a server is asked again that has failed so many times in a row.

    One that has not been `proven` well yet may still be starting, and is asked again soon.
    """
    if not failures:
        return check.interval
    longest = check.interval if check.unhealthy_interval is None else check.unhealthy_interval
    return longest if was_healthy else min(longest, FIRST_DELAY * 2.0 ** min(failures - 1, 10))
