"""Finds the file and line that a diagnostic is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from discovery.checking.compose import ComposeService
from discovery.checking.line_numbers import KeyLines, read_key_lines
from discovery.checking.report import LocatedDiagnostic
from rondpoint.diagnostics import Diagnostic

_LINE = re.compile(r"line (\d+), column \d+: ")
_SETTING = re.compile(r"(.+\.(?:toml|ya?ml)): (.+)\Z")
_OBJECT = re.compile(r"(?:(TCP|UDP) )?(router|service|middleware|serversTransport) (.+)@\w+\Z")
_V1_SECTIONS = {"router": "frontends", "service": "backends"}

_OBJECT_LABEL_WORDS = 4
"""The number of words in `traefik.http.routers.NAME`."""


class Locations:
    """The line numbers of all checked files."""

    def __init__(self) -> None:
        self._files: dict[str, KeyLines] = {}
        self._services: dict[str, tuple[str, ComposeService]] = {}
        self._labels: dict[str, tuple[str, int]] = {}
        self._settings_files: dict[Path, KeyLines] = {}
        self._subjects: dict[str, tuple[str, int]] = {}

    def add_file(self, path: Path, environ: Mapping[str, str]) -> None:
        """Add a route file, with the variables for its templates."""
        self._files[str(path)] = read_key_lines(path, environ)

    def add_compose(self, path: Path, services: Iterable[ComposeService]) -> None:
        """Add a compose file with these services."""
        for service in services:
            self._services[f"{service.container.kind} {service.container.name}"] = (str(path), service)
            for label, line in service.labels.items():
                object_label = ".".join(label.split(".")[:_OBJECT_LABEL_WORDS])
                self._labels.setdefault(object_label, (str(path), line))

    def add_subjects(self, path: Path, lines: Mapping[str, int]) -> None:
        """Add lines of a file for the subjects of diagnostics."""
        self._subjects |= {subject: (str(path), line) for subject, line in lines.items()}

    def locate(self, diagnostic: Diagnostic) -> LocatedDiagnostic:
        """Return the diagnostic with its file and line, if they are known."""
        file, line = self._find(diagnostic)
        return LocatedDiagnostic(
            diagnostic.severity,
            diagnostic.source,
            diagnostic.subject,
            diagnostic.message,
            diagnostic.hint,
            file,
            line,
            diagnostic.excerpt,
        )

    def _find(self, diagnostic: Diagnostic) -> tuple[str, int]:
        subject, message = diagnostic.subject, diagnostic.message
        if syntax_error := _LINE.match(message):
            return subject, int(syntax_error[1])
        if subject in self._subjects:
            return self._subjects[subject]
        if subject in self._services:
            file, service = self._services[subject]
            return file, _label_line(service, message)
        if subject in self._files:
            return subject, self._files[subject].line_of_message(message)
        if setting := _SETTING.match(subject):
            path = Path(setting[1])
            shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
            return str(shown), self._settings_lines(path).line_of_message(setting[2])
        if named_object := _OBJECT.match(subject):
            return self._find_object((named_object[1] or "http").lower(), named_object[2], named_object[3])
        return "", 0

    def _settings_lines(self, path: Path) -> KeyLines:
        if path not in self._settings_files:
            self._settings_files[path] = read_key_lines(path)
        return self._settings_files[path]

    def _find_object(self, protocol: str, kind: str, name: str) -> tuple[str, int]:
        own = f"{protocol}.{kind}s.{name}"
        older = _V1_SECTIONS.get(kind) if protocol == "http" else None
        for file, lines in self._files.items():
            for key in filter(None, (own, older and f"{older}.{name}")):
                if line := lines.line_of_name(key):
                    return file, line
        return self._labels.get(f"traefik.{own}".lower(), ("", 0))


def _label_line(service: ComposeService, message: str) -> int:
    """Return the line of the label that the message names first, else the line of the service."""
    text = message.lower()
    labels = [
        (text.find(label), -len(label), line) for label, line in service.labels.items() if label in text
    ]
    return min(labels)[2] if labels else service.line
