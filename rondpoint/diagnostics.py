"""Diagnostics: users' errors as data.

The API, the dashboard, the log and `rondpoint check` all show the same `Diagnostic`. Exceptions are only for
errors of Rondpoint itself and of the systems around it.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """The effect of a diagnostic: `error` loses a route, `warning` an option, `note` nothing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


def lost_rules_hint(*rules: str) -> str:
    """Return a hint with the rules that are not in force; a search for one of their hosts finds it."""
    listed = ", ".join(rules[:_MAX_RULES]) + (", …" if len(rules) > _MAX_RULES else "")
    return f"it would serve {listed}" if rules else ""


_MAX_RULES = 3


PROVIDER = "provider "
"""Prefix of the subject of a diagnostic about a whole provider."""


class Diagnostic(Struct, frozen=True, omit_defaults=True):
    """One diagnostic about something that a user wrote.

    `source` is the provider's name (`docker`, `file`) or `settings`; `subject` names the location
    (`container hello_webapp_1`, `routes.yml: http.routers.hello`); `message` says what is wrong, with
    the key and the value as written; `hint` says what would be right, and may be empty. `excerpt` is the text
    of an invalid rule, with a caret under the error on a second line. `about` names the affected object
    (`router hello@docker`) if the subject does not.
    """

    severity: Severity
    source: str
    subject: str
    message: str
    hint: str = ""
    excerpt: str = ""
    about: str = ""

    @property
    def affected(self) -> str:
        """The affected object if there is one, else the subject."""
        return self.about or self.subject

    @property
    def message_with_hint(self) -> str:
        """The message, followed by the hint in parentheses if there is one."""
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __str__(self) -> str:
        return f"{self.source}: {self.subject}: {self.message_with_hint}"

    def lines(self) -> list[str]:
        """Return the lines for a terminal: the diagnostic in one line, then the excerpt."""
        return [str(self), *self.excerpt.splitlines()]
