"""What may have been meant by a host that no router serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from rondpoint.explaining.configured import Configured
from rondpoint.explaining.explanation import Nearby
from rondpoint.rules.conditions import literal_hosts

TOLD = 5
SEARCHED = 20_000
"""With more hosts than this, similar ones are not looked for."""

_NAMES = re.compile(r"[\s/_]+")


def nearby(configured: Configured, host: str) -> tuple[Nearby, ...]:
    """Diagnostics of what bears the host's first name, then routers of similar hosts."""
    return tuple([*_told(configured, host), *_similar(configured, host)][:TOLD])


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


def _similar(configured: Configured, host: str) -> Iterator[Nearby]:
    by_host: dict[str, str] = {}
    for router in configured.routers.values():
        for known in literal_hosts(router.rule.expression) or ():
            by_host.setdefault(known, router.name)
    if host in by_host:
        yield Nearby(by_host[host], "serves this host, but not this request")
        return
    if len(by_host) <= SEARCHED:
        for known in get_close_matches(host, by_host, n=TOLD, cutoff=0.6):
            yield Nearby(by_host[known], f"serves {known}")
