"""Filters diagnostics by a query, for the API and the dashboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from proxy.admin.current_configuration import CurrentConfiguration
from proxy.admin.views.object_status import ROUTER_KINDS, split_subject
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
        and (not unrouted or is_unrouted(item, configuration.is_in_force))
    ]


def is_unrouted(item: Diagnostic, is_in_force: Callable[[str, str], bool]) -> bool:
    """Return whether a diagnostic explains why a container, or one of its routers, gets no requests.

    `is_in_force` returns whether an object with this kind and name is in force.
    """
    if item.message.startswith(_NOT_ROUTED):
        return True
    kind, name = split_subject(item.about)
    return (
        kind in ROUTER_KINDS
        and item.severity is Severity.ERROR
        and _CONTAINER_SUBJECT.match(item.subject) is not None
        and not is_in_force(kind, name)
    )


def count_unrouted(diagnostics: Iterable[Diagnostic], is_in_force: Callable[[str, str], bool]) -> int:
    """Return the number of containers that get no requests, or none through one of their routers."""
    return len({item.subject for item in diagnostics if is_unrouted(item, is_in_force)})


def _searchable_text(item: Diagnostic) -> str:
    return f"{item.subject} {item.message} {item.hint}".lower()
