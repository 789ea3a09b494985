"""Collects the diagnostics of one decoding, and names keys as the user wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from rondpoint.certificate_options import is_pem
from rondpoint.diagnostics import Diagnostic, Severity

_MAX_LENGTH = 200
_MAX_NAMES = 10
_AS_READ: Mapping[str, str] = MappingProxyType({})


def format_value(value: object) -> str:
    """Return a value as messages show it: text in quotes, at most 200 characters, and no PEM text."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if is_pem(text):
        # It may be a private key.
        return "PEM text"
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def format_names(names: Iterable[str]) -> str:
    """Return the first ten names in alphabetical order, separated by commas."""
    ordered = sorted(names)
    return ", ".join(ordered[:_MAX_NAMES]) + (", …" if len(ordered) > _MAX_NAMES else "")


class Report:
    """Collects diagnostics about one `subject` (`container hello_1`, `routes.yml`) of one provider.

    Messages put `word` before keys that begin with `traefik.`: `label` for containers, nothing for files.
    `written` maps keys in lower case to the spelling that the user wrote, if a decoder reads another one.
    """

    def __init__(
        self, source: str, subject: str, word: str = "", written: Mapping[str, str] = _AS_READ
    ) -> None:
        self.source = source
        self.subject = subject
        self._prefix = f"{word} " if word else ""
        self._written = written
        self._diagnostics: list[Diagnostic] = []
        self._about = ""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All diagnostics without duplicates, in the order of their reports."""
        return tuple(dict.fromkeys(self._diagnostics))

    def error(self, message: str, hint: str = "", excerpt: str = "") -> None:
        self._add(Severity.ERROR, message, hint, excerpt)

    def warning(self, message: str, hint: str = "") -> None:
        self._add(Severity.WARNING, message, hint)

    def note(self, message: str, hint: str = "") -> None:
        self._add(Severity.NOTE, message, hint)

    @contextmanager
    def about(self, kind: str, name: str) -> Iterator[None]:
        """Mark all diagnostics in this context as being about the object of this kind and qualified name."""
        before, self._about = self._about, f"{kind} {name}"
        try:
            yield
        finally:
            self._about = before

    def at(self, key: str, value: object = None) -> str:
        """Return the beginning of a message about `key`, such as `label traefik.port="x"`.

        In a file, it is `http.routers.a.rule="x"`.
        """
        key = self._written.get(key.lower(), key)
        prefix = self._prefix if key.lower().startswith("traefik.") else ""
        return f"{prefix}{key}" if value is None else f"{prefix}{key}={format_value(value)}"

    def _add(self, severity: Severity, message: str, hint: str, excerpt: str = "") -> None:
        found = Diagnostic(
            severity, self.source, self.subject, message, hint, excerpt=excerpt, about=self._about
        )
        self._diagnostics.append(found)
