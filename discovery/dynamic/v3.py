"""Decodes Traefik 3's dynamic files: the sections `http`, `tcp`, `udp` and `tls`."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding.decoded import Decoded, with_layer4
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.http import decode_http
from discovery.dynamic.services import read_file_servers
from discovery.dynamic.tcp.section import decode_tcp
from discovery.dynamic.tcp.services import read_file_servers as read_tcp_servers
from discovery.dynamic.tls import DecodedTls, decode_tls
from discovery.dynamic.udp.section import decode_udp
from discovery.dynamic.udp.services import read_file_servers as read_udp_servers


def decode(tree: Tree, provider: str, subject: str) -> Decoded:
    """Decode all sections."""
    report = Report(provider, subject)
    top = Section(tree, "", report)
    http = top.section("http") or Section({}, "http", report)
    decoded = decode_http(http, provider, read_file_servers)
    section = top.section("tls")
    tls = DecodedTls() if section is None else decode_tls(section, provider)
    tcp, udp = top.section("tcp"), top.section("udp")
    if tcp is not None:
        decoded = with_layer4(decoded, decode_tcp(tcp, provider, read_tcp_servers))
    if udp is not None:
        decoded = with_layer4(decoded, decode_udp(udp, provider, read_udp_servers))
    return replace(
        decoded,
        diagnostics=report.diagnostics,
        keys={**decoded.keys, **tls.keys},
        tls_options=tls.options,
        pairs=tls.pairs,
        certificates=tls.requests,
    )
