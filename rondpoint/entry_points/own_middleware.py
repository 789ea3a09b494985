"""A middleware that only one entry point has, made of its settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.middlewares.canonical import canonicalise
from rondpoint.model import Middleware

SOURCE = "settings"


class OwnMiddleware(Struct, frozen=True):
    """The middleware, and diagnostics about its options."""

    middleware: Middleware
    diagnostics: tuple[Diagnostic, ...] = ()


def make_own_middleware(
    entry_point: str, name: str, kind: str, options: Mapping[str, Any], *, section: str = ""
) -> OwnMiddleware:
    """Return the middleware `name`; it is unusable if options are invalid.

    `section` is the section of the entry point's settings with the options.
    """
    found = canonicalise(kind, options, str)
    place = ".".join(filter(None, ("entryPoints", entry_point, section)))
    return OwnMiddleware(
        Middleware(name, kind, found.options, unusable=not found.usable),
        tuple(
            report(
                entry_point,
                f"{'.'.join((place, *fault.path))} {fault.message}",
                fault.hint,
                Severity.ERROR if fault.fatal else Severity.WARNING,
            )
            for fault in found.errors
        ),
    )


def report(entry_point: str, message: str, hint: str = "", severity: Severity = Severity.ERROR) -> Diagnostic:
    """Return a diagnostic about an entry point."""
    subject = f"entry point {entry_point}"
    return Diagnostic(severity, SOURCE, subject, message, hint)
