"""Finds the services of a compose file that run Traefik or Rondpoint, and how they are started."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from discovery.checking.compose import key_value_pairs
from discovery.checking.line_numbers import Key, KeyLines
from discovery.checking.mounts import Mounts, read_mounts
from discovery.checking.variables import Variables, read_env_file, unset_hint
from discovery.decoding.section import Tree
from rondpoint.diagnostics import Diagnostic, Severity

TRAEFIK, RONDPOINT = "traefik", "rondpoint"
UP, AGENT, PROXY = "up", "agent", "proxy"
ROLES = (UP, AGENT, PROXY)

NEWEST = 3
"""The version of Traefik that is assumed if the image's tag names none."""

SETTINGS = "settings"

_REGISTRATOR = "registrator"
_OTHER_TRAEFIK_COMMANDS = ("storeconfig", "healthcheck", "version", "bug")
_SHELLS = ("sh", "ash", "bash")
_STARTERS = ("entrypoint.sh", "docker-entrypoint.sh", "tini", "dumb-init", "--")
"""Programs that an entry point may run before the proxy."""

_VARIABLE = re.compile(r"(?:TRAEFIK|RONDPOINT|DOCKER)_", re.IGNORECASE)
_VERSION = re.compile(r"v?(\d+)")


class WrittenValue(Struct, frozen=True):
    """A flag or a variable's value, with its line in the compose file."""

    text: str
    line: int


class Proxy(Struct, frozen=True):
    """A service that runs a proxy.

    `role` is the command of Rondpoint (`up`, `agent`, `proxy`); it is `up` for Traefik. `version` is
    Traefik's major version, 0 for Rondpoint. `words` are the flags, None if they cannot be read. `environ`
    has the variables that may be settings, `all_environ` all variables, which templates in files may use.
    Relative paths start at `directory`. `lines` has the lines of `diagnostics` by their subjects.
    """

    service: str
    line: int
    role: str
    version: int
    words: tuple[WrittenValue, ...] | None
    environ: Mapping[str, WrittenValue]
    all_environ: Mapping[str, str]
    mounts: Mounts
    directory: Path
    diagnostics: tuple[Diagnostic, ...] = ()
    lines: Mapping[str, int] = {}


class _ComposeFile(Struct, frozen=True):
    tree: Tree
    path: Path
    lines: KeyLines
    environ: Mapping[str, str]
    text: Sequence[str]


class _Service:
    """The keys of one service, with their lines."""

    def __init__(self, name: str, tree: Tree, file: _ComposeFile) -> None:
        self.name, self.tree, self.file = name, tree, file
        self.line = file.lines.line_of(("services", name))
        self.variables = Variables(file.environ)

    def subject(self, key: str = "") -> str:
        return f"service {self.name}: {key}" if key else f"service {self.name}"

    def line_of(self, key: Key) -> int:
        """Return the line of a key, or of the anchor that is merged in, else the line of the service."""
        parents = ("services", self.name)
        lines = self.file.lines
        return lines.line_of((*parents, *key)) or lines.line_of((*parents, "<<", *key)) or self.line

    def text(self, key: str) -> str:
        return self.variables.fill(str(self.tree.get(key) or ""))

    def words(self, key: str) -> list[WrittenValue]:
        """Return the words of `command` or `entrypoint`; raises ValueError for unclosed quotes."""
        value = self.tree.get(key)
        if isinstance(value, list):
            return [
                WrittenValue(self.variables.fill(str(word)), self.line_of((key, f"[{number}]")))
                for number, word in enumerate(value)
            ]
        if value is None:
            return []
        words = shlex.split(self.variables.fill(str(value)))
        return list(_locate_words(words, self.file.text, self.line_of((key,))))


def find_proxies(tree: Tree, path: Path, lines: KeyLines, environ: Mapping[str, str]) -> Iterator[Proxy]:
    """Yield each proxy of the compose file at `path`, with variables replaced from `environ`."""
    try:
        text = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        text = []
    file = _ComposeFile(tree, path, lines, environ, text)
    services: Mapping[str, Tree | None] = tree["services"]  # type: ignore[assignment]
    for name, service in services.items():
        proxy = _read_proxy(_Service(name, service or {}, file))
        if proxy is not None:
            yield proxy


def split_image(written: str) -> tuple[str, str]:
    """Return the last part of an image's name, and its tag."""
    name, _, tag = written.partition("@")[0].rpartition("/")[2].partition(":")
    return name.lower(), tag


