"""Whether a router of Traefik 3 takes requests over TLS only."""

from __future__ import annotations

from collections.abc import Mapping

from discovery.decoding import values
from discovery.decoding.section import Section


def read_tls(router: Section, rule_hint: str) -> bool | None:
    """The router's `tls`, a switch or options; None, and said so, for what may not be passed over.

    `rule_hint` is a hint at what the router would serve. The certificates are those of the entry point; options
    of TLS may demand one from the client, so that to serve without them would be wrong.
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
            section.report.warning(f"{at} is not served yet", "the entry point's certificates are used")
    section.finish()
    return True
