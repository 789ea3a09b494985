"""How a decoder tells its findings: one list, and the place of each said in the reader's own terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from rondpoint.diagnostics import Diagnostic, Severity

_MAX_LENGTH = 200
_MAX_NAMES = 10
_AS_READ: Mapping[str, str] = MappingProxyType({})


def format_value(value: object) -> str:
    """A value as a message shows it: quoted when text, and never a page long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _MAX_LENGTH else f"{text[:_MAX_LENGTH]}…"


def format_names(names: Iterable[str]) -> str:
    """Names in order, the first ten of them."""
    ordered = sorted(names)
    return ", ".join(ordered[:_MAX_NAMES]) + (", …" if len(ordered) > _MAX_NAMES else "")


class Report:
    """Collects diagnostics about one `subject` (`container hello_1`, `routes.yml`) of one provider.

    `word` comes before keys that begin with `traefik.`: `label` for containers, nothing for files. `written`
    tells how a key, in lower case, was spelled where that is not as it is read.
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
        """Each once, in the order they were found."""
        return tuple(dict.fromkeys(self._diagnostics))

    def error(self, message: str, hint: str = "", excerpt: str = "") -> None:
        self._add(Severity.ERROR, message, hint, excerpt)

    def warning(self, message: str, hint: str = "") -> None:
        self._add(Severity.WARNING, message, hint)

    def note(self, message: str, hint: str = "") -> None:
        self._add(Severity.NOTE, message, hint)

    @contextmanager
    def about(self, kind: str, name: str) -> Iterator[None]:
        """What is told until its end is about the object of this kind and qualified name."""
        before, self._about = self._about, f"{kind} {name}"
        try:
            yield
        finally:
            self._about = before

    def at(self, key: str, value: object = None) -> str:
        """The beginning of a message about `key`: `label traefik.port="x"`, `http.routers.a.rule="x"`."""
        key = self._written.get(key.lower(), key)
        prefix = self._prefix if key.lower().startswith("traefik.") else ""
        return f"{prefix}{key}" if value is None else f"{prefix}{key}={format_value(value)}"

    def _add(self, severity: Severity, message: str, hint: str, excerpt: str = "") -> None:
        found = Diagnostic(
            severity, self.source, self.subject, message, hint, excerpt=excerpt, about=self._about
        )
        self._diagnostics.append(found)
