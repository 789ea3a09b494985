"""Decodes Traefik 1's dynamic trees: `[backends]`, `[frontends]` and `[[tls]]`."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section, Tree
from discovery.dynamic.routers import parse_rule, report_rule_warning
from discovery.dynamic.v1.backend import LIMITS, read_backend_middlewares, read_balancing, with_balancing
from discovery.dynamic.v1.certificates import decode_certificates
from discovery.dynamic.v1.frontend import KeyedMiddleware, read_middlewares
from discovery.dynamic.v1.modifiers import modifier_middlewares
from rondpoint.model import Middleware, Router, Server, Service
from rondpoint.rules import tree as rule_tree
from rondpoint.rules.expression import Rule
from rondpoint.rules.modifiers import Modifier, order_modifiers
from rondpoint.rules.rule_warnings import warn_about_v1_rule
from rondpoint.rules.v1 import ParsedRule, read


class _CombinedRule(Struct, frozen=True):
    """The rules of a frontend's routes combined into one, with the priority that Traefik 1 gives it."""

    rule: Rule
    modifiers: tuple[Modifier, ...]
    priority: int


def decode(tree: Tree, provider: str, subject: str) -> Decoded:
    """Decode frontends to routers, backends to services, their options to middlewares, and certificates."""
    report = Report(provider, subject)
    top = Section(tree, "", report)
    backends = dict(top.objects("backends"))
    services = []
    for name, section in backends.items():
        with report.about("service", qualify(name, provider)):
            services.append(_service(name, section, provider))
    limits = {qualify(name, provider): section for name, section in backends.items()}
    routers: list[Router] = []
    middlewares: list[Middleware] = []
    keys = {f"services.{service.name}": f"backends.{_unqualified(service.name)}" for service in services}
    for name, section in top.objects("frontends"):
        read = _frontend(name, section, provider, limits)
        if read is None:
            continue
        router, found = read
        routers.append(router)
        middlewares += [middleware for _, middleware in found]
        keys[f"routers.{router.name}"] = section.path
        keys.update({f"middlewares.{middleware.name}": key for key, middleware in found})
    pairs = decode_certificates(tree, report)
    return Decoded(
        subject,
        tuple(routers),
        tuple(services),
        tuple(middlewares),
        report.diagnostics,
        keys=keys,
        pairs=pairs,
    )


def _unqualified(name: str) -> str:
    return name.rpartition("@")[0]


def _service(name: str, section: Section, provider: str) -> Service:
    servers = [_server(server_name, server) for server_name, server in section.sections("servers")]
    balancing = read_balancing(section)
    for option in LIMITS:
        section.has(option)
    section.finish()
    found = {server.name: server for server in servers if server is not None}
    if not found:
        section.report.warning(
            f"{section.report.at(section.path)} has no servers", "requests get a 503 response"
        )
    return with_balancing(
        Service(qualify(name, provider), tuple(found[key] for key in sorted(found))), balancing
    )


def _server(name: str, section: Section) -> Server | None:
    address = section.read("url", values.address, None)
    weight = section.read("weight", values.weight, 1)
    # Tags are for constraints, which are not served here.
    section.has("tags")
    if not section.has("url"):
        section.report.error(f"{section.report.at(section.path)} has no url, so it is left out")
    section.finish()
    if address is None:
        return None
    scheme, host, port = address
    return Server(name, host, port, scheme, weight)


def _frontend(
    name: str, section: Section, provider: str, backends: Mapping[str, Section]
) -> tuple[Router, tuple[KeyedMiddleware, ...]] | None:
    """Decode a frontend to a router and its middlewares.

    `backends` are the sections by the qualified names of their services.
    """
    report = section.report
    qualified = qualify(name, provider)
    with report.about("router", qualified):
        backend = section.read("backend", values.text, None)
        entry_points = section.read("entryPoints", values.texts, None)
        priority = section.read("priority", values.integer, 0)
        pass_host_header = section.read("passHostHeader", values.boolean, True)
        if not section.has("backend"):
            report.error(f"{report.at(section.path)} names no backend", "expected backend")
        combined = _rule(section)
        found = [*read_middlewares(section, qualified, lambda other: qualify(other, provider))]
        section.finish()
    service = qualify(backend or "", provider)
    entry_points_unreadable = section.has("entryPoints") and entry_points is None
    if backend is None or combined is None or entry_points_unreadable:
        return None
    if service in backends:
        found += read_backend_middlewares(
            backends[service], qualified, lambda other: qualify(other, provider)
        )
    changes = modifier_middlewares(qualified, combined.modifiers)
    found += [(section.path, middleware) for middleware in changes]
    router = Router(
        qualified,
        combined.rule,
        service,
        priority or combined.priority,
        entry_points or (),
        tuple(middleware.name for _, middleware in found),
        pass_host_header,
    )
    return router, tuple(found)


def _rule(section: Section) -> _CombinedRule | None:
    """Combine the rules of all `routes`; report invalid ones and return None if there are any."""
    report = section.report
    parsed: list[ParsedRule | None] = []
    if section.has("rule"):
        # Traefik 1's documentation of keys has this option; its code does not.
        text = section.read("rule", values.text, None)
        parsed.append(None if text is None else _parse(text, section.key("rule"), report))
    for _, route in section.sections("routes"):
        text = route.read("rule", values.text, None)
        if not route.has("rule"):
            report.error(f"{report.at(route.path)} has no rule", "expected rule")
        route.finish()
        parsed.append(None if text is None else _parse(text, route.key("rule"), report))
    if not parsed:
        report.error(f"{report.at(section.path)} has no rule", "expected routes.NAME.rule")
        return None
    found = [each.rule for each in parsed if each is not None]
    if len(found) < len(parsed):
        return None
    modifiers = order_modifiers(
        modifier for each in parsed if each is not None for modifier in each.modifiers
    )
    expression = rule_tree.conjunction(rule.expression for rule in found)
    priority = sum(len(rule.text.encode()) for rule in found)
    return _CombinedRule(Rule(";".join(rule.text for rule in found), expression), modifiers, priority)


def _parse(text: str, key: str, report: Report) -> ParsedRule | None:
    report_rule_warning(warn_about_v1_rule(text), key, text, report)
    return parse_rule(text, key, report, read)
