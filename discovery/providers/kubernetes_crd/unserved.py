"""Reports custom resources for TCP and UDP, which are not served."""

from __future__ import annotations

from discovery.decoding.decoded import Decoded
from discovery.providers.kubernetes_crd.manifest import Manifest


def report_unserved(manifest: Manifest) -> Decoded:
    """Return only a diagnostic."""
    manifest.report.error(f"{manifest.kind} is not served yet", "Rondpoint serves HTTP; it has no effect")
    return Decoded(manifest.subject, diagnostics=manifest.report.diagnostics)
