"""Diagnostics about services whose servers transport this worker cannot use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.tcp.model import TcpService

if TYPE_CHECKING:
    from proxy.tcp.parts import TcpParts

HINT = (
    "files of a transport are read by the proxy: mend the file, and restart the proxy or change the transport"
)


def transport_diagnostics(faults: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each service in `faults`, which maps names to reasons."""
    for name, fault in sorted(faults.items()):
        yield Diagnostic(
            Severity.ERROR, "proxy", f"service {name}", f"{fault}, so requests get a 503 response", HINT
        )


def tcp_transport_diagnostics(services: Iterable[TcpService], tcp: TcpParts) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each TCP service whose servers transport this worker cannot use.

    The agent reports the other services that are not served.
    """
    faults = tcp.services.faults
    for service in services if faults else ():
        if service.name in faults and not service.unserved:
            subject, fault = f"TCP service {service.name}", faults[service.name]
            yield Diagnostic(Severity.ERROR, "proxy", subject, f"{fault}, so connections are closed", HINT)