def _read_proxy(service: _Service) -> Proxy | None:
    name, tag = split_image(service.text("image"))
    words, diagnostics = _read_start_command(service)
    program = Path(words[0].text).name.lower() if words else ""
    if program in (TRAEFIK, RONDPOINT):
        del words[0]
        is_ours = program == RONDPOINT
    elif name == TRAEFIK or name.startswith(RONDPOINT):
        is_ours = name != TRAEFIK
    else:
        return None
    command = words[0].text if words and not words[0].text.startswith("-") else ""
    if is_ours and command in ROLES:
        del words[0]
    elif Path(command).name in _SHELLS:
        diagnostics.append(_shell_warning(service, command))
    elif (is_ours and (command or _REGISTRATOR in f"{name}:{tag}")) or command in _OTHER_TRAEFIK_COMMANDS:
        return None
    version = _VERSION.match(tag)
    environ = _read_environment(service)
    file = service.file
    are_flags_known = not diagnostics
    diagnostics += _unset_warnings(service)
    return Proxy(
        service.name,
        service.line,
        command if is_ours and command in ROLES else UP,
        0 if is_ours else int(version[1]) if version else NEWEST,
        tuple(words) if are_flags_known else None,
        {name: value for name, value in environ.items() if _VARIABLE.match(name)},
        {name: value.text for name, value in environ.items()},
        read_mounts(service.tree, file.tree, file.path.parent, file.environ, service.line_of),
        Path("/") / service.text("working_dir"),
        tuple(diagnostics),
        {service.subject(key): service.line_of((key,)) for key in ("entrypoint", "command")},
    )


def _read_start_command(service: _Service) -> tuple[list[WrittenValue], list[Diagnostic]]:
    """Return the words that start the service's program, without the programs before it."""
    words: list[WrittenValue] = []
    diagnostics: list[Diagnostic] = []
    for key in ("entrypoint", "command"):
        try:
            words += service.words(key)
        except ValueError as error:
            message = f"cannot be split into words: {str(error).lower()}"
            diagnostics.append(Diagnostic(Severity.ERROR, SETTINGS, service.subject(key), message))
    while words and Path(words[0].text).name in _STARTERS:
        del words[0]
    return words, diagnostics


def _shell_warning(service: _Service, command: str) -> Diagnostic:
    key = "entrypoint" if service.tree.get("entrypoint") else "command"
    message = f"{command} starts the proxy, so its flags cannot be read"
    return Diagnostic(Severity.WARNING, SETTINGS, service.subject(key), message, "write them without a shell")


def _locate_words(words: Sequence[str], text: Sequence[str], line: int) -> Iterator[WrittenValue]:
    """Yield each word with the first line that contains it, searching from the line of the key.

    A folded text has several lines.
    """
    key = text[line - 1] if 0 < line <= len(text) else ""
    depth = len(key) - len(key.lstrip())
    ends = (
        number
        for number, following in enumerate(text[line:], line + 1)
        if following.strip() and len(following) - len(following.lstrip()) <= depth
    )
    end = next(ends, len(text) + 1)
    current = line
    for word in words:
        name = word.partition("=")[0]
        current = next((number for number in range(current, end) if name in text[number - 1]), current)
        yield WrittenValue(word, current)


def _read_environment(service: _Service) -> dict[str, WrittenValue]:
    """Return the service's variables; one without a value has that of docker compose's own."""
    variables: dict[str, WrittenValue] = {}
    for file_key, file in _env_files(service.tree.get("env_file")):
        file_name = service.variables.fill(str(file.get("path") if isinstance(file, dict) else file))
        for name, value in read_env_file(service.file.path.parent / file_name).items():
            variables[name] = WrittenValue(value, service.line_of(file_key))
    environment = service.tree.get("environment")
    for key, (name, value) in key_value_pairs(environment):
        line = service.line_of(("environment", key))
        if _has_value(environment, key):
            # Only variables that may be settings are reported if they use one that is not set.
            source = service.variables if _VARIABLE.match(name) else Variables(service.file.environ)
            variables[name] = WrittenValue(source.fill(value), line)
        elif name in service.file.environ:
            variables[name] = WrittenValue(service.file.environ[name], line)
    return variables


def _env_files(value: Any) -> Iterator[tuple[Key, Any]]:
    if isinstance(value, list):
        yield from ((("env_file", f"[{number}]"), file) for number, file in enumerate(value))
    elif value:
        yield ("env_file",), value


def _has_value(environment: Any, key: str) -> bool:
    if isinstance(environment, dict):
        return environment[key] is not None
    return "=" in str(environment[int(key[1:-1])])


def _unset_warnings(service: _Service) -> Iterator[Diagnostic]:
    for variable in sorted(service.variables.unset):
        message = f"variable {variable} is not set, so it is empty"
        yield Diagnostic(Severity.WARNING, SETTINGS, service.subject(), message, unset_hint(variable))
