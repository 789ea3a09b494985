"""The error for settings with which Rondpoint cannot start, and diagnostics about settings."""

from __future__ import annotations

from collections.abc import Iterable

from rondpoint.diagnostics import Diagnostic, Severity


class SettingsError(ValueError):
    """Unusable settings: `diagnostics` has one item for each error, `warnings` those found besides."""

    def __init__(self, diagnostics: Iterable[Diagnostic], warnings: Iterable[Diagnostic] = ()) -> None:
        self.diagnostics = tuple(diagnostics)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(map(str, self.diagnostics)))


def error(location: str, message: str, hint: str = "") -> Diagnostic:
    """Return an error about the setting at `location`."""
    return Diagnostic(Severity.ERROR, "settings", location, message, hint)


def note(location: str, message: str, hint: str = "") -> Diagnostic:
    """Return a note about the setting at `location`, for something that loses nothing."""
    return Diagnostic(Severity.NOTE, "settings", location, message, hint)


def warning(location: str, message: str, hint: str = "") -> Diagnostic:
    """Return a warning about the setting at `location`."""
    return Diagnostic(Severity.WARNING, "settings", location, message, hint)
