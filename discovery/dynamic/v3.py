"""Decodes Traefik 3's dynamic files; only the `http` section is served."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.http import decode_http
from discovery.dynamic.services import read_file_servers


def decode(tree: Tree, provider: str, subject: str) -> Decoded:
    """Decode the `http` section, and report `tcp`, `udp` and `tls` as not served yet."""
    report = Report(provider, subject)
    top = Section(tree, "", report)
    http = top.section("http") or Section({}, "http", report)
    decoded = decode_http(http, provider, read_file_servers)
    for part in ("tcp", "udp", "tls"):
        if top.raw(part):
            report.error(f"{part} is not served yet", "it has no effect")
    return replace(decoded, diagnostics=report.diagnostics)
