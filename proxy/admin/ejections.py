"""Servers that are put aside in this worker, as the API tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from proxy.admin.current_worker import Json, runtime
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Service


def ejections_report() -> Json:
    """How often this worker has put a server aside, and which are so now, on whose word."""
    ejections = runtime().ejections
    return {
        "count": ejections.count,
        "servers": {
            url: {"by": by, "reason": reason} for url, (by, reason) in sorted(ejections.ejected.items())
        },
    }


def ejection_diagnostics(
    aside: Mapping[str, tuple[str, str]], services: Iterable[Service]
) -> Iterator[Diagnostic]:
    """A finding for each service of a server in `aside`: URL → by which worker, and why."""
    if not aside:
        return
    for service in services:
        for server in service.servers:
            if server.url in aside:
                by, reason = aside[server.url]
                yield Diagnostic(
                    Severity.WARNING,
                    "proxy",
                    f"service {service.name}",
                    f"server {server.url} could not be reached, and is put aside by worker {by}: {reason}",
                    "it gets requests again once it takes connections, or if no other server is left",
                )
