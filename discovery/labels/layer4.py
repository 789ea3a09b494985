"""Decodes the labels `traefik.tcp.…` and `traefik.udp.…`, and adds implicit services."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded, with_layer4
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.dynamic.tcp.section import decode_tcp
from discovery.dynamic.tcp.services import read_server_tls
from discovery.dynamic.udp.section import decode_udp
from discovery.labels.container import Container
from discovery.labels.container_address import Address, find_address, read_address_options
from discovery.labels.container_reports import container_report, report_unrouted
from discovery.labels.default_names import default_name
from discovery.labels.known_labels import LabelKind, is_under, label_kind
from discovery.labels.options import LabelOptions
from discovery.labels.unfold import unfold
from rondpoint.model import ServerState
from rondpoint.tcp.model import TcpServer
from rondpoint.udp.model import UdpServer

_KINDS = (LabelKind.V3_TCP, LabelKind.V3_UDP)
_MIDDLEWARES = "traefik.tcp.middlewares"


def is_layer4(container: Container) -> bool:
    """Check whether a container is for TCP or UDP, so that it gets no implicit router for HTTP.

    As in Traefik, TCP middlewares alone do not count.
    """
    return any(label_kind(name) in _KINDS and not is_under(name, _MIDDLEWARES) for name in container.labels)


def decode(container: Container, options: LabelOptions) -> Decoded:
    """Decode the routers, services and middlewares of TCP and UDP of a container.

    A container with a router and no service gets a service with its lowest exposed port, named after the
    container (`SERVICE-PROJECT` in Compose).
    """
    report = container_report(container)
    given = {name: value for name, value in container.labels.items() if label_kind(name) in _KINDS}
    root = Section(unfold(given, report), "traefik", report)
    servers = _Servers(container, options, report)
    decoded = Decoded(report.subject)
    tcp, udp = root.section("tcp"), root.section("udp")
    if tcp is not None:
        found = decode_tcp(tcp, container.provider, servers.read_tcp, default_name(container))
        decoded = with_layer4(decoded, found)
    if udp is not None:
        found = decode_udp(udp, container.provider, servers.read_udp, default_name(container))
        decoded = with_layer4(decoded, found)
    return replace(decoded, diagnostics=report.diagnostics)


class _Servers:
    """Reads the server of a container for each of its services.

    There is none if the container is stopped or unhealthy. Without an address, a report says so, and the
    result is None.
    """

    def __init__(self, container: Container, options: LabelOptions, report: Report) -> None:
        self._container = container
        self._report = report
        self._address_options = read_address_options(container, options)
        self._state = ServerState.DRAINING if container.draining else ServerState.UP

    def read_tcp(self, balancer: Section) -> tuple[TcpServer, ...] | None:
        section = self._section(balancer)
        tls = read_server_tls(section)
        address = self._read_address(section, udp=False)
        section.finish()
        if not self._serves:
            return ()
        if address is None or tls is None:
            return None
        name = self._container.server_name
        return (TcpServer(name, address.host, address.port, tls, self._state),)

    def read_udp(self, balancer: Section) -> tuple[UdpServer, ...] | None:
        section = self._section(balancer)
        address = self._read_address(section, udp=True)
        section.finish()
        if not self._serves:
            return ()
        if address is None:
            return None
        return (UdpServer(self._container.server_name, address.host, address.port, self._state),)

    @property
    def _serves(self) -> bool:
        return self._container.running and self._container.healthy

    def _section(self, balancer: Section) -> Section:
        return balancer.section("server") or Section({}, balancer.key("server"), self._report)

    def _read_address(self, section: Section, *, udp: bool) -> Address | None:
        port = section.read("port", values.port, None)
        if section.has("port") and port is None:
            # Another port may be one that nobody is to reach.
            return None
        if not self._serves:
            return None
        found = find_address(self._container, port, self._address_options, self._report, udp=udp)
        if isinstance(found, Address):
            return found
        protocol = "UDP" if udp else "TCP"
        report_unrouted(self._container, self._report, found, section.key("port"), protocol)
        return None
