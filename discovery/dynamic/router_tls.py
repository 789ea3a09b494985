"""Decodes a router's `tls` option: whether the router serves requests over TLS only."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.decoding import values
from discovery.decoding.section import Section

_CERTIFICATES = "the certificates of the entry point are used, or the default certificate"


def read_tls(router: Section, rule_hint: str) -> bool | None:
    """Read `tls`, a switch or options; report an unserved or invalid value and return None.

    `rule_hint` says which requests the router would serve. The entry point provides the certificates. TLS
    options may require a client certificate, so a router whose TLS options are not served must be left out.
    """
    raw = router.raw("tls")
    if not isinstance(raw, Mapping):
        return router.read("tls", values.boolean, None) if router.has("tls") else False
    section = router.section("tls")
    if section is None:
        return None
    if str(section.raw("options") or "default") != "default":
        at = section.report.at(section.key("options"), section.raw("options"))
        section.report.error(f"{at} is not served yet, so the router is left out", rule_hint)
        return None
    for name in ("certResolver", "domains"):
        if section.has(name):
            at = section.report.at(section.key(name))
            section.report.warning(f"{at} is not served yet", _CERTIFICATES)
    section.finish()
    return True
