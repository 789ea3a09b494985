"""Decodes IngressRouteTCPs: one TCP router for each route, with the services that it names."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.decoding.written_pair import WrittenPair
from discovery.dynamic.tcp.routers import decode_router
from discovery.dynamic.tcp.services import decode_service, read_server_tls
from discovery.providers.kubernetes_crd.classes import is_of_class
from discovery.providers.kubernetes_crd.layer4_services import (
    balancer_options,
    member_name,
    read_servers,
    weighted,
)
from discovery.providers.kubernetes_crd.manifest import Manifest
from discovery.providers.kubernetes_crd.names import PROVIDER, router_name
from discovery.providers.kubernetes_crd.references import read_references
from discovery.providers.kubernetes_crd.route_tls import read_route_tls
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.tcp.model import TcpRouter, TcpServer, TcpService


def decode_ingress_route_tcp(manifest: Manifest) -> Decoded:
    """Decode an IngressRouteTCP; it is empty if the settings select another ingress class."""
    if not is_of_class(manifest):
        return Decoded(manifest.subject)
    decoder = _IngressRouteTcp(manifest)
    decoder.decode()
    return Decoded(
        manifest.subject,
        diagnostics=manifest.report.diagnostics,
        keys=decoder.keys,
        pairs=decoder.pairs,
        tcp_routers=tuple(decoder.routers.values()),
        tcp_services=tuple(decoder.services.values()),
    )


class _IngressRouteTcp:
    """The state of one decoding."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._report = manifest.report
        self.routers: dict[str, TcpRouter] = {}
        self.services: dict[str, TcpService] = {}
        self.keys: dict[str, str] = {}
        self.pairs: tuple[WrittenPair, ...] = ()

    def decode(self) -> None:
        spec = self._manifest.spec
        tls = read_route_tls(spec, self._manifest, has_passthrough=True)
        common: dict[str, object] | None = None
        if tls is not None:
            self.pairs = tls.pairs
            common = {} if tls.options is None else {"tls": tls.options}
            if spec.has("entryPoints"):
                common["entryPoints"] = spec.raw("entryPoints")
        routes = list(spec.items("routes"))
        spec.has("entryPoints")
        spec.finish()
        for route in routes:
            rule = route.read("match", values.text, "")
            if not rule:
                if not route.has("match"):
                    self._report.error(f"{self._report.at(route.path)} has no match", "expected a rule")
                continue
            name = router_name(self._manifest.namespace, self._manifest.name, rule)
            with self._report.about("TCP router", qualify(name, PROVIDER)):
                if not self._decode_route(route, rule, name, common):
                    message = f"{self._report.at(route.path)} is left out"
                    self._report.error(message, lost_rules_hint(rule))

    def _decode_route(
        self, route: Section, rule: str, name: str, common: Mapping[str, object] | None
    ) -> bool:
        """Decode one route; return False if it is to be left out, for reasons that are reported."""
        middlewares = read_references(route, "middlewares", self._manifest)
        options: dict[str, object] = {"rule": rule, **(common or {})}
        for option, written in (("priority", "priority"), ("ruleSyntax", "syntax")):
            if route.raw(written):
                options[option] = route.raw(written)
        services = self._read_services(route, name)
        route.finish()
        if middlewares is None or common is None or not services:
            return False
        options["middlewares"] = list(middlewares)
        self._note_written_keys(route.path)
        section = Section(options, route.path, self._report)
        router = decode_router(name, section, PROVIDER, qualify(name, PROVIDER))
        if router is None or router.name in self.routers:
            if router is not None:
                self._report.error(f"{self._report.at(route.path)} has the match of another route")
            return False
        self.routers[router.name] = router
        self.keys[f"tcpRouters.{router.name}"] = route.path
        for service in services:
            self.services[service.name] = service
            self.keys[f"tcpServices.{service.name}"] = f"{route.path}.services"
        return True

    def _read_services(self, route: Section, name: str) -> list[TcpService]:
        """Return the service of a route and its members; members that cannot be used are left out."""
        items = list(route.items("services"))
        if not items:
            self._report.error(f"{self._report.at(route.path)} names no service", "expected services")
        if len(items) == 1:
            only = self._read_service(items[0], name)
            return [] if only is None else [only]
        members = [(member_name(name, item), item) for item in items]
        read = {own: self._read_service(item, own) for own, item in members}
        usable = [service for service in read.values() if service is not None]
        if not usable:
            return []
        names = [(own, item) for own, item in members if read[own] is not None]
        section = Section(weighted(names), route.path, self._report)
        above = decode_service(name, section, PROVIDER, lambda _: ())
        return [] if above is None else [above, *usable]

    def _read_service(self, section: Section, name: str) -> TcpService | None:
        found = read_servers(section, "TCP", self._manifest)
        tls = read_server_tls(section)
        options = balancer_options(section, self._manifest)
        if found is None or tls is None or options is None:
            return None
        servers = tuple(
            TcpServer(TcpServer("", each.host, each.port).address, each.host, each.port, tls, each.state)
            for each in found
        )
        path = {"loadBalancer": options}
        for option in options:
            own = f"{section.path}.{option}"
            self._manifest.written[f"{section.path}.loadBalancer.{option}".lower()] = own
        return decode_service(name, Section(path, section.path, self._report), PROVIDER, lambda _: servers)

    def _note_written_keys(self, path: str) -> None:
        """Note where the manifest has the options that a router has in Traefik's dynamic configuration."""
        for option, written in {
            "rule": f"{path}.match",
            "ruleSyntax": f"{path}.syntax",
            "entryPoints": "spec.entryPoints",
            "tls": "spec.tls",
            "tls.passthrough": "spec.tls.passthrough",
            "tls.options": "spec.tls.options",
            "tls.certResolver": "spec.tls.certResolver",
        }.items():
            self._manifest.written[f"{path}.{option}".lower()] = written
