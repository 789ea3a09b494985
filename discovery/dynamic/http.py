"""The `http` part of Traefik 3 trees: one decoder for files and for labels unfolded to a tree."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

from msgspec import Struct
from msgspec.structs import replace

from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.report import Report, shown_names
from discovery.decoding.section import Section
from discovery.dynamic.middlewares import decode_middleware, report_unserved
from discovery.dynamic.routers import RuleText, decode_router
from discovery.dynamic.services import ServersReader, decode_service
from rondpoint.diagnostics import would_serve
from rondpoint.model import Middleware, Router, Service


class Implied(Struct, frozen=True):
    """What a container that defines no router or no service gets: both of this name, with this rule."""

    name: str
    rule: RuleText


_SECTIONS = ("middlewares", "models", "routers", "serversTransports", "services")


def decode_http(
    http: Section, provider: str, read_servers: ServersReader, implied: Implied | None = None
) -> Decoded:
    """Routers, services and middlewares of one container or file.

    The section's report receives what is wrong, and the result's own diagnostics are left empty. A
    router whose service is defined here but cannot be had is left out.
    """
    return _Http(http, provider, read_servers, implied).decode()


class _Http:
    """One decoding under way: what one part found, the next needs."""

    def __init__(
        self, http: Section, provider: str, read_servers: ServersReader, implied: Implied | None
    ) -> None:
        self._http = http
        self._provider = provider
        self._read_servers = read_servers
        self._implied = implied
        self._report: Report = http.report
        self._keys: dict[str, str] = {}
        self._services: list[Service] = []
        self._middlewares: list[Middleware] = []
        self._routers: list[Router] = []
        self._guessed: set[str] = set()
        self._lost: dict[str, str] = {}

    def decode(self) -> Decoded:
        services = list(self._http.objects("services"))
        service_is_implied = self._implied is not None and not self._http.raw("services")
        if self._implied is not None and service_is_implied:
            services = [(self._implied.name, self._empty("services", self._implied.name, "loadBalancer"))]
        for name, section in services:
            self._decode_service(name, section)
        for name, section in self._http.objects("middlewares"):
            self._decode_middleware(name, section)
        names = [name for name, _ in services]
        routers = list(self._http.objects("routers"))
        if self._implied is not None and not self._http.raw("routers"):
            routers = [(self._implied.name, self._empty("routers", self._implied.name))]
        self._lost = self._guarded_elsewhere()
        for name, section in routers:
            with self._about("router", name):
                self._decode_router(name, section, names)
        self._drop_stranded(names, told=service_is_implied)
        behind = {service.name: service.middlewares for service in self._services}
        guarded = [
            replace(router, middlewares=router.middlewares + behind.get(router.service, ()))
            for router in self._routers
        ]
        report_unserved(guarded, self._middlewares, self._keys, self._report)
        self._http.unserved("serversTransports", "models")
        self._http.finish()
        return Decoded(
            self._report.subject,
            tuple(self._routers),
            tuple(self._services),
            tuple(self._middlewares),
            implied=frozenset(self._guessed) if service_is_implied else frozenset(),
            keys=self._keys,
        )

    def _empty(self, kind: str, name: str, *options: str) -> Section:
        """The section of an object that its author left to us."""
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

    def _decode_router(self, name: str, section: Section, services: list[str]) -> None:
        default = services[0] if self._implied is not None and len(services) == 1 else None
        if default is None and not section.has("service"):
            hint = f"expected one of {shown_names(services)}" if services else "expected service"
            self._report.error(f"{self._report.at(section.path)} names no service", hint)
        router = decode_router(name, section, self._provider, default, lambda: self._default_rule(section))
        if router is None:
            return
        if name in self._lost:
            at = self._report.at(self._lost[name])
            hint = f"did you mean routers?; {would_serve(router.rule.text)}"
            self._report.error(f"{at} may be meant to guard router {name}, so it is left out", hint)
            return
        self._routers.append(router)
        self._keys[f"routers.{router.name}"] = section.path
        if not section.has("service"):
            self._guessed.add(router.name)

    def _guarded_elsewhere(self) -> dict[str, str]:
        """Routers whose middlewares stand where only a misspelt `routers` leads: the keys, by router."""
        found: dict[str, str] = {}
        for outer in self._http.misspelt(_SECTIONS, "routers"):
            for name, options in self._http.peek(outer).items():
                given = {option.lower() for option in options} if isinstance(options, Mapping) else ()
                for option in ("middlewares", "tls"):
                    if option in given:
                        found[name] = f"{self._http.key(outer)}.{name}.{option}"
        return found

    def _default_rule(self, section: Section) -> str | None:
        if self._implied is not None:
            return self._implied.rule()
        self._report.error(f"{self._report.at(section.path)} has no rule", "expected rule")
        return None

    def _drop_stranded(self, names: list[str], *, told: bool) -> None:
        """Leave out routers whose service is; `told` when the reason given says enough."""
        have = {service.name for service in self._services}
        missing = {qualify(name, self._provider) for name in names} - have
        stranded = [router for router in self._routers if router.service in missing]
        for router in stranded:
            key = self._report.at(self._keys.pop(f"routers.{router.name}"))
            if not told:
                message = f"{key} is left out, because its service {router.service} is"
                with self._report.about("router", router.name):
                    self._report.error(message, would_serve(router.rule.text))
        self._routers = [router for router in self._routers if router.service not in missing]
