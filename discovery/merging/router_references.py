"""Checks the objects and entry points that a router names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from discovery.merging.entry_point_names import list_entry_points
from rondpoint.diagnostics import Diagnostic, Severity

Nearest = Callable[[str, Collection[str]], str]
"""Returns a hint for an unknown name among known ones."""


class NamedBy(NamedTuple):
    """The router, as diagnostics call it, its provider, and what it would serve."""

    subject: str
    provider: str
    lost: str

    def report(self, severity: Severity, message: str, *hints: str) -> Diagnostic:
        """Return a diagnostic about the router."""
        return Diagnostic(severity, self.provider, self.subject, message, "; ".join(filter(None, hints)))


class EntryPointsOf(NamedTuple):
    """The entry points of one protocol; `others` are those of the other one, `other_protocol` its name."""

    names: Collection[str]
    others: Collection[str] = ()
    other_protocol: str = "UDP"


def report_missing(
    router: NamedBy,
    references: Iterable[tuple[str, str, Collection[str]]],
    nearest: Nearest,
    diagnostics: list[Diagnostic],
) -> bool:
    """Report each reference (kind, name, known names) that is unknown; return whether there is one."""
    found = False
    for kind, name, known in references:
        if name not in known:
            found = True
            message = f"left out, because its {kind} {name!r} does not exist"
            diagnostics.append(router.report(Severity.ERROR, message, nearest(name, known), router.lost))
    return found


def known_entry_points(
    router: NamedBy, named: tuple[str, ...], known: EntryPointsOf, diagnostics: list[Diagnostic]
) -> tuple[str, ...] | None:
    """Return the known ones of these entry points, and report the others; None if none is left."""
    kept = tuple(name for name in named if name in known.names)
    if len(kept) == len(named):
        return named
    for name in (name for name in named if name not in known.names):
        fault = f"is for {known.other_protocol}" if name in known.others else "does not exist"
        message = f"entry point {name!r} {fault}"
        hint = list_entry_points(known.names)
        if kept:
            diagnostics.append(router.report(Severity.WARNING, message, hint))
        else:
            message += " and the router names no other, so it is left out"
            diagnostics.append(router.report(Severity.ERROR, message, hint, router.lost))
    return kept or None
