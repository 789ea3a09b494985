"""The parts of Rondpoint that are closed because an option that protects them is not served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rondpoint.diagnostics import Diagnostic, Severity

_ENTRY_POINT, _PROVIDER = "entry point ", "provider "


@dataclass(frozen=True, slots=True)
class ClosedPart:
    """A part that is closed because the option `key`, written at `location`, is not served.

    `part` is `entry point NAME` or `provider NAME`. `hint` says what to do instead.
    """

    part: str
    key: str
    location: str
    hint: str

    @property
    def diagnostic(self) -> Diagnostic:
        message = f"{self.key} is not served yet, so {_EFFECTS.get(self.part) or _format_effect(self.part)}"
        return Diagnostic(Severity.ERROR, "settings", self.location, message, self.hint, about=self.part)


_EFFECTS = {
    "entry point traefik": "entry point traefik is closed: it only responds to /ping",
}


def entry_point_part(name: str) -> str:
    """Return the `part` of an entry point."""
    return _ENTRY_POINT + name


def provider_part(name: str) -> str:
    """Return the `part` of a provider."""
    return _PROVIDER + name


def format_reason(closed_parts: Iterable[ClosedPart], part: str) -> str:
    """Return why `part` is closed, or an empty text if it is open."""
    keys = list(dict.fromkeys(each.key for each in closed_parts if each.part == part))
    return f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'} not served yet" if keys else ""


def _format_effect(part: str) -> str:
    if part.startswith(_PROVIDER):
        return f"{part} is closed: it reads nothing, and has no routes"
    return f"{part} is closed: its routers respond with 503"
