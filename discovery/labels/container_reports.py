"""Reports about containers and why they are not routed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.decoding.report import Report
from discovery.labels.container import Container
from discovery.labels.known_labels import label_kind
from rondpoint.diagnostics import lost_rules_hint

_LABELLED = ("app", "application", "container", "service")
"""Kinds whose labels are called labels; all others have tags."""


def container_report(container: Container, written: Mapping[str, str] | None = None) -> Report:
    """Create a report whose subject is the container; `written` as in Report."""
    word = "label" if container.kind in _LABELLED else "tag"
    return Report(container.provider, f"{container.kind} {container.name}", word, written or {})


def has_routing_labels(container: Container) -> bool:
    """Check whether the container has labels for routers or services."""
    return any(found.is_v1 or found.is_v3_route for found in map(label_kind, container.labels))


def report_unrouted(
    container: Container, report: Report, reason: str, label: str, protocol: str = ""
) -> None:
    """Report why a container is not routed: an error if it has labels for routes, or else a warning.

    With `protocol` (`TCP`), it is not routed over this one.
    """
    add_diagnostic = report.error if has_routing_labels(container) else report.warning
    hint = _HINTS.get((container.kind, reason)) or _HINTS.get(("", reason), "")
    hints = (hint.format(label=label), unserved_rules_hint(container.labels))
    over = f" over {protocol}" if protocol else ""
    add_diagnostic(f"not routed{over}: {reason}", "; ".join(filter(None, hints)))


def unserved_rules_hint(labels: Mapping[str, str]) -> str:
    """Return a hint with the container's rules, which are not in force; it helps to explain a host's 404."""
    return lost_rules_hint(*(labels[name] for name in sorted(labels) if _RULE.match(name)))


_RULE = re.compile(r"traefik\..+\.rule\Z", re.IGNORECASE)
_HINTS = {
    ("", "it exposes no port"): "expose one, or set label {label}",
    ("service", "it exposes no port"): "set label {label}",
    ("", "it has no address in any network"): "connect it to a network that this proxy can reach",
}
