"""Decodes routers of Traefik 3 trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.dynamic.router_observability import read_observability
from discovery.dynamic.router_parents import read_parents
from discovery.dynamic.router_tls import read_tls
from rondpoint.diagnostics import lost_rules_hint
from rondpoint.model import Router
from rondpoint.rules import unnamed_syntax, v2, v3
from rondpoint.rules.errors import RuleError
from rondpoint.rules.expression import Rule
from rondpoint.rules.rule_warnings import RuleWarning, warn_about_v3_rule

T = TypeVar("T")

Parse = Callable[[str], tuple[Rule, RuleWarning | None]]
"""Parses a rule, and says why it is read in the syntax of Traefik 2 if the router does not say so."""

OPTIONS = (
    *("entryPoints", "middlewares", "observability", "parentRefs", "priority", "rule", "ruleSyntax"),
    *("service", "tls"),
)

RuleText = Callable[[], str | None]
"""Returns the rule of a router that sets none; if there is none, reports it and returns None."""


def decode_router(
    name: str, section: Section, provider: str, default_service: str | None, default_rule: RuleText
) -> Router | None:
    """Decode the router `name`; it uses `default_service` if it names none, empty for a parent router.

    Report an error and return None if the router would serve more than its author meant. That is so if its
    rule, middlewares, entry points or parents are invalid, or an option is not served.
    """
    text = section.read("rule", values.text, None) if section.has("rule") else default_rule()
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
    parents = read_parents(section, rule_hint)
    parse = _parser(section)
    observability = read_observability(section)
    misspelt_option = _report_misspelt_options(section, rule_hint)
    section.finish()
    key = section.key("rule") if section.has("rule") else "default rule"
    rule = None if text is None or parse is None else _read_rule(text, key, section.report, parse)
    if rule is None or service is None or tls is None or parents is None or unreadable or misspelt_option:
        return None
    return Router(
        qualify(name, provider),
        rule,
        qualify(service, provider) if service else "",
        priority or len(rule.text.encode()),
        entry_points or (),
        tuple(qualify(middleware, provider) for middleware in middlewares or ()),
        tls=tls.tls,
        observability=observability,
        parents=tuple(qualify(parent, provider) for parent in parents),
        tls_options=tls.options,
        cert_resolver=tls.cert_resolver,
        tls_domains=tls.domains,
    )


def parse_rule(text: str, key: str, report: Report, parse: Callable[[str], T]) -> T | None:
    """Parse a rule; report an error with its position and return None if the rule is invalid."""
    try:
        return parse(text)
    except RuleError as error:
        place = "" if error.position is None else f" (at character {error.position + 1})"
        report.error(
            f"{report.at(key, text)}: {error.message}{place}",
            error.hint,
            "" if error.position is None else error.excerpt,
        )
        return None


def _read_rule(text: str, key: str, report: Report, parse: Parse) -> Rule | None:
    found = parse_rule(text, key, report, parse)
    if found is None:
        return None
    rule, reason_for_v2 = found
    if reason_for_v2 is not None:
        message, hint = reason_for_v2
        report.note(f"{report.at(key, text)} {message}", hint)
    elif parse is not _parse_v2:
        report_rule_warning(warn_about_v3_rule(text), key, text, report)
    return rule


def report_rule_warning(warning: RuleWarning | None, key: str, text: str, report: Report) -> None:
    if warning is not None:
        message, hint = warning
        report.warning(f"{report.at(key, text)}: {message}", hint)


def _report_misspelt_options(section: Section, rule_hint: str) -> bool:
    """Report misspelt names of `middlewares`, `parentRefs` and `tls`, and return whether there are any."""
    guards = ("middlewares", "parentRefs", "tls")
    found = [name for guard in guards for name in section.misspelt(OPTIONS, guard)]
    for name in found:
        at = section.report.at(section.key(name))
        section.report.error(f"{at} may be meant to protect the router, so it is left out", rule_hint)
    return bool(found)


def _parser(section: Section) -> Parse | None:
    """Return the parser for the router's `ruleSyntax`; report an unknown one and return None."""
    syntax = str(section.raw("ruleSyntax") or "default")
    parse = _SYNTAXES.get(syntax.lower())
    if parse is None:
        report = section.report
        message = f"{report.at(section.key('ruleSyntax'), syntax)} is not valid, so the router is left out"
        report.error(message, "expected v3 or v2")
    return parse


def _parse_v2(text: str) -> tuple[Rule, None]:
    return v2.parse(text), None


def _parse_v3(text: str) -> tuple[Rule, None]:
    return v3.parse(text), None


_SYNTAXES: dict[str, Parse] = {"v3": _parse_v3, "default": unnamed_syntax.parse, "v2": _parse_v2}
