"""Log texts of the agent for revisions and diagnostics."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.change import Change

MAX_NAMES = 5
"""Largest number of objects that one log line names; further ones are counted."""

LEVELS: Mapping[Severity, int] = {
    Severity.ERROR: logging.ERROR,
    Severity.WARNING: logging.WARNING,
    Severity.NOTE: logging.INFO,
}


def summarise(change: Change) -> str:
    """Describe a change in words: `services set: hello@docker; routers removed: old@file`."""
    kinds = (
        ("routers", change.routers),
        ("services", change.services),
        ("middlewares", change.middlewares),
        ("TLS options", change.tls_options),
        ("certificates", change.certificates),
        ("TCP routers", change.tcp_routers),
        ("TCP services", change.tcp_services),
        ("TCP middlewares", change.tcp_middlewares),
        ("UDP routers", change.udp_routers),
        ("UDP services", change.udp_services),
    )
    parts = []
    for kind, objects in kinds:
        assigned = [name for name, value in objects.items() if value is not None]
        removed = [name for name, value in objects.items() if value is None]
        parts += [
            _named(f"{kind} {verb}", names) for verb, names in (("set", assigned), ("removed", removed))
        ]
    text = "; ".join(part for part in parts if part) or "nothing"
    return f"everything is published again: {text}" if change.full else text


def _named(what: str, names: list[str]) -> str:
    if not names:
        return ""
    first = ", ".join(sorted(names)[:MAX_NAMES])
    rest = len(names) - MAX_NAMES
    return f"{what}: {first} and {rest} more" if rest > 0 else f"{what}: {first}"


class DiagnosticLog:
    """Logs each diagnostic once, and again only if it returns after it was resolved."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._logged: frozenset[Diagnostic] = frozenset()

    def log_new(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Log the new ones among `diagnostics`, which are all current diagnostics."""
        current = tuple(dict.fromkeys(diagnostics))
        for diagnostic in current:
            if diagnostic not in self._logged:
                self._logger.log(LEVELS[diagnostic.severity], "%s", diagnostic)
        self._logged = frozenset(current)
