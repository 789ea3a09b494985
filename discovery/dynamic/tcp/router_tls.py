"""Decodes `tls` of a TCP router: whether it takes connections over TLS, and who ends TLS."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.tls_domains import read_domain
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsDomain

_OPTIONS = ("passthrough", "options", "certResolver", "domains")
_GUARDS = ("passthrough", "options")


class TcpRouterTls(Struct, frozen=True):
    """The TLS fields of a router, as `rondpoint.tcp.model.TcpRouter` describes them."""

    tls: bool = False
    passthrough: bool = False
    options: str = ""
    cert_resolver: str = ""
    domains: tuple[TlsDomain, ...] = ()


def read_tls(router: Section, provider: str, rule_hint: str) -> TcpRouterTls | None:
    """Read `tls`, a switch or options; report an invalid value and return None.

    `rule_hint` says which connections the router would take. TLS options may require a client certificate,
    and with `passthrough` the proxy must not see the contents, so a router without either must be left out.
    """
    raw = router.raw("tls")
    if not isinstance(raw, Mapping):
        switch = router.read("tls", values.boolean, None) if router.has("tls") else False
        return None if switch is None else TcpRouterTls(switch)
    section = router.section("tls")
    if section is None:
        return None
    given = section.has("passthrough")
    passthrough = section.read("passthrough", values.boolean, None) if given else False
    options = section.read("options", values.text, None) if section.raw("options") else DEFAULT_OPTIONS
    resolver = section.read("certResolver", values.text, "")
    domains = [read_domain(item) for item in section.items("domains")]
    misspelt = [name for guard in _GUARDS for name in section.misspelt(_OPTIONS, guard)]
    for name in misspelt:
        at = section.report.at(section.key(name))
        section.report.error(f"{at} may be meant to protect the router, so it is left out", rule_hint)
    section.finish()
    if options is None or passthrough is None or misspelt:
        return None
    if passthrough and options != DEFAULT_OPTIONS:
        at = section.report.at(section.key("options"))
        section.report.warning(f"{at} has no effect with passthrough", "the server decides on TLS")
    return TcpRouterTls(
        True,
        passthrough,
        "" if options == DEFAULT_OPTIONS else qualify(options, provider),
        # A certificate for other names than those that were meant helps nobody.
        resolver if None not in domains else "",
        tuple(domain for domain in domains if domain is not None),
    )
