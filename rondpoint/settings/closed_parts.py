"""What is closed because an option that guards it is not served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rondpoint.diagnostics import Diagnostic, Severity

CHANGES = "changes"
"""Requests to the API that change something."""

METRICS = "metrics"
"""`/metrics`, wherever it is asked for."""

LOCAL_ONLY = "take it out, and set entryPoints.traefik.address=127.0.0.1:8080, or one behind a proxy with TLS"
"""What to do about TLS at the admin entry point."""

_ENTRY_POINT, _PROVIDER = "entry point ", "provider "


@dataclass(frozen=True, slots=True)
class ClosedPart:
    """`what` is closed for want of the option `key`, which is written at `place`.

    `what` is `entry point NAME`, `provider NAME`, CHANGES or METRICS. `mend` says what to do instead.
    """

    part: str
    key: str
    location: str
    hint: str

    @property
    def diagnostic(self) -> Diagnostic:
        message = f"{self.key} is not served yet, so {_EFFECTS.get(self.part) or _effect(self.part)}"
        return Diagnostic(Severity.ERROR, "settings", self.location, message, self.hint, about=self.part)


_EFFECTS = {
    "entry point traefik": "entry point traefik is closed: it answers nothing but /ping",
    CHANGES: "the API refuses changes",
    METRICS: "/metrics answers 503",
}


def entry_point(name: str) -> str:
    """`what` is closed, of an entry point."""
    return _ENTRY_POINT + name


def provider(name: str) -> str:
    """`what` is closed, of a provider."""
    return _PROVIDER + name


def reason(closed: Iterable[ClosedPart], part: str) -> str:
    """Why this is closed; empty where it is not."""
    keys = list(dict.fromkeys(each.key for each in closed if each.part == part))
    return f"{', '.join(keys)} {'is' if len(keys) == 1 else 'are'} not served yet" if keys else ""


def _effect(part: str) -> str:
    if part.startswith(_PROVIDER):
        return f"{part} is closed: it reads nothing, and has no routes"
    return f"{part} is closed: its routers answer 503"
