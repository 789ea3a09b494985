"""Decodes the `http` section of Traefik 3 trees, from files and from labels unfolded to a tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from msgspec import Struct

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.report import Report, format_names
from discovery.decoding.section import Section
from discovery.dynamic.middlewares import decode_middleware
from discovery.dynamic.misplaced_options import find_misplaced_options, report_misplaced_option
from discovery.dynamic.models import report_models
from discovery.dynamic.routers import RuleText, decode_router
from discovery.dynamic.servers_transports import read_transport
from discovery.dynamic.services import ServersReader, decode_service
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.model import Middleware, Router, ServersTransport, Service


class ImplicitRoute(Struct, frozen=True):
    """The name and rule of the router and service that a container gets if it defines none."""

    name: str
    rule: RuleText


_SECTIONS = ("middlewares", "models", "routers", "serversTransports", "services")


def decode_http(
    http: Section, provider: str, read_servers: ServersReader, implicit: ImplicitRoute | None = None
) -> Decoded:
    """Decode routers, services, middlewares and servers transports of one container or file.

    Diagnostics go to the section's report; those of the result stay empty. A router is left out if its
    service is defined here but invalid.
    """
    return _Http(http, provider, read_servers, implicit).decode()


class _Http:
    """The state of one decoding; later steps use the results of earlier ones."""

    def __init__(
        self, http: Section, provider: str, read_servers: ServersReader, implicit: ImplicitRoute | None
    ) -> None:
        self._http = http
        self._provider = provider
        self._read_servers = read_servers
        self._implicit = implicit
        self._report: Report = http.report
        self._keys: dict[str, str] = {}
        self._services: list[Service] = []
        self._middlewares: list[Middleware] = []
        self._routers: list[Router] = []
        self._implicit_routers: set[str] = set()
        self._misplaced_options: dict[str, str] = {}

    def decode(self) -> Decoded:
        services = list(self._http.objects("services"))
        service_is_implicit = self._implicit is not None and not self._http.raw("services")
        if self._implicit is not None and service_is_implicit:
            services = [
                (self._implicit.name, self._empty_section("services", self._implicit.name, "loadBalancer"))
            ]
        for name, section in services:
            self._decode_service(name, section)
        for name, section in self._http.objects("middlewares"):
            self._decode_middleware(name, section)
        names = [name for name, _ in services]
        routers = list(self._http.objects("routers"))
        if self._implicit is not None and not self._http.raw("routers"):
            routers = [(self._implicit.name, self._empty_section("routers", self._implicit.name))]
        self._misplaced_options = find_misplaced_options(self._http, _SECTIONS, ("middlewares", "tls"))
        for name, section in routers:
            with self._about("router", name):
                self._decode_router(name, section, names)
        self._drop_routers_without_service(names, reported=service_is_implicit)
        report_models(self._http)
        transports = tuple(self._decode_transports())
        self._http.finish()
        return Decoded(
            self._report.subject,
            tuple(self._routers),
            tuple(self._services),
            tuple(self._middlewares),
            implicit_routers=frozenset(self._implicit_routers) if service_is_implicit else frozenset(),
            keys=self._keys,
            servers_transports=transports,
        )

    def _empty_section(self, kind: str, name: str, *options: str) -> Section:
        """Return the section of an implicit object, with these options empty."""
        return Section({option: {} for option in options}, f"{self._http.key(kind)}.{name}", self._report)

    def _about(self, kind: str, name: str) -> AbstractContextManager[None]:
        return self._report.about(kind, qualify(name, self._provider))

    def _decode_service(self, name: str, section: Section) -> None:
        with self._about("service", name):
            service = decode_service(name, section, self._provider, self._read_servers)
        if service is not None:
            self._services.append(service)
            self._keys[f"services.{service.name}"] = section.path

    def _decode_middleware(self, name: str, section: Section) -> None:
        with self._about("middleware", name):
            middleware = decode_middleware(name, section, self._provider)
        if middleware is not None:
            self._middlewares.append(middleware)
            self._keys[f"middlewares.{middleware.name}"] = section.path

    def _decode_transports(self) -> Iterator[ServersTransport]:
        if self._implicit is not None:
            if self._http.raw("serversTransports"):
                at = self._report.at(self._http.key("serversTransports"))
                hint = "define it in a file, and refer to it as NAME@file"
                self._report.warning(f"{at} is not served in labels, as in Traefik", hint)
            return
        for name, section in self._http.objects("serversTransports"):
            with self._about("serversTransport", name):
                transport = read_transport(qualify(name, self._provider), section)
            self._keys[f"serversTransports.{transport.name}"] = section.path
            yield transport

    def _decode_router(self, name: str, section: Section, services: list[str]) -> None:
        # A router of a file may have child routers in place of a service, in this file or elsewhere.
        default = "" if self._implicit is None else services[0] if len(services) == 1 else None
        if default is None and not section.has("service"):
            hint = f"expected one of {format_names(services)}" if services else "expected service"
            self._report.error(f"{self._report.at(section.path)} names no service", hint)
        router = decode_router(name, section, self._provider, default, lambda: self._default_rule(section))
        if router is None:
            return
        if name in self._misplaced_options:
            key = self._misplaced_options[name]
            report_misplaced_option(self._report, key, name, lost_rules_hint(router.rule.text))
            return
        self._routers.append(router)
        self._keys[f"routers.{router.name}"] = section.path
        if not section.has("service"):
            self._implicit_routers.add(router.name)

    def _default_rule(self, section: Section) -> str | None:
        if self._implicit is not None:
            return self._implicit.rule()
        self._report.error(f"{self._report.at(section.path)} has no rule", "expected rule")
        return None

    def _drop_routers_without_service(self, names: list[str], *, reported: bool) -> None:
        """Drop routers whose service was left out; `reported` if a diagnostic already gives the reason."""
        have = {service.name for service in self._services}
        missing = {qualify(name, self._provider) for name in names} - have
        dropped = [router for router in self._routers if router.service in missing]
        for router in dropped:
            key = self._report.at(self._keys.pop(f"routers.{router.name}"))
            if not reported:
                message = f"{key} is left out, because its service {router.service} is left out"
                with self._report.about("router", router.name):
                    self._report.error(message, lost_rules_hint(router.rule.text))
        self._routers = [router for router in self._routers if router.service not in missing]
