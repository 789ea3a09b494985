"""Decodes the section `udp`, from files and from labels unfolded to a tree."""

from __future__ import annotations

from collections.abc import Iterator

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.router_services import report_lost_service, report_missing_service
from discovery.dynamic.udp.routers import decode_router
from discovery.dynamic.udp.services import ServersReader, decode_service
from rondpoint.udp.model import UdpRouter, UdpService


def decode_udp(
    udp: Section, provider: str, read_servers: ServersReader, implicit: str | None = None
) -> Decoded:
    """Decode routers and services of one container or file.

    A container with a router and without a service gets one with the name `implicit`; files have None there.
    Diagnostics go to the section's report; those of the result stay empty. A router is left out if its
    service is defined here but invalid.
    """
    return _Udp(udp, provider, read_servers, implicit).decode()


class _Udp:
    """The state of one decoding; later steps use the results of earlier ones."""

    def __init__(
        self, udp: Section, provider: str, read_servers: ServersReader, implicit: str | None
    ) -> None:
        self._udp = udp
        self._provider = provider
        self._read_servers = read_servers
        self._implicit = implicit
        self._report = udp.report
        self._keys: dict[str, str] = {}

    def decode(self) -> Decoded:
        sections = list(self._udp.objects("services"))
        service_is_implicit = bool(
            self._implicit and not self._udp.raw("services") and self._udp.raw("routers")
        )
        if self._implicit and service_is_implicit:
            path = f"{self._udp.key('services')}.{self._implicit}"
            sections = [(self._implicit, Section({"loadBalancer": {}}, path, self._report))]
        services = tuple(self._services(sections))
        names = [name for name, _ in sections]
        have = {service.name for service in services}
        lost = {name for name in (qualify(name, self._provider) for name in names) if name not in have}
        routers = tuple(self._routers(names, lost, reported=service_is_implicit))
        self._udp.finish()
        implicit_routers = frozenset(
            router.name for router, section in routers if service_is_implicit and not section.has("service")
        )
        return Decoded(
            self._report.subject,
            keys=self._keys,
            udp_routers=tuple(router for router, _ in routers),
            udp_services=services,
            implicit_udp_routers=implicit_routers,
        )

    def _services(self, sections: list[tuple[str, Section]]) -> Iterator[UdpService]:
        for name, section in sections:
            with self._report.about("UDP service", qualify(name, self._provider)):
                service = decode_service(name, section, self._provider, self._read_servers)
            if service is not None:
                self._keys[f"udpServices.{service.name}"] = section.path
                yield service

    def _routers(
        self, services: list[str], lost: set[str], *, reported: bool
    ) -> Iterator[tuple[UdpRouter, Section]]:
        """Yield the routers; leave out those to a `lost` service, whose reason may be `reported` already."""
        for name, section in self._udp.objects("routers"):
            with self._report.about("UDP router", qualify(name, self._provider)):
                router = self._router(name, section, services)
                if router is None:
                    continue
                if router.service in lost:
                    if not reported:
                        report_lost_service(section, router.service)
                    continue
            self._keys[f"udpRouters.{router.name}"] = section.path
            yield router, section

    def _router(self, name: str, section: Section, services: list[str]) -> UdpRouter | None:
        default = services[0] if self._implicit and len(services) == 1 else None
        if default is None and not section.has("service"):
            report_missing_service(section, services)
        return decode_router(name, section, self._provider, default)
