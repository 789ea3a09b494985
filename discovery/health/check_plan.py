"""Which servers are asked what, and how soon again."""

from __future__ import annotations

from msgspec import Struct

from discovery.health.check_request import askable
from rondpoint.model import Configuration, HealthCheck, Server, ServerState

Subject = tuple[str, str]
"""A service's name and a server's URL."""

FIRST_PAUSE = 1.0
"""Seconds after which a server that has not been well yet is asked again; longer each time."""


class Look(Struct, frozen=True):
    """One server under its service's check."""

    server: Server
    check: HealthCheck


def planned(configuration: Configuration) -> dict[Subject, Look]:
    """Every server that is checked. Those that are leaving are not: they may fail, and get nothing new."""
    return {
        (service.name, server.url): Look(server, service.health_check)
        for service in configuration.services.values()
        if service.health_check is not None
        for server in service.servers
        if server.state is not ServerState.DRAINING and askable(server, service.health_check)
    }


def pause(check: HealthCheck, failures: int, *, proven: bool) -> float:
    """Seconds until a server is asked again that has failed so many times in a row.

    One that has not been `proven` well yet may still be starting, and is asked again soon.
    """
    if not failures:
        return check.interval
    longest = check.interval if check.unhealthy_interval is None else check.unhealthy_interval
    return longest if proven else min(longest, FIRST_PAUSE * 2.0 ** min(failures - 1, 10))
