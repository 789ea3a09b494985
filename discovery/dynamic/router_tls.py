"""Decodes a router's `tls` option: whether it serves requests over TLS only, and its TLS options."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from discovery.decoding import values
from discovery.decoding.names import qualify
from discovery.decoding.section import Section
from discovery.dynamic.tls_domains import read_domain
from rondpoint.tls.model import DEFAULT_OPTIONS, TlsDomain


class RouterTls(Struct, frozen=True):
    """The TLS fields of a router, as `rondpoint.model.Router` describes them."""

    tls: bool = False
    options: str = ""
    cert_resolver: str = ""
    domains: tuple[TlsDomain, ...] = ()


def read_tls(router: Section, provider: str, rule_hint: str) -> RouterTls | None:
    """Read `tls`, a switch or options; report an invalid value and return None.

    `rule_hint` says which requests the router would serve. TLS options may require a client certificate, so a
    router whose TLS options cannot be read must be left out. Without a certificate of its own it is still
    served, with the one of the entry point or the default one.
    """
    raw = router.raw("tls")
    if not isinstance(raw, Mapping):
        switch = router.read("tls", values.boolean, None) if router.has("tls") else False
        return None if switch is None else RouterTls(switch)
    section = router.section("tls")
    if section is None:
        return None
    options = section.read("options", values.text, None) if section.raw("options") else DEFAULT_OPTIONS
    resolver = section.read("certResolver", values.text, "")
    domains = [read_domain(item) for item in section.items("domains")]
    for name in section.misspelt(("options", "certResolver", "domains"), "options"):
        options = None
        at = section.report.at(section.key(name))
        section.report.error(f"{at} may be meant to protect the router, so it is left out", rule_hint)
    section.finish()
    if options is None:
        return None
    return RouterTls(
        True,
        "" if options == DEFAULT_OPTIONS else qualify(options, provider),
        # A certificate for other names than those that were meant helps nobody.
        resolver if None not in domains else "",
        tuple(domain for domain in domains if domain is not None),
    )
