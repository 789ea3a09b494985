"""How containers are spoken of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.container import Container
from discovery.decoding.report import Report
from discovery.labels.known_labels import LabelKind, label_kind
from rondpoint.diagnostics import would_serve


def container_report(container: Container, written: Mapping[str, str] | None = None) -> Report:
    """A report whose subject is the container; `written` as in Report."""
    word = "label" if container.kind == "container" else "tag"
    return Report(container.provider, f"{container.kind} {container.name}", word, written or {})


def has_routing_labels(container: Container) -> bool:
    """Whether its labels say anything of routers or services, rather than nothing at all."""
    return any(found.is_v1 or found is LabelKind.V3_HTTP for found in map(label_kind, container.labels))


def report_unrouted(container: Container, report: Report, reason: str, label: str) -> None:
    """Say why a container that counts is not routed: an error only where its labels ask for routes."""
    add_diagnostic = report.error if has_routing_labels(container) else report.warning
    hints = (_HINTS.get(reason, "").format(label=label), unserved_rules_hint(container.labels))
    add_diagnostic(f"not routed: {reason}", "; ".join(filter(None, hints)))


def unserved_rules_hint(labels: Mapping[str, str]) -> str:
    """The rules that are not in force, so that who asks for one of their hosts finds out why."""
    return would_serve(*(labels[name] for name in sorted(labels) if _RULE.match(name)))


_RULE = re.compile(r"traefik\..+\.rule\Z", re.IGNORECASE)
_HINTS = {
    "it exposes no port": "expose one, or set label {label}",
    "it has no address in any network": "attach it to a network that this proxy reaches",
}
