"""Decodes a router's `parentRefs`: the parent routers whose requests it takes."""

from __future__ import annotations

from discovery.decoding import values
from discovery.decoding.section import Section

_OPTIONS_OF_ROOTS = ("entryPoints", "tls", "observability")
"""Options that apply to a whole request, so that only the first router on its way can have them."""


def read_parents(router: Section, rule_hint: str) -> tuple[str, ...] | None:
    """Return the names of the parents; report an error and return None for invalid options.

    An empty list is an error: without parents, the router would take requests that its parents guard.
    """
    if not router.has("parentRefs"):
        return ()
    report, key = router.report, router.key("parentRefs")
    parents = router.read("parentRefs", values.texts, None)
    if parents is None:
        return None
    if not parents:
        report.error(f"{report.at(key)} names no router, so the router is left out", rule_hint)
        return None
    misplaced = [option for option in _OPTIONS_OF_ROOTS if router.has(option)]
    for option in misplaced:
        message = (
            f"{report.at(router.key(option))} is an option of its parent routers, so the router is left out"
        )
        report.error(message, rule_hint)
    return None if misplaced else tuple(dict.fromkeys(parents))
