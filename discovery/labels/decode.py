"""One container's labels, in whichever dialect they are written, to objects and diagnostics."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.constraints import Constraint, ConstraintSubject
from discovery.container import Container
from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.labels import v1, v3
from discovery.labels.container_reports import container_report, unserved_rules_hint
from discovery.labels.known_labels import (
    ENABLE,
    SHARED,
    TAGS,
    V1_BACKEND_OPTIONS,
    V1_FRONTEND_OPTIONS,
    V1_ROUTE_LABELS,
    LabelKind,
    label_kind,
)
from rondpoint.rules.suggestions import did_you_mean
from rondpoint.settings import DockerOptions

_KNOWN = (
    *SHARED,
    *V1_ROUTE_LABELS,
    *V1_BACKEND_OPTIONS,
    *V1_FRONTEND_OPTIONS,
    "traefik.http.routers.NAME.rule",
)


def decode(container: Container, options: DockerOptions, constraint: Constraint | None = None) -> Decoded:
    """What a container defines; a diagnostic says why it is not routed when it is not.

    A container with any `traefik.http.` label is read in Traefik 3's dialect and its Traefik 1 labels
    are passed over, with a note. One with labels of neither gets Traefik 1's default rule where a
    domain is set, Traefik 3's otherwise.
    """
    report = container_report(container)
    reason = _skip_reason(container, options, constraint, report)
    if reason is not None:
        report.note(f"not routed: {reason}", unserved_rules_hint(container.labels))
        return Decoded(report.subject, diagnostics=report.diagnostics)
    found = {name: label_kind(name) for name in sorted(container.labels)}
    _report_unread_labels(found, report)
    old = [name for name, kind in found.items() if kind.is_v1]
    if LabelKind.V3_HTTP in found.values():
        if old:
            report.note(f"labels {', '.join(old)} are passed over, because traefik.http labels are given")
        decoded = v3.decode(container, options)
    elif old or (options.domain and LabelKind.V3_OTHER not in found.values()):
        decoded = v1.decode(container, options)
    elif LabelKind.V3_OTHER in found.values():
        decoded = Decoded(report.subject)
    else:
        decoded = v3.decode(container, options)
    return replace(decoded, diagnostics=report.diagnostics + decoded.diagnostics)


def _skip_reason(
    container: Container, options: DockerOptions, constraint: Constraint | None, report: Report
) -> str | None:
    """Why a container does not count, if it does not."""
    enabled = _enabled(container, report)
    if enabled is False:
        return f"label {ENABLE} says so"
    if enabled is None and not options.exposed_by_default:
        return f"containers are not exposed by default, and label {ENABLE}=true is not given"
    if constraint is not None and not constraint(_constraint_subject(container)):
        return f"it does not fulfil providers.{container.provider}.constraints"
    if container.stays_when_stopped:
        return None
    if not container.running:
        return f"it is not running, but {container.state}"
    if not container.healthy and not options.allow_empty_services:
        return f"its health is {container.health}"
    return None


def _constraint_subject(container: Container) -> ConstraintSubject:
    tags = next((value for name, value in container.labels.items() if name.lower() == TAGS), "")
    return ConstraintSubject((), values.texts(tags), container.labels)


def _enabled(container: Container, report: Report) -> bool | None:
    labels = {name: value for name, value in container.labels.items() if name.lower() == ENABLE}
    section = Section(labels, "", report)
    # No switch of Traefik's, but it is plain what they mean, and the default might open what they close.
    denied = str(section.raw(ENABLE) or "").strip().lower() in _DENIALS
    return section.read(ENABLE, values.boolean, False if denied else None)


_DENIALS = frozenset(("no", "n", "off", "never", "disable", "disabled"))


def _report_unread_labels(found: dict[str, LabelKind], report: Report) -> None:
    for name, kind in found.items():
        if kind is LabelKind.UNKNOWN:
            report.warning(f"{report.at(name)} is unknown", did_you_mean(name, _KNOWN))
        elif kind is LabelKind.V3_OTHER:
            report.error(f"{report.at(name)} is not served yet", "only traefik.http labels are")
