"""Whether an object does what it was written for, and why it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic, Severity

Status = Literal["enabled", "warning", "disabled"]

ENABLED: Status = "enabled"
WARNING: Status = "warning"
DISABLED: Status = "disabled"

KINDS = ("router", "service", "middleware")


class ObjectStatus(Struct, frozen=True):
    """A status in Traefik's words; `errors` are empty where it is `enabled`."""

    status: Status = ENABLED
    errors: tuple[str, ...] = ()


WITHOUT_ERRORS = ObjectStatus()

_OBJECT_SEVERITIES = (Severity.ERROR, Severity.WARNING)
_SOURCE_SEVERITIES = (Severity.ERROR,)
"""Found in a container or a file: that an option is unknown makes no object less well, as in Traefik."""

DiagnosticsByObject = Mapping[str, Mapping[str, tuple[Diagnostic, ...]]]
"""Kind → qualified name → what was found about that object."""


def provider_of(name: str) -> str:
    """`docker` of `hello@docker`."""
    return name.rpartition("@")[2] if "@" in name else ""


def group_by_object(diagnostics: Iterable[Diagnostic]) -> DiagnosticsByObject:
    """Those that are about an object, such as `router hello@docker`, and no service of Consul's."""
    found: dict[str, dict[str, tuple[Diagnostic, ...]]] = {kind: {} for kind in KINDS}
    for diagnostic in diagnostics:
        kind, _, name = diagnostic.concerns.partition(" ")
        if (
            kind in found
            and _is_qualified(name)
            and diagnostic.severity in (_SOURCE_SEVERITIES if diagnostic.about else _OBJECT_SEVERITIES)
        ):
            found[kind][name] = (*found[kind].get(name, ()), diagnostic)
    return found


def _is_qualified(name: str) -> bool:
    return "@" in name and " " not in name


def active_status(findings: Iterable[Diagnostic], fault: str = "") -> ObjectStatus:
    """Of an object in force; `fault` says why it serves nothing, if so."""
    errors = _messages(findings)
    if fault:
        return ObjectStatus(DISABLED, tuple(dict.fromkeys((*errors, fault))))
    return ObjectStatus(WARNING, errors) if errors else WITHOUT_ERRORS


def left_out_status(findings: Iterable[Diagnostic]) -> ObjectStatus | None:
    """Of an object that is not in force; None where no error speaks of it."""
    about_object = tuple(findings)
    if not any(diagnostic.severity is Severity.ERROR for diagnostic in about_object):
        return None
    return ObjectStatus(DISABLED, _messages(about_object))


def _messages(findings: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Each once: containers of one service say the same."""
    return tuple(dict.fromkeys(diagnostic.message for diagnostic in findings))
