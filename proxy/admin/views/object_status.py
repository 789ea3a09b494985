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


class Standing(Struct, frozen=True):
    """A status in Traefik's words; `errors` are empty where it is `enabled`."""

    status: Status = ENABLED
    errors: tuple[str, ...] = ()


SOUND = Standing()

_OF_OBJECTS = (Severity.ERROR, Severity.WARNING)
_OF_PLACES = (Severity.ERROR,)
"""Found in a container or a file: that an option is unknown makes no object less well, as in Traefik."""

Findings = Mapping[str, Mapping[str, tuple[Diagnostic, ...]]]
"""Kind → qualified name → what was found about that object."""


def provider_of(name: str) -> str:
    """`docker` of `hello@docker`."""
    return name.rpartition("@")[2] if "@" in name else ""


def by_object(diagnostics: Iterable[Diagnostic]) -> Findings:
    """Those that are about an object, such as `router hello@docker`, and no service of Consul's."""
    found: dict[str, dict[str, tuple[Diagnostic, ...]]] = {kind: {} for kind in KINDS}
    for diagnostic in diagnostics:
        kind, _, name = diagnostic.concerns.partition(" ")
        if (
            kind in found
            and _is_qualified(name)
            and diagnostic.severity in (_OF_PLACES if diagnostic.about else _OF_OBJECTS)
        ):
            found[kind][name] = (*found[kind].get(name, ()), diagnostic)
    return found


def _is_qualified(name: str) -> bool:
    return "@" in name and " " not in name


def standing(findings: Iterable[Diagnostic], fault: str = "") -> Standing:
    """Of an object in force; `fault` says why it serves nothing, if so."""
    errors = _messages(findings)
    if fault:
        return Standing(DISABLED, tuple(dict.fromkeys((*errors, fault))))
    return Standing(WARNING, errors) if errors else SOUND


def left_out(findings: Iterable[Diagnostic]) -> Standing | None:
    """Of an object that is not in force; None where no error speaks of it."""
    told = tuple(findings)
    if not any(diagnostic.severity is Severity.ERROR for diagnostic in told):
        return None
    return Standing(DISABLED, _messages(told))


def _messages(findings: Iterable[Diagnostic]) -> tuple[str, ...]:
    """Each once: containers of one service say the same."""
    return tuple(dict.fromkeys(diagnostic.message for diagnostic in findings))
