"""Where that which a diagnostic tells of is mended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from discovery.checking.compose import Composed
from discovery.checking.line_numbers import Lines, lines_of
from discovery.checking.report import Finding
from rondpoint.diagnostics import Diagnostic

_LINE = re.compile(r"line (\d+), column \d+: ")
_SETTING = re.compile(r"(.+\.(?:toml|ya?ml)): (.+)\Z")
_OBJECT = re.compile(r"(router|service|middleware) (.+)@\w+\Z")
_SECTIONS = {
    "router": ("http.routers.{}", "frontends.{}"),
    "service": ("http.services.{}", "backends.{}"),
    "middleware": ("http.middlewares.{}",),
}

_OBJECT_WORDS = 4
"""Of `traefik.http.routers.NAME`."""


class Places:
    """The lines of all files that were looked at."""

    def __init__(self) -> None:
        self._files: dict[str, Lines] = {}
        self._services: dict[str, tuple[str, Composed]] = {}
        self._labels: dict[str, tuple[str, int]] = {}
        self._of_settings: dict[Path, Lines] = {}
        self._lines: dict[str, tuple[str, int]] = {}

    def add(self, path: Path) -> None:
        """A file of routes or settings."""
        self._files[str(path)] = lines_of(path)

    def add_compose(self, path: Path, services: Iterable[Composed]) -> None:
        """A compose file, by what was found in it."""
        for service in services:
            self._services[f"container {service.container.name}"] = (str(path), service)
            for label, line in service.labels.items():
                self._labels.setdefault(".".join(label.split(".")[:_OBJECT_WORDS]), (str(path), line))

    def add_lines(self, path: Path, lines: Mapping[str, int]) -> None:
        """Lines of a file, by the subjects of what is said of them."""
        self._lines |= {subject: (str(path), line) for subject, line in lines.items()}

    def found(self, diagnostic: Diagnostic) -> Finding:
        """The diagnostic with its place, as far as it is known."""
        file, line = self._place(diagnostic)
        return Finding(
            diagnostic.severity,
            diagnostic.source,
            diagnostic.subject,
            diagnostic.message,
            diagnostic.hint,
            file,
            line,
            diagnostic.excerpt,
        )

    def _place(self, diagnostic: Diagnostic) -> tuple[str, int]:
        subject, message = diagnostic.subject, diagnostic.message
        if said := _LINE.match(message):
            return subject, int(said[1])
        if subject in self._lines:
            return self._lines[subject]
        if subject in self._services:
            file, service = self._services[subject]
            return file, _of_label(service, message)
        if subject in self._files:
            return subject, self._files[subject].named(message)
        if setting := _SETTING.match(subject):
            path = Path(setting[1])
            shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            return str(shown), self._settings(path).named(setting[2])
        if named := _OBJECT.match(subject):
            return self._of_object(named[1], named[2])
        return "", 0

    def _settings(self, path: Path) -> Lines:
        if path not in self._of_settings:
            self._of_settings[path] = lines_of(path)
        return self._of_settings[path]

    def _of_object(self, kind: str, name: str) -> tuple[str, int]:
        for file, lines in self._files.items():
            for section in _SECTIONS[kind]:
                if line := lines.called(section.format(name)):
                    return file, line
        return self._labels.get(f"traefik.http.{kind}s.{name}".lower(), ("", 0))


def _of_label(service: Composed, message: str) -> int:
    """The line of the label that the message names first, else the service's."""
    words = message.lower()
    named = [
        (words.find(label), -len(label), line) for label, line in service.labels.items() if label in words
    ]
    return min(named)[2] if named else service.line
