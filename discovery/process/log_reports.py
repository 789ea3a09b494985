"""What the agent's log says of a revision and of what users got wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.change import Change

NAMED = 5
"""More objects than this are counted, and only so many of them named."""

LEVELS: Mapping[Severity, int] = {
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.NOTE: logging.INFO,
}


def summary(change: Change) -> str:
    """A change in words: `services set: hello@docker; routers removed: old@file`."""
    kinds = (("routers", change.routers), ("services", change.services), ("middlewares", change.middlewares))
    parts = []
    for kind, objects in kinds:
        assigned = [name for name, value in objects.items() if value is not None]
        removed = [name for name, value in objects.items() if value is None]
        parts += [
            _named(f"{kind} {verb}", names) for verb, names in (("set", assigned), ("removed", removed))
        ]
    said = "; ".join(part for part in parts if part) or "nothing"
    return f"everything anew: {said}" if change.full else said


def _named(what: str, names: list[str]) -> str:
    if not names:
        return ""
    first = ", ".join(sorted(names)[:NAMED])
    rest = len(names) - NAMED
    return f"{what}: {first} and {rest} more" if rest > 0 else f"{what}: {first}"


class Findings:
    """Tells each diagnostic once, and again only after it had gone."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._told: frozenset[Diagnostic] = frozenset()

    def tell(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Log what is new among `diagnostics`, which are all there are now."""
        present = tuple(dict.fromkeys(diagnostics))
        for diagnostic in present:
            if diagnostic not in self._told:
                self._logger.log(LEVELS[diagnostic.severity], "%s", diagnostic)
        self._told = frozenset(present)
