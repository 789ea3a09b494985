"""Diagnostics about services whose servers transport this worker cannot use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rondpoint.diagnostics import Diagnostic, Severity

HINT = (
    "files of a transport are read by the proxy: mend the file, and restart the proxy or change the transport"
)


def transport_diagnostics(faults: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each service in `faults`, which maps names to reasons."""
    for name, fault in sorted(faults.items()):
        yield Diagnostic(
            Severity.ERROR, "proxy", f"service {name}", f"{fault}, so requests get a 503 response", HINT
        )
