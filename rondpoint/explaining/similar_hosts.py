"""Suggests what the user may have meant by a host that no router serves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher
from heapq import nlargest
from itertools import chain, islice

from rondpoint.diagnostics import PROVIDER
from rondpoint.explaining.active_configuration import ActiveConfiguration
from rondpoint.explaining.explanation import Suggestion
from rondpoint.model import Router
from rondpoint.rules.literal_hosts import literal_hosts

MAX_SUGGESTIONS = 5
MAX_SEARCHED = 20_000
"""With more hosts than this, no similar ones are searched."""

MAX_COMPARED = 300
"""Hosts that are compared character by character: those with the most characters in common."""

MIN_SIMILARITY = 0.6
"""The least similarity, of at most 1, as difflib measures it."""

YieldIfDue = Callable[[], None]

_NAMES = re.compile(r"[\s/_]+")


def find_suggestions(
    configuration: ActiveConfiguration,
    host: str,
    entry_point: str,
    yield_if_due: YieldIfDue,
    *,
    tls: bool = False,
) -> tuple[Suggestion, ...]:
    """Return diagnostics of objects with the host's first label as name, then routers of similar hosts.

    `yield_if_due` is called often, because the search takes long with many of them.
    """
    suggestions = matching_diagnostics(configuration, host, yield_if_due)
    return tuple(
        islice(
            chain(suggestions, _suggest_routers(configuration, host, entry_point, yield_if_due, tls=tls)),
            MAX_SUGGESTIONS,
        )
    )


def matching_diagnostics(
    configuration: ActiveConfiguration, host: str, yield_if_due: YieldIfDue
) -> tuple[Suggestion, ...]:
    """Return diagnostics that name the host or its first label, and those of whole providers."""
    return tuple(islice(_matching_diagnostics(configuration, host, yield_if_due), MAX_SUGGESTIONS))


def _matching_diagnostics(
    configuration: ActiveConfiguration, host: str, yield_if_due: YieldIfDue
) -> Iterator[Suggestion]:
    first = host.partition(".")[0]
    if not first:
        return
    named = re.compile(rf"(?<![\w.-]){re.escape(host)}(?!\.?[\w-])", re.IGNORECASE)
    placed = re.compile(rf"(?:frontends|backends|routers|services)\.{re.escape(first)}(?![\w-])")
    for diagnostic in configuration.diagnostics:
        yield_if_due()
        words = f"{diagnostic.subject} {diagnostic.message}".lower()
        if diagnostic.subject.startswith(PROVIDER):
            # The provider might define a router for any host.
            yield Suggestion(diagnostic.subject, diagnostic.message)
        elif (
            first in _NAMES.split(words) or placed.search(words) or named.search(f"{words} {diagnostic.hint}")
        ):
            yield Suggestion(diagnostic.subject, diagnostic.message_with_hint, diagnostic.excerpt)


def _suggest_routers(
    configuration: ActiveConfiguration, host: str, entry_point: str, yield_if_due: YieldIfDue, *, tls: bool
) -> Iterator[Suggestion]:
    by_host: dict[str, Router] = {}
    for router in configuration.routers.values():
        yield_if_due()
        for known in () if router.parents else literal_hosts(router.rule.expression) or ():
            by_host.setdefault(known, router)
    if host in by_host:
        yield Suggestion(
            by_host[host].name,
            "serves this host, but not "
            + _unserved_condition(configuration, by_host[host], entry_point, tls=tls),
        )
        return
    if len(by_host) <= MAX_SEARCHED:
        for known in closest_hosts(host, by_host, yield_if_due):
            yield Suggestion(by_host[known].name, f"serves {known}")


def closest_hosts(host: str, names: Iterable[str], yield_if_due: YieldIfDue = lambda: None) -> list[str]:
    """Return what difflib's `get_close_matches` finds, but compare only the MAX_COMPARED likeliest names."""
    matcher = SequenceMatcher(b=host)

    def likely() -> Iterator[tuple[float, str]]:
        for name in names:
            yield_if_due()
            matcher.set_seq1(name)
            # Cheap upper bounds of the similarity first.
            if (
                matcher.real_quick_ratio() >= MIN_SIMILARITY
                and (bound := matcher.quick_ratio()) >= MIN_SIMILARITY
            ):
                yield bound, name

    found: list[tuple[float, str]] = []
    for bound, name in nlargest(MAX_COMPARED, likely()):
        yield_if_due()
        if len(found) == MAX_SUGGESTIONS and bound < found[-1][0]:
            break
        matcher.set_seq1(name)
        if (likeness := matcher.ratio()) >= MIN_SIMILARITY:
            found = nlargest(MAX_SUGGESTIONS, [*found, (likeness, name)])
    return [name for _, name in found]


def _unserved_condition(
    configuration: ActiveConfiguration, router: Router, entry_point: str, *, tls: bool
) -> str:
    """Return the words for the requests that a router of the host does not take on this entry point."""
    if configuration.serves(router, entry_point, tls=tls):
        return "this request"
    if configuration.serves(router, entry_point, tls=not tls):
        return "over TLS: it has no tls" if tls else "without TLS"
    return f"on entry point {entry_point}"
