"""Reports and diagnostics about the servers that this worker has ejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from proxy.admin.current_worker import Json, runtime
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service
from rondpoint.store.ejections import ejection_key


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
    ejected: Mapping[str, tuple[str, str]], services: Iterable[Service]
) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each service of each ejected server.

    `ejected` maps the key of an ejection to the worker that ejected the server and the reason.
    """
    if not ejected:
        return
    for service in services:
        for server in service.servers:
            for key, fault, end in (
                (server.url, "cannot be reached", "when it accepts connections"),
                (ejection_key(server.url, service.name), "fails in this service", "after a while"),
            ):
                if key in ejected:
                    by, reason = ejected[key]
                    yield Diagnostic(
                        Severity.WARNING,
                        "proxy",
                        f"service {service.name}",
                        f"server {server.url} {fault}; worker {by} ejected it: {reason}",
                        f"it gets requests again {end}, or if no other server is available",
                    )
