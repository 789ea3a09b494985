"""Reports and diagnostics about the servers that this worker has ejected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from proxy.admin.current_worker import Json, runtime
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service


def ejections_report() -> Json:
    """Return how often this worker ejected a server, and all ejected servers with worker and reason."""
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

    `ejected` maps a server's URL to the worker that ejected it and the reason.
    """
    if not ejected:
        return
    for service in services:
        for server in service.servers:
            if server.url in ejected:
                by, reason = ejected[server.url]
                yield Diagnostic(
                    Severity.WARNING,
                    "proxy",
                    f"service {service.name}",
                    f"server {server.url} cannot be reached; worker {by} ejected it: {reason}",
                    "it gets requests again when it accepts connections, or if no other server is available",
                )
