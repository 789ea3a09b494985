"""Plans the health checks: which servers are probed, and the delay until the next probe."""

from __future__ import annotations

from msgspec import Struct

from rondpoint.configuration import Configuration
from rondpoint.model import HealthCheck, Server, ServerState, ServersTransport
from rondpoint.tcp.model import TcpHealthCheck, TcpServer, TcpServersTransport

ServerKey = tuple[str, str]
"""A service's name and a server's URL; `tcp://HOST:PORT` for a server of a TCP service."""

FIRST_DELAY = 1.0
"""Seconds until the second probe of a server that has not been healthy yet; the delay doubles each time."""


class ServerCheck(Struct, frozen=True):
    """A server with its service's health check and transport; None for the default transport."""

    server: Server
    check: HealthCheck
    transport: ServersTransport | None = None


class TcpServerCheck(Struct, frozen=True):
    """A server of a TCP service, with the service's health check and transport."""

    server: TcpServer
    check: TcpHealthCheck
    transport: TcpServersTransport | None = None


Check = ServerCheck | TcpServerCheck


def tcp_url(server: TcpServer) -> str:
    """Return the URL of a TCP server in its key."""
    return f"tcp://{server.address}"


def plan_checks(configuration: Configuration) -> dict[ServerKey, Check]:
    """Return every server to check.

    Draining servers are not checked: they may fail, and get no new requests.
    """
    plan: dict[ServerKey, Check] = {
        (service.name, server.url): ServerCheck(server, service.health_check, service.transport)
        for service in configuration.services.values()
        if service.health_check is not None
        for server in service.servers
        if server.state is not ServerState.DRAINING
    }
    plan |= {
        (service.name, tcp_url(server)): TcpServerCheck(server, service.health_check, service.transport)
        for service in configuration.tcp_services.values()
        if service.health_check is not None
        for server in service.servers
        if server.state is not ServerState.DRAINING
    }
    return plan


def next_delay(check: HealthCheck | TcpHealthCheck, failures: int, *, was_healthy: bool) -> float:
    """Return the seconds until the next probe of a server whose last `failures` probes failed.

    A server that has never been healthy may still be starting, so it is probed again soon.
    """
    if not failures:
        return check.interval
    longest = check.interval if check.unhealthy_interval is None else check.unhealthy_interval
    return longest if was_healthy else min(longest, FIRST_DELAY * 2.0 ** min(failures - 1, 10))
