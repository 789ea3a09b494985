"""Decodes routers of the `tcp` section."""

from __future__ import annotations

from collections.abc import Callable

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.routers import parse_rule
from discovery.dynamic.tcp.router_tls import read_tls
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.rules import tcp as rules
from rondpoint.rules.expression import Rule
from rondpoint.rules.server_names import server_names
from rondpoint.tcp.model import TcpRouter

OPTIONS = ("entryPoints", "middlewares", "priority", "rule", "ruleSyntax", "service", "tls")
_GUARDS = ("middlewares", "tls")
_SYNTAXES: dict[str, Callable[[str], Rule]] = {
    "v3": rules.parse,
    "default": rules.parse,
    "v2": rules.parse_v2,
}


def decode_router(
    name: str, section: Section, provider: str, default_service: str | None
) -> TcpRouter | None:
    """Decode the router `name`; it uses `default_service` if it names none.

    Report an error and return None if the router would take more than its author meant, or cannot know what
    it takes: without TLS, connections have no server name.
    """
    report = section.report
    text = section.read("rule", values.text, None)
    if not section.has("rule"):
        report.error(f"{report.at(section.path)} has no rule", "expected rule, such as HostSNI(`*`)")
    entry_points = section.read("entryPoints", values.texts, None)
    middlewares = section.read("middlewares", values.texts, None)
    priority = section.read("priority", values.integer, 0)
    service = section.read("service", values.text, None) if section.has("service") else default_service
    unreadable = any(
        section.has(option) and value is None
        for option, value in (("entryPoints", entry_points), ("middlewares", middlewares))
    )
    rule_hint = lost_rules_hint(text) if text else ""
    tls = read_tls(section, provider, rule_hint)
    parse = _parser(section)
    misspelt = [option for guard in _GUARDS for option in section.misspelt(OPTIONS, guard)]
    for option in misspelt:
        at = report.at(section.key(option))
        report.error(f"{at} may be meant to protect the router, so it is left out", rule_hint)
    section.finish()
    key = section.key("rule")
    rule = None if text is None or parse is None else parse_rule(text, key, report, parse)
    if rule is None or not service or tls is None or unreadable or misspelt:
        return None
    if not tls.tls and not _takes_plain_connections(rule):
        message = f"{report.at(key, text)} has a HostSNI, but the router has no tls, so it is left out"
        report.error(message, "set tls=true or tls.passthrough=true, or write HostSNI(`*`)")
        return None
    if not tls.tls and any(server_names(rule.expression, negated=True)):
        message = f"{report.at(key, text)} excludes a server name, which no connection without TLS has"
        report.warning(message, "set tls=true or tls.passthrough=true")
    return TcpRouter(
        qualify(name, provider),
        rule,
        qualify(service, provider),
        priority or rules.default_priority(rule),
        entry_points or (),
        tuple(qualify(middleware, provider) for middleware in middlewares or ()),
        tls.tls,
        tls.passthrough,
        tls.options,
        tls.cert_resolver,
        tls.domains,
    )


def _takes_plain_connections(rule: Rule) -> bool:
    """Check as Traefik does: the first server name that the rule does not exclude counts."""
    return next(server_names(rule.expression), "*") == "*"


def _parser(section: Section) -> Callable[[str], Rule] | None:
    """Return the parser for the router's `ruleSyntax`; report an unknown one and return None."""
    syntax = str(section.raw("ruleSyntax") or "v3")
    parse = _SYNTAXES.get(syntax.lower())
    if parse is None:
        report = section.report
        message = f"{report.at(section.key('ruleSyntax'), syntax)} is not valid, so the router is left out"
        report.error(message, "expected v3 or v2")
    return parse
