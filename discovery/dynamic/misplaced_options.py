"""Finds options that may be meant to protect routers, but stand below a misspelt `routers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discovery.decoding.report import Report
from discovery.decoding.section import Section


def find_misplaced_options(outer: Section, sections: Iterable[str], guards: Iterable[str]) -> dict[str, str]:
    """Return the keys of `guards` (names in lower case) below a misspelt `routers`, by router.

    `sections` are the valid names in `outer`.
    """
    found: dict[str, str] = {}
    for misspelt in outer.misspelt(sections, "routers"):
        for name, options in outer.peek(misspelt).items():
            given = {option.lower() for option in options} if isinstance(options, Mapping) else ()
            for option in guards:
                if option in given:
                    found[name] = f"{outer.key(misspelt)}.{name}.{option}"
    return found


def report_misplaced_option(report: Report, key: str, router: str, lost: str) -> None:
    """Report that a router is left out because of the option at `key`; `lost` says what it would serve."""
    hint = "; ".join(filter(None, ("did you mean routers?", lost)))
    report.error(f"{report.at(key)} may be meant to protect router {router}, so the router is left out", hint)
