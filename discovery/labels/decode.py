"""One container's labels, in whichever dialect they are written, to objects and diagnostics."""

from __future__ import annotations

from msgspec.structs import replace

from discovery.constraints import Constraint, Tagged
from discovery.container import Container
from discovery.decoding import values
from discovery.decoding.decoded import Decoded
from discovery.decoding.report import Report
from discovery.decoding.section import Section
from discovery.labels import v1, v3
from discovery.labels.container_reports import report_for, rules_meant
from discovery.labels.known_labels import (
    ENABLE,
    SHARED,
    TAGS,
    V1_GUARDS,
    V1_SERVED,
    V1_TUNING,
    Meaning,
    meaning,
)
from rondpoint.rules.suggestions import did_you_mean
from rondpoint.settings import DockerOptions

_KNOWN = (*SHARED, *V1_SERVED, *V1_TUNING, *V1_GUARDS, "traefik.http.routers.NAME.rule")


def decode(container: Container, options: DockerOptions, constraint: Constraint | None = None) -> Decoded:
    """What a container defines; a diagnostic says why it is not routed when it is not.

    A container with any `traefik.http.` label is read in Traefik 3's dialect and its Traefik 1 labels
    are passed over, with a note. One with labels of neither gets Traefik 1's default rule where a
    domain is set, Traefik 3's otherwise.
    """
    report = report_for(container)
    reason = _left_alone(container, options, constraint, report)
    if reason is not None:
        report.note(f"not routed: {reason}", rules_meant(container.labels))
        return Decoded(report.subject, diagnostics=report.diagnostics)
    found = {name: meaning(name) for name in sorted(container.labels)}
    _tell_unread(found, report)
    old = [name for name, means in found.items() if means.is_v1]
    if Meaning.V3_HTTP in found.values():
        if old:
            report.note(f"labels {', '.join(old)} are passed over, because traefik.http labels are given")
        decoded = v3.decode(container, options)
    elif old or (options.domain and Meaning.V3_OTHER not in found.values()):
        decoded = v1.decode(container, options)
    elif Meaning.V3_OTHER in found.values():
        decoded = Decoded(report.subject)
    else:
        decoded = v3.decode(container, options)
    return replace(decoded, diagnostics=report.diagnostics + decoded.diagnostics)


def _left_alone(
    container: Container, options: DockerOptions, constraint: Constraint | None, report: Report
) -> str | None:
    """Why a container does not count, if it does not."""
    enabled = _enabled(container, report)
    if enabled is False:
        return f"label {ENABLE} says so"
    if enabled is None and not options.exposed_by_default:
        return f"containers are not exposed by default, and label {ENABLE}=true is not given"
    if constraint is not None and not constraint(_tagged(container)):
        return f"it does not fulfil providers.{container.provider}.constraints"
    if container.stays_when_stopped:
        return None
    if not container.running:
        return f"it is not running, but {container.state}"
    if not container.healthy and not options.allow_empty_services:
        return f"its health is {container.health}"
    return None


def _tagged(container: Container) -> Tagged:
    tags = next((value for name, value in container.labels.items() if name.lower() == TAGS), "")
    return Tagged((), values.texts(tags), container.labels)


def _enabled(container: Container, report: Report) -> bool | None:
    labels = {name: value for name, value in container.labels.items() if name.lower() == ENABLE}
    section = Section(labels, "", report)
    # No switch of Traefik's, but it is plain what they mean, and the default might open what they close.
    denied = str(section.raw(ENABLE) or "").strip().lower() in _DENIALS
    return section.read(ENABLE, values.boolean, False if denied else None)


_DENIALS = frozenset(("no", "n", "off", "never", "disable", "disabled"))


def _tell_unread(found: dict[str, Meaning], report: Report) -> None:
    for name, means in found.items():
        if means is Meaning.UNKNOWN:
            report.warning(f"{report.at(name)} is unknown", did_you_mean(name, _KNOWN))
        elif means is Meaning.V3_OTHER:
            report.error(f"{report.at(name)} is not served yet", "only traefik.http labels are")
