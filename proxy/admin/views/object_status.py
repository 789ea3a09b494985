"""The status of routers, services and middlewares, with the reasons for warnings and errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic, Severity

Status = Literal["enabled", "warning", "disabled"]

ENABLED: Status = "enabled"
WARNING: Status = "warning"
DISABLED: Status = "disabled"

HTTP_KINDS = ("router", "service", "middleware")
TCP_KINDS = ("tcp router", "tcp service", "tcp middleware")
UDP_KINDS = ("udp router", "udp service")
KINDS = (*HTTP_KINDS, *TCP_KINDS, *UDP_KINDS)
"""The kinds of objects, as diagnostics name them (in any case): `TCP router db@docker`."""

ROUTER_KINDS = ("router", "tcp router", "udp router")


class ObjectStatus(Struct, frozen=True):
    """A status in Traefik's terms; `errors` is empty if it is `enabled`."""

    status: Status = ENABLED
    errors: tuple[str, ...] = ()


WITHOUT_ERRORS = ObjectStatus()

_OBJECT_SEVERITIES = (Severity.ERROR, Severity.WARNING)
_SOURCE_SEVERITIES = (Severity.ERROR,)
"""Severities that count for diagnostics about a container or a file. As in Traefik, a warning about an
unknown option does not change the status of an object."""

DiagnosticsByObject = Mapping[str, Mapping[str, tuple[Diagnostic, ...]]]
"""Kind → qualified name → diagnostics about that object."""


def provider_of(name: str) -> str:
    """Return the provider of a qualified name: `docker` for `hello@docker`."""
    return name.rpartition("@")[2] if "@" in name else ""


def group_by_object(diagnostics: Iterable[Diagnostic]) -> DiagnosticsByObject:
    """Group diagnostics by the object they are about, such as `router hello@docker`; skip Consul services."""
    found: dict[str, dict[str, tuple[Diagnostic, ...]]] = {kind: {} for kind in KINDS}
    for diagnostic in diagnostics:
        kind, name = split_subject(diagnostic.affected)
        if (
            kind in found
            and "@" in name
            and diagnostic.severity in (_SOURCE_SEVERITIES if diagnostic.about else _OBJECT_SEVERITIES)
        ):
            found[kind][name] = (*found[kind].get(name, ()), diagnostic)
    return found


def split_subject(subject: str) -> tuple[str, str]:
    """Return the kind, in lower case, and the name in a subject such as `TCP router db@docker`."""
    kind, _, name = subject.rpartition(" ")
    return kind.lower(), name


def active_status(diagnostics: Iterable[Diagnostic], fault: str = "") -> ObjectStatus:
    """Return the status of an object in force; `fault` says why it cannot serve requests."""
    errors = _messages(diagnostics)
    if fault:
        return ObjectStatus(DISABLED, tuple(dict.fromkeys((*errors, fault))))
    return ObjectStatus(WARNING, errors) if errors else WITHOUT_ERRORS


def left_out_status(diagnostics: Iterable[Diagnostic]) -> ObjectStatus | None:
    """Return the status of an object that is not in force, or None if no error mentions it."""
    about_object = tuple(diagnostics)
    if not any(diagnostic.severity is Severity.ERROR for diagnostic in about_object):
        return None
    return ObjectStatus(DISABLED, _messages(about_object))


def _messages(diagnostics: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Return the distinct messages: the containers of a service often have the same diagnostic."""
    return tuple(dict.fromkeys(diagnostic.message for diagnostic in diagnostics))
