"""Reports and diagnostics about the servers that this worker has ejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from proxy.admin.current_worker import Json, runtime
from proxy.ejection.ejections import TCP
from proxy.tcp.served_service import PREFIX
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Server, Service
from rondpoint.store.ejections import ejection_key
from rondpoint.tcp.model import TcpServer, TcpService


def ejections_report() -> Json:
    """Return how often this worker ejected a server, and all ejected servers with worker and reason.

    The name of a server that is ejected for one service is its URL, a space and the service.
    """
    ejections = runtime().ejections
    return {
        "count": ejections.count,
        "servers": {
            url: {"by": by, "reason": reason} for url, (by, reason) in sorted(ejections.ejected.items())
        },
    }


def ejection_diagnostics(
    ejected: Mapping[str, tuple[str, str]], services: Iterable[Service | TcpService]
) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each service of each ejected server.

    `ejected` maps the key of an ejection to the worker that ejected the server and the reason.
    """
    if not ejected:
        return
    for service in services:
        is_tcp = isinstance(service, TcpService)
        subject = f"TCP service {service.name}" if is_tcp else f"service {service.name}"
        takes = "connections" if is_tcp else "requests"
        for server in service.servers:
            url = url_of(server)
            for key, (fault, end) in zip(ejection_keys(service, server), _ENDS, strict=True):
                if key in ejected:
                    by, reason = ejected[key]
                    yield Diagnostic(
                        Severity.WARNING,
                        "proxy",
                        subject,
                        f"server {url} {fault}; worker {by} ejected it: {reason}",
                        f"it gets {takes} again {end}, or if no other server is available",
                    )


def ejection_keys(service: Service | TcpService, server: Server | TcpServer) -> tuple[str, str]:
    """Return the keys of ejections of a server: for all services, and for this one only."""
    url = url_of(server)
    name = f"{PREFIX}{service.name}" if isinstance(service, TcpService) else service.name
    return url, ejection_key(url, name)


def url_of(server: Server | TcpServer) -> str:
    """Return the URL by which ejections name a server."""
    return f"{TCP}://{server.address}" if isinstance(server, TcpServer) else server.url


_ENDS = (
    ("cannot be reached", "when it accepts connections"),
    ("fails in this service", "after a while"),
)
"""For each of `ejection_keys`: what is wrong with the server, and when its ejection ends."""
