"""How containers are spoken of."""

from __future__ import annotations

import re
from collections.abc import Mapping

from discovery.container import Container
from discovery.decoding.report import Report
from discovery.labels.known_labels import Meaning, meaning
from rondpoint.diagnostics import would_serve


def report_for(container: Container, written: Mapping[str, str] | None = None) -> Report:
    """A report whose subject is the container; `written` as in Report."""
    word = "label" if container.kind == "container" else "tag"
    return Report(container.provider, f"{container.kind} {container.name}", word, written or {})


def asks_for_routes(container: Container) -> bool:
    """Whether its labels say anything of routers or services, rather than nothing at all."""
    return any(found.is_v1 or found is Meaning.V3_HTTP for found in map(meaning, container.labels))


def tell_unrouted(container: Container, report: Report, reason: str, label: str) -> None:
    """Say why a container that counts is not routed: an error only where its labels ask for routes."""
    tell = report.error if asks_for_routes(container) else report.warning
    hints = (_HINTS.get(reason, "").format(label=label), rules_meant(container.labels))
    tell(f"not routed: {reason}", "; ".join(filter(None, hints)))


def rules_meant(labels: Mapping[str, str]) -> str:
    """The rules that are not in force, so that who asks for one of their hosts finds out why."""
    return would_serve(*(labels[name] for name in sorted(labels) if _RULE.match(name)))


_RULE = re.compile(r"traefik\..+\.rule\Z", re.IGNORECASE)
_HINTS = {
    "it exposes no port": "expose one, or set label {label}",
    "it has no address in any network": "attach it to a network that this proxy reaches",
}
