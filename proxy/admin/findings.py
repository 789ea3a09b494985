"""Which diagnostics a query asks for: what both the API and the dashboard list."""

from __future__ import annotations

from collections.abc import Mapping

from proxy.admin.present import Present
from rondpoint.diagnostics import Diagnostic

_NOT_ROUTED = "not routed"
"""Begins what providers say of a container, or of a service of a catalogue, that gets no requests."""


def chosen(present: Present, query: Mapping[str, str]) -> list[Diagnostic]:
    """Those with the query's `severity` and `source`, in whose words `search` is; with `unrouted`, those
    alone that tell why something is not routed.
    """
    severity, source = query.get("severity", "").lower(), query.get("source", "")
    search = query.get("search", "").lower()
    unrouted = query.get("unrouted", "").lower() == "true"
    return [
        item
        for item in present.in_portions(present.diagnostics)
        if (not severity or item.severity.value == severity)
        and (not source or item.source == source)
        and (not search or search in _words(item))
        and (not unrouted or is_unrouted(item))
    ]


def is_unrouted(item: Diagnostic) -> bool:
    """Whether it tells why a container gets no requests."""
    return item.message.startswith(_NOT_ROUTED)


def _words(item: Diagnostic) -> str:
    return f"{item.subject} {item.message} {item.hint}".lower()
