"""What makes Rondpoint refuse to start."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.diagnostics import Diagnostic, Severity


class SettingsError(ValueError):
    """Settings that cannot be used; `diagnostics` has one item for each thing to put right.

    `warnings` are those found beside the errors.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], warnings: Iterable[Diagnostic] = ()) -> None:
        self.diagnostics = tuple(diagnostics)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(map(str, self.diagnostics)))


def error(location: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(Severity.ERROR, "settings", location, message, hint)


def warning(location: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(Severity.WARNING, "settings", location, message, hint)
