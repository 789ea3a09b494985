"""Which diagnostics a query asks for: what both the API and the dashboard list."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from proxy.admin.current_configuration import Present
from rondpoint.diagnostics import Diagnostic, Severity

_NOT_ROUTED = "not routed"
"""Begins what providers say of a container, or of a service of a catalogue, that gets no requests."""

_OF_CONTAINERS = re.compile(r"container |service .*, instance ")
"""What they call them; files are called by their path."""


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
        and (not unrouted or is_unrouted(item, present.state.routers))
    ]


def is_unrouted(item: Diagnostic, routers: Collection[str]) -> bool:
    """Whether it tells why a container gets no requests, or not by one of its routers.

    `routers` are those in force.
    """
    if item.message.startswith(_NOT_ROUTED):
        return True
    kind, _, name = item.about.partition(" ")
    return (
        kind == "router"
        and item.severity is Severity.ERROR
        and _OF_CONTAINERS.match(item.subject) is not None
        and name not in routers
    )


def unrouted(diagnostics: Iterable[Diagnostic], routers: Collection[str]) -> int:
    """How many containers they tell of that get no requests, or not by one of their routers."""
    return len({item.subject for item in diagnostics if is_unrouted(item, routers)})


def _words(item: Diagnostic) -> str:
    return f"{item.subject} {item.message} {item.hint}".lower()
