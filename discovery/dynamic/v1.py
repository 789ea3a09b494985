"""Traefik 1's dynamic TOML: `[backends]` and `[frontends]`."""

from __future__ import annotations

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.modifiers import middlewares_of
from discovery.dynamic.routers import parse_rule
from rondpoint.model import Middleware, Router, Server, Service
from rondpoint.rules import tree as rule_tree
from rondpoint.rules.expression import Rule
from rondpoint.rules.modifiers import Modifier, in_order
from rondpoint.rules.v1 import ParsedRule, read

_TUNING = ("loadBalancer", "healthCheck", "circuitBreaker", "maxConn", "buffering", "responseForwarding")
_GUARDS = (
    *("auth", "basicAuth", "whiteList", "whitelistSourceRange", "rateLimit", "redirect", "errors"),
    *("headers", "passTLSCert", "passTLSClientCert"),
)


class _Written(Struct, frozen=True):
    """Rules of a frontend's routes as one, with the priority that Traefik 1 gives it."""

    rule: Rule
    modifiers: tuple[Modifier, ...]
    priority: int


def decode(tree: Tree, provider: str, subject: str) -> Decoded:
    """Frontends as routers, backends as services; a frontend with a guard not served yet is left out."""
    report = Report(provider, subject)
    top = Section(tree, "", report)
    services = [_service(name, section, provider) for name, section in top.objects("backends")]
    frontends = [_frontend(name, section, provider) for name, section in top.objects("frontends")]
    found = [frontend for frontend in frontends if frontend is not None]
    routers = tuple(router for router, _ in found)
    return Decoded(
        subject,
        routers,
        tuple(services),
        tuple(middleware for _, middlewares in found for middleware in middlewares),
        report.diagnostics,
        keys={
            **{f"services.{service.name}": f"backends.{_bare(service.name)}" for service in services},
            **{f"routers.{router.name}": f"frontends.{_bare(router.name)}" for router in routers},
            **{
                f"middlewares.{name}": f"frontends.{_bare(router.name)}"
                for router in routers
                for name in router.middlewares
            },
        },
    )


def _bare(name: str) -> str:
    return name.rpartition("@")[0]


def _service(name: str, section: Section, provider: str) -> Service:
    servers = [_server(server_name, server) for server_name, server in section.sections("servers")]
    section.unserved(*_TUNING)
    section.finish()
    found = {server.name: server for server in servers if server is not None}
    if not found:
        section.report.warning(f"{section.report.at(section.path)} has no servers", "requests get a 503")
    return Service(qualify(name, provider), tuple(found[key] for key in sorted(found)))


def _server(name: str, section: Section) -> Server | None:
    address = section.read("url", values.address, None)
    weight = section.read("weight", values.weight, 1)
    if not section.has("url"):
        section.report.error(f"{section.report.at(section.path)} has no url, so it is left out")
    section.finish()
    if address is None:
        return None
    scheme, host, port = address
    return Server(name, host, port, scheme, weight)


def _frontend(name: str, section: Section, provider: str) -> tuple[Router, tuple[Middleware, ...]] | None:
    """The router, and the middlewares that its rules ask for."""
    report = section.report
    backend = section.read("backend", values.text, None)
    entry_points = section.read("entryPoints", values.texts, None)
    priority = section.read("priority", values.integer, 0)
    pass_host_header = section.read("passHostHeader", values.boolean, True)
    if not section.has("backend"):
        report.error(f"{report.at(section.path)} names no backend", "expected backend")
    written = _rule(section)
    guarded = _refuse_guards(section)
    section.finish()
    entry_points_unreadable = section.has("entryPoints") and entry_points is None
    if backend is None or written is None or guarded or entry_points_unreadable:
        return None
    qualified = qualify(name, provider)
    middlewares = middlewares_of(qualified, written.modifiers)
    router = Router(
        qualified,
        written.rule,
        qualify(backend, provider),
        priority or written.priority,
        entry_points or (),
        tuple(middleware.name for middleware in middlewares),
        pass_host_header,
    )
    return router, middlewares


def _rule(section: Section) -> _Written | None:
    """The rules of all `routes` together; None, and said so, when one of them cannot be read."""
    report = section.report
    parsed: list[ParsedRule | None] = []
    for _, route in section.sections("routes"):
        text = route.read("rule", values.text, None)
        if not route.has("rule"):
            report.error(f"{report.at(route.path)} has no rule", "expected rule")
        route.finish()
        parsed.append(None if text is None else parse_rule(text, route.key("rule"), report, read))
    if not parsed:
        report.error(f"{report.at(section.path)} has no rule", "expected routes.NAME.rule")
        return None
    found = [each.rule for each in parsed if each is not None]
    if len(found) < len(parsed):
        return None
    modifiers = in_order(modifier for each in parsed if each is not None for modifier in each.modifiers)
    expression = rule_tree.conjunction(rule.expression for rule in found)
    priority = sum(len(rule.text.encode()) for rule in found)
    return _Written(Rule(";".join(rule.text for rule in found), expression), modifiers, priority)


def _refuse_guards(section: Section) -> bool:
    report = section.report
    found = [option for option in _GUARDS if section.raw(option) not in (None, False)]
    for option in found:
        report.error(f"{report.at(section.key(option))} is not served yet, so the frontend is left out")
    return bool(found)
