"""Decodes one container's labels in their dialect, Traefik 1's or Traefik 3's."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from discovery.decoding import values
from discovery.decoding.decoded import Decoded, with_layer4
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.labels import layer4, v1, v3
from discovery.labels.constraints import Constraint, ConstraintSubject, everything
from discovery.labels.container import Container
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
from discovery.labels.layer4 import is_layer4
from discovery.labels.options import LabelOptions
from discovery.labels.tls_store import read_store_labels
from rondpoint.rules.suggestions import did_you_mean, find_nearest

_SWARM = "swarm"
_KNOWN = (
    *SHARED,
    *V1_ROUTE_LABELS,
    *V1_BACKEND_OPTIONS,
    *V1_FRONTEND_OPTIONS,
    *("traefik.http.routers.NAME.rule", "traefik.tcp.routers.NAME.rule"),
    "traefik.udp.routers.NAME.entryPoints",
)


def decode(container: Container, options: LabelOptions, constraint: Constraint = everything) -> Decoded:
    """Decode what a container defines; if it is not routed, a diagnostic says why.

    A container with any `traefik.http.` label is read in Traefik 3's dialect, and its Traefik 1 labels are
    ignored with a note. A container with labels of neither dialect gets Traefik 1's default rule if a domain
    is set, and Traefik 3's otherwise; one with routers or services of TCP or UDP alone gets none. As in
    Traefik, a service of Swarm with labels below both `traefik.swarm` and `traefik.docker` is not routed.
    """
    report = container_report(container)
    if container.provider == _SWARM and _has_labels_of_both(container):
        hints = ("write them all below traefik.swarm", unserved_rules_hint(container.labels))
        message = "not routed: it has labels below both traefik.swarm and traefik.docker"
        report.error(message, "; ".join(filter(None, hints)))
        return Decoded(report.subject, diagnostics=report.diagnostics)
    reason = _skip_reason(container, options, constraint, report)
    if reason is not None:
        report.note(f"not routed: {reason}", unserved_rules_hint(container.labels))
        return Decoded(report.subject, diagnostics=report.diagnostics)
    found = {name: label_kind(name) for name in sorted(container.labels)}
    _report_unread_labels(found, report)
    old = [name for name, kind in found.items() if kind.is_v1]
    if LabelKind.V3_HTTP in found.values():
        if old:
            report.note(f"labels {', '.join(old)} are ignored, because traefik.http labels are given")
        decoded = v3.decode(container, options)
    elif old or (options.domain and not (LabelKind.V3_OTHER in found.values() or is_layer4(container))):
        decoded = v1.decode(container, options)
    elif LabelKind.V3_OTHER in found.values() or is_layer4(container):
        decoded = Decoded(report.subject)
    else:
        decoded = v3.decode(container, options)
    if LabelKind.V3_TCP in found.values() or LabelKind.V3_UDP in found.values():
        other = layer4.decode(container, options)
        decoded = replace(with_layer4(decoded, other), diagnostics=decoded.diagnostics + other.diagnostics)
    certificates = read_store_labels(container, report)
    return replace(decoded, certificates=certificates, diagnostics=report.diagnostics + decoded.diagnostics)


def _has_labels_of_both(container: Container) -> bool:
    names = [name.lower() for name in container.labels]
    return all(
        any(name.startswith(f"traefik.{provider}.") for name in names) for provider in (_SWARM, "docker")
    )


def _skip_reason(
    container: Container, options: LabelOptions, constraint: Constraint, report: Report
) -> str | None:
    """Return why a container is skipped, or None if it is not."""
    enabled = _enabled(container, report)
    if enabled is False:
        return f"label {ENABLE} disables it"
    if enabled is None and (misspelt := _misspelt_denial(container.labels)):
        report.warning(f"{report.at(misspelt)} is unknown", f"did you mean {ENABLE}?")
        return f"label {misspelt} is most likely meant to disable it"
    if enabled is None and not options.exposed_by_default:
        return f"{container.kind}s are not exposed by default, and label {ENABLE}=true is not given"
    if not constraint(_constraint_subject(container)):
        return f"it does not match providers.{container.provider}.constraints"
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
    # Traefik does not accept these words, but their meaning is clear, and the default might expose the
    # container.
    denied = _denies(str(section.raw(ENABLE) or ""))
    return section.read(ENABLE, values.boolean, False if denied else None)


def _misspelt_denial(labels: Mapping[str, str]) -> str | None:
    """Return the name of a label such as `traefik.enabled=false`; without one, return None.

    Traefik 3 does not route such a container either, because it cannot decode the label.
    """
    return next(
        (
            name
            for name, value in labels.items()
            if label_kind(name) is LabelKind.UNKNOWN
            and (_denies(value) or value.strip().lower() in _FALSE)
            and find_nearest(name, _KNOWN) == ENABLE
        ),
        None,
    )


def _denies(value: str) -> bool:
    return value.strip().lower() in _DENIALS


_FALSE = frozenset(("false", "f", "0"))
_DENIALS = frozenset(("no", "n", "off", "never", "disable", "disabled"))


def _report_unread_labels(found: dict[str, LabelKind], report: Report) -> None:
    for name, kind in found.items():
        if kind is LabelKind.UNKNOWN:
            report.warning(f"{report.at(name)} is unknown", did_you_mean(name, _KNOWN))
        elif kind is LabelKind.V3_OTHER:
            hint = "define certificates and TLS options in a file, and refer to options as NAME@file"
            report.error(f"{report.at(name)} is not served in labels, as in Traefik", hint)
