"""What may have been meant by a host that no router serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from rondpoint.explaining.configured import Configured
from rondpoint.explaining.explanation import Nearby
from rondpoint.model import Router
from rondpoint.rules.conditions import literal_hosts

TOLD = 5
SEARCHED = 20_000
"""With more hosts than this, similar ones are not looked for."""

_NAMES = re.compile(r"[\s/_]+")


def nearby(configured: Configured, host: str, entry_point: str) -> tuple[Nearby, ...]:
    """Diagnostics of what bears the host's first name, then routers of similar hosts."""
    return tuple([*_told(configured, host), *_similar(configured, host, entry_point)][:TOLD])


def _told(configured: Configured, host: str) -> Iterator[Nearby]:
    first = host.partition(".")[0]
    if not first:
        return
    named = re.compile(rf"(?<![\w.-]){re.escape(host)}(?!\.?[\w-])", re.IGNORECASE)
    for diagnostic in configured.diagnostics:
        words = f"{diagnostic.subject} {diagnostic.message}".lower()
        if first in _NAMES.split(words) or named.search(f"{words} {diagnostic.hint}"):
            hint = f" ({diagnostic.hint})" if diagnostic.hint else ""
            yield Nearby(diagnostic.subject, f"{diagnostic.message}{hint}")


def _similar(configured: Configured, host: str, entry_point: str) -> Iterator[Nearby]:
    by_host: dict[str, Router] = {}
    for router in configured.routers.values():
        for known in literal_hosts(router.rule.expression) or ():
            by_host.setdefault(known, router)
    if host in by_host:
        yield Nearby(
            by_host[host].name,
            f"serves this host, but not {_lacking(configured, by_host[host], entry_point)}",
        )
        return
    if len(by_host) <= SEARCHED:
        for known in get_close_matches(host, by_host, n=TOLD, cutoff=0.6):
            yield Nearby(by_host[known].name, f"serves {known}")


def _lacking(configured: Configured, router: Router, entry_point: str) -> str:
    """On what account a router of the host does not take a request of this entry point."""
    if configured.serves(router, entry_point):
        return "this request"
    if router.tls and entry_point not in configured.tls_entry_points:
        return f"without TLS, which entry point {entry_point} does not speak"
    return f"on entry point {entry_point}"
