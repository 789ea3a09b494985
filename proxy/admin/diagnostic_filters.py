"""Filters diagnostics by a query, for the API and the dashboard."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from proxy.admin.current_configuration import CurrentConfiguration
from rondpoint.diagnostics import Diagnostic, Severity

_NOT_ROUTED = "not routed"
"""Start of the diagnostics about containers, or services of a catalogue, that get no requests."""

_CONTAINER_SUBJECT = re.compile(r"container |service .*, instance ")
"""Subjects of diagnostics about containers and service instances; for files, the subject is the path."""


def filter_diagnostics(configuration: CurrentConfiguration, query: Mapping[str, str]) -> list[Diagnostic]:
    """Return the diagnostics that match the query's `severity` and `source` and contain its `search`.

    With `unrouted=true`, return only diagnostics that explain why something is not routed.
    """
    severity, source = query.get("severity", "").lower(), query.get("source", "")
    search = query.get("search", "").lower()
    unrouted = query.get("unrouted", "").lower() == "true"
    return [
        item
        for item in configuration.in_portions(configuration.diagnostics)
        if (not severity or item.severity.value == severity)
        and (not source or item.source == source)
        and (not search or search in _searchable_text(item))
        and (not unrouted or is_unrouted(item, configuration.state.routers))
    ]


def is_unrouted(item: Diagnostic, routers: Collection[str]) -> bool:
    """Return whether a diagnostic explains why a container, or one of its routers, gets no requests.

    `routers` are the names of the routers in force.
    """
    if item.message.startswith(_NOT_ROUTED):
        return True
    kind, _, name = item.about.partition(" ")
    return (
        kind == "router"
        and item.severity is Severity.ERROR
        and _CONTAINER_SUBJECT.match(item.subject) is not None
        and name not in routers
    )


def count_unrouted(diagnostics: Iterable[Diagnostic], routers: Collection[str]) -> int:
    """Return the number of containers that get no requests, or none through one of their routers."""
    return len({item.subject for item in diagnostics if is_unrouted(item, routers)})


def _searchable_text(item: Diagnostic) -> str:
    return f"{item.subject} {item.message} {item.hint}".lower()
