"""From a decoder's diagnostic to a finding about a field of what was sent."""

from __future__ import annotations

import re

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.admin.proposals import FieldDiagnostic

_UNKNOWN = " is unknown"

_WITHIN = re.compile(r"(?:\.[^\s=:,.\[\]]+|\[\d+\])+")
_WHOLE = re.compile(r"[A-Za-z0-9_-]+(?:\.[^\s=:,\[\]]+|\[\d+\])*(?=[\s=:,]|\Z)")


def to_field_diagnostic(diagnostic: Diagnostic, above: str, *, strict: bool) -> FieldDiagnostic:
    """`above` is the key of the object that was sent, such as `http.routers.shop`; empty for a whole tree.

    When `strict`, a name that is not known is an error, and not only told of.
    """
    error = diagnostic.severity is Severity.ERROR or (strict and diagnostic.message.endswith(_UNKNOWN))
    path, message = _path(diagnostic.message, above)
    return FieldDiagnostic(message, path, diagnostic.hint, error)


def _path(message: str, above: str) -> tuple[str, str]:
    """The field that a message begins with, and the message in terms of what was sent."""
    if not above:
        found = _WHOLE.match(message)
        return (found[0] if found and ("." in found[0] or found[0].islower()) else ""), message
    if not message.startswith(above):
        return "", message
    rest = message[len(above) :]
    found = _WITHIN.match(rest)
    if found is None:
        return "", rest.lstrip(" :") or message
    path = found[0].removeprefix(".")
    return path, rest.removeprefix(".")
