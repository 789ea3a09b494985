"""Decodes Traefik 3's dynamic files; of their sections, `http` and `tls` are served."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.http import decode_http
from discovery.dynamic.services import read_file_servers
from discovery.dynamic.tls import DecodedTls, decode_tls


def decode(tree: Tree, provider: str, subject: str) -> Decoded:
    """Decode the sections `http` and `tls`, and report `tcp` and `udp` as not served yet."""
    report = Report(provider, subject)
    top = Section(tree, "", report)
    http = top.section("http") or Section({}, "http", report)
    decoded = decode_http(http, provider, read_file_servers)
    section = top.section("tls")
    tls = DecodedTls() if section is None else decode_tls(section, provider)
    for part in ("tcp", "udp"):
        if top.raw(part):
            report.error(f"{part} is not served yet", "it has no effect")
    return replace(
        decoded,
        diagnostics=report.diagnostics,
        keys={**decoded.keys, **tls.keys},
        tls_options=tls.options,
        pairs=tls.pairs,
        certificates=tls.requests,
    )
