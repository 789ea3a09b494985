"""Converts a decoder's diagnostic into one about a field of the request body."""

from __future__ import annotations

import re

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.store.admin.proposals import FieldDiagnostic

_UNKNOWN = " is unknown"

_WITHIN = re.compile(r"(?:\.[^\s=:,.\[\]]+|\[\d+\])+")
_WHOLE = re.compile(r"[A-Za-z0-9_-]+(?:\.[^\s=:,\[\]]+|\[\d+\])*(?=[\s=:,]|\Z)")


def to_field_diagnostic(diagnostic: Diagnostic, parent: str, *, strict: bool) -> FieldDiagnostic:
    """Convert a diagnostic; `parent` is the key of the object in the request, such as `http.routers.shop`.

    For a whole tree `parent` is empty.

    With `strict`, an unknown name is an error, not only a warning.
    """
    error = diagnostic.severity is Severity.ERROR or (strict and diagnostic.message.endswith(_UNKNOWN))
    path, message = _path(diagnostic.message, parent)
    return FieldDiagnostic(message, path, diagnostic.hint, error)


def _path(message: str, parent: str) -> tuple[str, str]:
    """Return the field that a message begins with, and the message without the key of the object."""
    if not parent:
        found = _WHOLE.match(message)
        return (found[0] if found and ("." in found[0] or found[0].islower()) else ""), message
    if not message.startswith(parent):
        return "", message
    rest = message[len(parent) :]
    found = _WITHIN.match(rest)
    if found is None:
        return "", rest.lstrip(" :") or message
    path = found[0].removeprefix(".")
    return path, rest.removeprefix(".")
