"""The servers that this worker, or another, has put aside because they could not be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from proxy.admin.running import Json, runtime
from rondpoint.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from proxy.runtime import Runtime


def ejections_report() -> Json:
    """How many servers this worker has put aside, and by URL those that are aside now."""
    ejections = runtime().ejections
    return {
        "count": ejections.count,
        "servers": {
            url: {"by": by, "reason": reason} for url, (by, reason) in sorted(ejections.aside.items())
        },
    }


def ejected(parts: Runtime) -> Iterator[Diagnostic]:
    """A diagnostic for each service of a server that is aside."""
    aside = parts.ejections.aside
    if not aside:
        return
    for name, service in sorted(parts.context.services.known.items()):
        for server in service.servers:
            if server.url in aside:
                by, reason = aside[server.url]
                yield Diagnostic(
                    Severity.WARNING,
                    "proxy",
                    f"service {name}",
                    f"server {server.url} could not be reached, and is put aside by worker {by}: {reason}",
                    "it gets requests again once it takes connections, or if no other server is left",
                )
