"""Decodes the section `tcp`, from files and from labels unfolded to a tree."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.middlewares import decode_middleware
from discovery.dynamic.misplaced_options import find_misplaced_options, report_misplaced_option
from discovery.dynamic.router_services import report_lost_service, report_missing_service
from discovery.dynamic.tcp.routers import decode_router
from discovery.dynamic.tcp.servers_transports import read_transport
from discovery.dynamic.tcp.services import ServersReader, decode_service
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.middlewares.schemas import TCP_SCHEMAS
from rondpoint.model import Middleware
from rondpoint.tcp.model import TcpRouter, TcpServersTransport, TcpService

_SECTIONS = ("middlewares", "routers", "serversTransports", "services")


def decode_tcp(
    tcp: Section, provider: str, read_servers: ServersReader, implicit: str | None = None
) -> Decoded:
    """Decode routers, services, middlewares and servers transports of one container or file.

    A container with a router and without a service gets one with the name `implicit`; files have None there.
    Diagnostics go to the section's report; those of the result stay empty. A router is left out if its
    service is defined here but invalid.
    """
    return _Tcp(tcp, provider, read_servers, implicit).decode()


class _Tcp:
    """The state of one decoding; later steps use the results of earlier ones."""

    def __init__(
        self, tcp: Section, provider: str, read_servers: ServersReader, implicit: str | None
    ) -> None:
        self._tcp = tcp
        self._provider = provider
        self._read_servers = read_servers
        self._implicit = implicit
        self._report = tcp.report
        self._keys: dict[str, str] = {}

    def decode(self) -> Decoded:
        sections = list(self._tcp.objects("services"))
        service_is_implicit = bool(
            self._implicit and not self._tcp.raw("services") and self._tcp.raw("routers")
        )
        if self._implicit and service_is_implicit:
            path = f"{self._tcp.key('services')}.{self._implicit}"
            sections = [(self._implicit, Section({"loadBalancer": {}}, path, self._report))]
        services = list(self._services(sections))
        middlewares = tuple(self._middlewares())
        names = [name for name, _ in sections]
        have = {service.name for service in services}
        lost = {name for name in (qualify(name, self._provider) for name in names) if name not in have}
        routers = tuple(self._routers(names, lost, reported=service_is_implicit))
        transports = tuple(self._transports())
        self._tcp.finish()
        implicit_routers = frozenset(
            router.name for router, section in routers if service_is_implicit and not section.has("service")
        )
        return Decoded(
            self._report.subject,
            keys=self._keys,
            tcp_routers=tuple(router for router, _ in routers),
            tcp_services=tuple(services),
            tcp_middlewares=middlewares,
            tcp_servers_transports=transports,
            implicit_tcp_routers=implicit_routers,
        )

    def _services(self, sections: list[tuple[str, Section]]) -> Iterator[TcpService]:
        for name, section in sections:
            with self._report.about("TCP service", qualify(name, self._provider)):
                service = decode_service(name, section, self._provider, self._read_servers)
            if service is not None:
                self._keys[f"tcpServices.{service.name}"] = section.path
                yield service

    def _middlewares(self) -> Iterator[Middleware]:
        for name, section in self._tcp.objects("middlewares"):
            with self._report.about("TCP middleware", qualify(name, self._provider)):
                middleware = decode_middleware(name, section, self._provider, TCP_SCHEMAS)
            if middleware is not None:
                self._keys[f"tcpMiddlewares.{middleware.name}"] = section.path
                yield middleware

    def _routers(
        self, services: list[str], lost: set[str], *, reported: bool
    ) -> Iterator[tuple[TcpRouter, Section]]:
        """Yield the routers; leave out those to a `lost` service, whose reason may be `reported` already."""
        sections = list(self._tcp.objects("routers"))
        misplaced = find_misplaced_options(self._tcp, _SECTIONS, ("middlewares", "tls"))
        for name, section in sections:
            with self._report.about("TCP router", qualify(name, self._provider)):
                router = self._router(name, section, services)
                if router is None:
                    continue
                hint = lost_rules_hint(router.rule.text)
                if name in misplaced:
                    report_misplaced_option(self._report, misplaced[name], name, hint)
                    continue
                if router.service in lost:
                    if not reported:
                        report_lost_service(section, router.service, hint)
                    continue
            self._keys[f"tcpRouters.{router.name}"] = section.path
            yield router, section

    def _router(self, name: str, section: Section, services: list[str]) -> TcpRouter | None:
        default = services[0] if self._implicit and len(services) == 1 else None
        if default is None and not section.has("service"):
            report_missing_service(section, services)
        return decode_router(name, section, self._provider, default)

    def _transports(self) -> Iterator[TcpServersTransport]:
        if self._implicit is not None:
            if self._tcp.raw("serversTransports"):
                at = self._report.at(self._tcp.key("serversTransports"))
                hint = "define it in a file, and refer to it as NAME@file"
                self._report.warning(f"{at} is not served in labels, as in Traefik", hint)
            return
        for name, section in self._tcp.objects("serversTransports"):
            qualified = qualify(name, self._provider)
            self._keys[f"tcpServersTransports.{qualified}"] = section.path
            with self._report.about("TCP serversTransport", qualified):
                transport = read_transport(qualified, section)
            yield transport
