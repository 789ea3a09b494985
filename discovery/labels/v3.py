"""Decodes Traefik 3's labels, `traefik.http.…`, and adds an implicit router and service."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.dynamic.http import ImplicitRoute, decode_http
from discovery.labels.container import Container
from discovery.labels.container_address import Address, find_address, read_address_options
from discovery.labels.container_reports import container_report, report_unrouted
from discovery.labels.default_names import default_name
from discovery.labels.known_labels import LabelKind, label_kind
from discovery.labels.options import LabelOptions
from discovery.labels.unfold import unfold
from discovery.templates.template import TemplateError, Value, render
from rondpoint.model import Server, ServerState


def decode(container: Container, options: LabelOptions) -> Decoded:
    """Decode the routers, services and middlewares of a container.

    A container without a router gets one with the default rule; one without a service gets a service with its
    lowest exposed port. Both are named after the container (`SERVICE-PROJECT` in Compose). A container
    without a port is no mistake if its routers name services of others, such as `api@internal`.
    """
    report = container_report(container)
    labels = {
        name: value for name, value in container.labels.items() if label_kind(name) is LabelKind.V3_HTTP
    }
    root = Section(unfold(labels, report), "traefik", report)
    http = root.section("http") or Section({}, root.key("http"), report)
    implicit = ImplicitRoute(default_name(container), lambda: _default_rule(container, options, report))
    servers = _Servers(container, options, report, needed=_needs_server(http, implicit.name))
    decoded = decode_http(http, container.provider, servers.read, implicit)
    return replace(decoded, diagnostics=report.diagnostics)


def _needs_server(http: Section, implicit_service: str) -> bool:
    """Return whether the container defines a service, or a router that gets the implicit one."""
    routers = http.raw("routers")
    if http.raw("services") or not isinstance(routers, Mapping) or not routers:
        return True
    return any(_uses(router, implicit_service) for router in routers.values())


def _uses(router: object, implicit_service: str) -> bool:
    """Return whether a router, as written, gets the implicit service: it names this one, or none."""
    named = {name.lower(): value for name, value in router.items()} if isinstance(router, Mapping) else {}
    service = str(named.get("service") or "").strip()
    return service.partition("@")[0] in ("", implicit_service)


def _default_rule(container: Container, options: LabelOptions, report: Report) -> str | None:
    fields: dict[str, Value] = {
        "Name": container.rule_name or default_name(container),
        "ContainerName": container.name,
        "Labels": container.labels,
    }
    try:
        return render(options.default_rule, fields)
    except TemplateError as error:
        setting = f"providers.{container.provider}.defaultRule"
        report.error(f"{report.at(setting, options.default_rule)}: {error}")
        return None


class _Servers:
    """Reads the server of a container for each of its services."""

    def __init__(self, container: Container, options: LabelOptions, report: Report, *, needed: bool) -> None:
        """If no server is `needed`, a missing address is not reported."""
        self._container = container
        self._needed = needed
        self._report = report
        self._address_options = read_address_options(container, options)

    def read(self, balancer: Section) -> tuple[Server, ...] | None:
        """Return the server, none if the container is stopped or unhealthy, or None if it has no address."""
        section = balancer.section("server") or Section({}, balancer.key("server"), self._report)
        if not (self._container.running and self._container.healthy):
            return ()
        weight = section.read("weight", values.weight, self._container.weight)
        server = self._at_url(section) if section.has("url") else self._at_address(section)
        if str(section.raw("preservePath") or False).lower() != "false":
            section.warn_unserved("preservePath")
        section.finish()
        if server is None:
            return None
        state = ServerState.DRAINING if self._container.draining else ServerState.UP
        return (replace(server, weight=weight, state=state),)

    def _at_url(self, section: Section) -> Server | None:
        if any([section.has("port"), section.has("scheme")]):
            message = f"{self._report.at(section.key('url'))} already contains scheme and port"
            self._report.error(message, "give either url, or port and scheme")
            return None
        address = section.read("url", values.address, None)
        if address is None:
            return None
        scheme, host, port = address
        return Server(self._container.server_name, host, port, scheme)

    def _at_address(self, section: Section) -> Server | None:
        port = section.read("port", values.port, None)
        scheme = section.read("scheme", values.scheme, values.PLAIN_HTTP)
        address = find_address(self._container, port, self._address_options, self._report)
        if isinstance(address, Address):
            return Server(self._container.server_name, address.host, address.port, scheme)
        if self._needed:
            report_unrouted(self._container, self._report, address, section.key("port"))
        return None
