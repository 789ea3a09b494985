"""Decodes `tcp.serversTransports`: the options of TCP connections to servers.

A transport with an option that is not served, or cannot be read, closes the services that use it. Without
the option, the proxy might connect with weaker checks than its author asked for.
"""

from __future__ import annotations

from discovery.decoding.section import Section
from discovery.dynamic.servers_transports import read_tls_options, time_limit
from discovery.dynamic.tcp.connection_options import read_proxy_protocol, signed_duration
from rondpoint.model import ServersTransport
from rondpoint.tcp.model import TcpServersTransport

EFFECT = "services with this transport take no connections"
DEFAULT_KEEP_ALIVE = 15.0


def read_transport(name: str, section: Section) -> TcpServersTransport:
    """Read the transport with this qualified name; report what is wrong, and say so in its `unserved`."""
    faults: list[str] = []
    proxy_protocol = read_proxy_protocol(section)
    if proxy_protocol is None:
        faults.append("proxyProtocol is not valid")
    tls = _read_tls(name, section, faults)
    transport = TcpServersTransport(
        name,
        dial_timeout=section.read("dialTimeout", time_limit, 30.0),
        # As in Traefik, 0 stands for the default.
        dial_keep_alive=section.read("dialKeepAlive", signed_duration, DEFAULT_KEEP_ALIVE)
        or DEFAULT_KEEP_ALIVE,
        termination_delay=section.read("terminationDelay", signed_duration, 0.1),
        proxy_protocol=proxy_protocol or 0,
        tls=tls,
        unserved="; ".join(faults),
    )
    section.finish()
    return transport


def _read_tls(name: str, section: Section, faults: list[str]) -> ServersTransport | None:
    if not section.has("tls") or str(section.raw("tls")).strip().lower() in ("true", ""):
        return None
    tls = section.section("tls")
    if tls is None:
        faults.append("tls is not valid")
        return None
    found = read_tls_options(name, tls, EFFECT)
    if found.unserved:
        faults.append(f"tls: {found.unserved}")
    return found
