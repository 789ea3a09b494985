"""Decodes services of the `tcp` section."""

from __future__ import annotations

from collections.abc import Callable, Collection

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic import layer4_services
from discovery.dynamic.layer4_services import decode_kind
from discovery.dynamic.server_addresses import read_address, unique_name
from discovery.dynamic.tcp.connection_options import milliseconds, read_proxy_protocol
from discovery.dynamic.tcp.health_check import read_health_check
from rondpoint.tcp.model import TcpServer, TcpServersTransport, TcpService

_DEFAULT = TcpServersTransport("")

ServersReader = Callable[[Section], tuple[TcpServer, ...] | None]
"""Reads the servers of a `loadBalancer` section; reports an error and returns None if it is invalid."""


def decode_service(
    name: str, section: Section, provider: str, read_servers: ServersReader
) -> TcpService | None:
    """Decode the service `name`; report an error and return None if its servers are missing or invalid.

    A service with options that cannot be read takes no connections; its `unserved` says why.
    """
    qualified = qualify(name, provider)
    return decode_kind(
        TcpService(qualified),
        section,
        provider,
        lambda balancer: _decode_balancer(qualified, balancer, provider, read_servers),
        without_effect=("healthCheck",),
    )


def _decode_balancer(
    qualified: str, balancer: Section, provider: str, read_servers: ServersReader
) -> TcpService | None:
    servers = read_servers(balancer)
    transport = balancer.read("serversTransport", values.text, "")
    proxy_protocol = read_proxy_protocol(balancer)
    delay = balancer.read("terminationDelay", milliseconds, _DEFAULT.termination_delay)
    health_check = read_health_check(balancer)
    unserved = ""
    if proxy_protocol is None:
        # A server that expects the header takes nothing without it, or takes it for the client's data.
        unserved = "its proxyProtocol is not valid"
    elif balancer.has("serversTransport") and not transport:
        unserved = "its serversTransport cannot be read"
    if transport:
        _report_overridden(balancer)
    balancer.finish()
    if servers is None:
        return None
    own = TcpServersTransport("", termination_delay=delay, proxy_protocol=proxy_protocol or 0)
    return TcpService(
        qualified,
        servers,
        health_check,
        qualify(transport, provider) if transport else "",
        None if transport or own == _DEFAULT else own,
        unserved=unserved,
    )


def _report_overridden(balancer: Section) -> None:
    for option in ("proxyProtocol", "terminationDelay"):
        if balancer.has(option):
            at = balancer.report.at(balancer.key(option))
            hint = "set it in the serversTransport"
            balancer.report.warning(f"{at} has no effect beside serversTransport, as in Traefik", hint)


def read_file_servers(balancer: Section) -> tuple[TcpServer, ...]:
    """Read `servers` with `address` and `tls`; report and skip servers with an invalid address."""
    return layer4_services.read_servers(balancer, _read_server, "connections are closed")


def _read_server(section: Section, taken: Collection[str]) -> TcpServer | None:
    address = read_address(section)
    tls = read_server_tls(section)
    section.finish()
    if address is None or tls is None:
        return None
    return TcpServer(unique_name(TcpServer("", *address).address, taken), *address, tls=tls)


def read_server_tls(section: Section) -> bool | None:
    """Read a server's `tls`; report an invalid value and return None, so that nothing goes there in clear."""
    return section.read("tls", values.boolean, None) if section.has("tls") else False
