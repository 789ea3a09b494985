"""What a user got wrong, as data.

The API, the dashboard, the log and `rondpoint check` all show the same `Diagnostic`.
Exceptions are kept for our own faults and for the outside world's.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """How much a diagnostic takes away: `error` loses a route, `warning` a wish, `note` nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def would_serve(*rules: str) -> str:
    """A hint by which one who asks for a host of these rules finds out why they are not in force."""
    told = ", ".join(rules[:_TOLD]) + (", …" if len(rules) > _TOLD else "")
    return f"it would serve {told}" if rules else ""


_TOLD = 3


PROVIDER = "provider "
"""The subject of what is said of a provider as a whole begins so."""


class Diagnostic(Struct, frozen=True, omit_defaults=True):
    """One finding about one thing that a user wrote.

    `source` is the provider's name (`docker`, `file`) or `settings`; `subject` names the place
    (`container hello_webapp_1`, `routes.yml: http.routers.hello`); `message` says what is wrong, with
    the key and the value as written; `hint` says what would be right, and may be empty. `excerpt` is, of a
    rule that cannot be read, the text with a caret under the fault, on lines of their own. `about` names the
    object that the finding takes something from, where the subject does not: `router hello@docker`.
    """

    severity: Severity
    source: str
    subject: str
    message: str
    hint: str = ""
    excerpt: str = ""
    about: str = ""

    @property
    def concerns(self) -> str:
        """The object that it is about, if it is about one, else where it was found."""
        return self.about or self.subject

    @property
    def advice(self) -> str:
        """What is wrong, and what would be right."""
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __str__(self) -> str:
        return f"{self.source}: {self.subject}: {self.advice}"

    def lines(self) -> list[str]:
        """As a terminal shows it: in one line, and below it the excerpt."""
        return [str(self), *self.excerpt.splitlines()]
