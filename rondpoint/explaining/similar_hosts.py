"""What may have been meant by a host that no router serves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from heapq import nlargest
from itertools import chain, islice

from rondpoint.diagnostics import PROVIDER
from rondpoint.explaining.active_configuration import Configured
from rondpoint.explaining.explanation import Nearby
from rondpoint.model import Router
from rondpoint.rules.literal_hosts import literal_hosts

TOLD = 5
SEARCHED = 20_000
"""With more hosts than this, similar ones are not looked for."""

COMPARED = 300
"""Hosts that are compared letter by letter: those that have most letters in common with the one asked for."""

ALIKE = 0.6
"""The least likeness, of at most 1, as difflib measures it."""

YieldIfDue = Callable[[], None]

_NAMES = re.compile(r"[\s/_]+")


def nearby(
    configured: Configured, host: str, entry_point: str, yield_if_due: YieldIfDue
) -> tuple[Nearby, ...]:
    """Diagnostics of what bears the host's first name, then routers of similar hosts.

    `yield_if_due` is called often, by what takes long with many of them.
    """
    told = told_of(configured, host, yield_if_due)
    return tuple(islice(chain(told, _similar(configured, host, entry_point, yield_if_due)), TOLD))


def told_of(configured: Configured, host: str, yield_if_due: YieldIfDue) -> tuple[Nearby, ...]:
    """Diagnostics of what bears the host's first name, or would serve the host; those of whole providers."""
    return tuple(islice(_told(configured, host, yield_if_due), TOLD))


def _told(configured: Configured, host: str, yield_if_due: YieldIfDue) -> Iterator[Nearby]:
    first = host.partition(".")[0]
    if not first:
        return
    named = re.compile(rf"(?<![\w.-]){re.escape(host)}(?!\.?[\w-])", re.IGNORECASE)
    placed = re.compile(rf"(?:frontends|backends|routers|services)\.{re.escape(first)}(?![\w-])")
    for diagnostic in configured.diagnostics:
        yield_if_due()
        words = f"{diagnostic.subject} {diagnostic.message}".lower()
        if diagnostic.subject.startswith(PROVIDER):
            # Any host may be one of those that it would bring.
            yield Nearby(diagnostic.subject, diagnostic.message)
        elif (
            first in _NAMES.split(words) or placed.search(words) or named.search(f"{words} {diagnostic.hint}")
        ):
            yield Nearby(diagnostic.subject, diagnostic.advice, diagnostic.excerpt)


def _similar(
    configured: Configured, host: str, entry_point: str, yield_if_due: YieldIfDue
) -> Iterator[Nearby]:
    by_host: dict[str, Router] = {}
    for router in configured.routers.values():
        yield_if_due()
        for known in literal_hosts(router.rule.expression) or ():
            by_host.setdefault(known, router)
    if host in by_host:
        yield Nearby(
            by_host[host].name,
            f"serves this host, but not {_lacking(configured, by_host[host], entry_point)}",
        )
        return
    if len(by_host) <= SEARCHED:
        for known in closest(host, by_host, yield_if_due):
            yield Nearby(by_host[known].name, f"serves {known}")


def closest(host: str, names: Iterable[str], yield_if_due: YieldIfDue = lambda: None) -> list[str]:
    """What difflib's `get_close_matches` would find among these names, were it to look at the best alone."""
    matcher = SequenceMatcher(b=host)

    def likely() -> Iterator[tuple[float, str]]:
        for name in names:
            yield_if_due()
            matcher.set_seq1(name)
            # From cheap to dear, and never less than the likeness itself.
            if matcher.real_quick_ratio() >= ALIKE and (bound := matcher.quick_ratio()) >= ALIKE:
                yield bound, name

    found: list[tuple[float, str]] = []
    for bound, name in nlargest(COMPARED, likely()):
        yield_if_due()
        if len(found) == TOLD and bound < found[-1][0]:
            break
        matcher.set_seq1(name)
        if (likeness := matcher.ratio()) >= ALIKE:
            found = nlargest(TOLD, [*found, (likeness, name)])
    return [name for _, name in found]


def _lacking(configured: Configured, router: Router, entry_point: str) -> str:
    """On what account a router of the host does not take a request of this entry point."""
    if configured.serves(router, entry_point):
        return "this request"
    if router.tls and entry_point not in configured.tls_entry_points:
        return f"without TLS, which entry point {entry_point} does not speak"
    return f"on entry point {entry_point}"
