"""Decodes IngressRouteUDPs: one UDP router for each route, with the services that it names."""

from __future__ import annotations

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import normalise, qualify
from discovery.decoding.section import Section
from discovery.dynamic.udp.routers import decode_router
from discovery.dynamic.udp.services import decode_service
from discovery.providers.kubernetes_crd.classes import is_of_class
from discovery.providers.kubernetes_crd.layer4_services import member_name, read_servers, weighted
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER
from rondpoint.udp.model import UdpRouter, UdpServer, UdpService


def decode_ingress_route_udp(manifest: Manifest) -> Decoded:
    """Decode an IngressRouteUDP; it is empty if the settings select another ingress class."""
    if not is_of_class(manifest):
        return Decoded(manifest.subject)
    spec, report = manifest.spec, manifest.report
    entry_points = spec.raw("entryPoints")
    routes = list(spec.items("routes"))
    spec.finish()
    routers: list[UdpRouter] = []
    services: dict[str, UdpService] = {}
    keys: dict[str, str] = {}
    for number, route in enumerate(routes):
        name = normalise(f"{manifest.namespace}-{manifest.name}-{number}")
        with report.about("UDP router", qualify(name, PROVIDER)):
            found = _read_services(route, name, manifest)
            route.finish()
            options = {} if entry_points is None else {"entryPoints": entry_points}
            manifest.written[f"{route.path}.entrypoints"] = "spec.entryPoints"
            router = decode_router(name, Section(options, route.path, report), PROVIDER, name)
            if router is None or not found:
                report.error(f"{report.at(route.path)} is left out")
                continue
        routers.append(router)
        keys[f"udpRouters.{router.name}"] = route.path
        services |= {service.name: service for service in found}
        keys |= {f"udpServices.{service.name}": f"{route.path}.services" for service in found}
    return Decoded(
        manifest.subject,
        diagnostics=report.diagnostics,
        keys=keys,
        udp_routers=tuple(routers),
        udp_services=tuple(services.values()),
    )


def _read_services(route: Section, name: str, manifest: Manifest) -> list[UdpService]:
    """Return the service of a route and its members; members that cannot be used are left out."""
    items = list(route.items("services"))
    if not items:
        manifest.report.error(f"{manifest.report.at(route.path)} names no service", "expected services")
    if len(items) == 1:
        only = _read_service(items[0], name, manifest)
        return [] if only is None else [only]
    members = [(member_name(name, item), item) for item in items]
    read = {own: _read_service(item, own, manifest) for own, item in members}
    usable = [service for service in read.values() if service is not None]
    if not usable:
        return []
    names = [(own, item) for own, item in members if read[own] is not None]
    section = Section(weighted(names), route.path, manifest.report)
    above = decode_service(name, section, PROVIDER, lambda _: ())
    return [] if above is None else [above, *usable]


def _read_service(section: Section, name: str, manifest: Manifest) -> UdpService | None:
    found = read_servers(section, "UDP", manifest)
    section.has("weight")
    section.finish()
    if found is None:
        return None
    servers = tuple(
        UdpServer(UdpServer("", each.host, each.port).address, each.host, each.port, each.state)
        for each in found
    )
    return UdpService(qualify(name, PROVIDER), servers)
