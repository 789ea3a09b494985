"""The services of a compose file that run Traefik or Rondpoint, and how they are started."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from discovery.checking.compose import pairs
from discovery.checking.line_numbers import Key, Lines
from discovery.checking.mounts import Mounts, mounts
from discovery.checking.variables import Variables, read_env
from discovery.decoding.section import Tree
from rondpoint.diagnostics import Diagnostic, Severity

TRAEFIK, RONDPOINT = "traefik", "rondpoint"
UP, AGENT, PROXY = "up", "agent", "proxy"
ROLES = (UP, AGENT, PROXY)

NEWEST = 3
"""The version of Traefik that an image has whose tag says none."""

SETTINGS = "settings"

_REGISTRATOR = "registrator"
_OTHERS_OF_TRAEFIK = ("storeconfig", "healthcheck", "version", "bug")
_SHELLS = ("sh", "ash", "bash")
_STARTERS = ("entrypoint.sh", "docker-entrypoint.sh", "tini", "dumb-init", "--")
"""Programs that an entry point has before the program it is about."""

_VARIABLE = re.compile(r"(?:TRAEFIK|RONDPOINT|DOCKER)_", re.IGNORECASE)
_VERSION = re.compile(r"v?(\d+)")


class Written(Struct, frozen=True):
    """A flag or a variable's value, and the line of the compose file that gives it."""

    text: str
    line: int


class Proxy(Struct, frozen=True):
    """One service.

    `role` is that of a part of Rondpoint; Traefik has all of them. `version` is the image's of Traefik, 0 for
    Rondpoint's. `words` are the flags, None where they cannot be read here. Relative paths start from
    `directory`. `lines` has the lines of `findings` by their subjects.
    """

    service: str
    line: int
    role: str
    version: int
    words: tuple[Written, ...] | None
    environ: Mapping[str, Written]
    mounts: Mounts
    directory: Path
    findings: tuple[Diagnostic, ...] = ()
    lines: Mapping[str, int] = {}


class _File(Struct, frozen=True):
    tree: Tree
    path: Path
    lines: Lines
    environ: Mapping[str, str]
    text: Sequence[str]


class _Service:
    """What one service says, with its lines."""

    def __init__(self, name: str, tree: Tree, file: _File) -> None:
        self.name, self.tree, self.file = name, tree, file
        self.line = file.lines.of(("services", name))
        self.variables = Variables(file.environ)

    def subject(self, key: str = "") -> str:
        return f"service {self.name}: {key}" if key else f"service {self.name}"

    def of(self, key: Key) -> int:
        """The line of a key, or of the anchor that is merged in; else that of the service."""
        own = ("services", self.name)
        return self.file.lines.of((*own, *key)) or self.file.lines.of((*own, "<<", *key)) or self.line

    def text(self, key: str) -> str:
        return self.variables.fill(str(self.tree.get(key) or ""))

    def words(self, key: str) -> list[Written]:
        """The words of `command` or `entrypoint`; raises ValueError for quotes that are not closed."""
        given = self.tree.get(key)
        if isinstance(given, list):
            return [
                Written(self.variables.fill(str(word)), self.of((key, f"[{number}]")))
                for number, word in enumerate(given)
            ]
        if given is None:
            return []
        words = shlex.split(self.variables.fill(str(given)))
        return list(_placed(words, self.file.text, self.of((key,))))


def proxies(tree: Tree, path: Path, lines: Lines, environ: Mapping[str, str]) -> Iterator[Proxy]:
    """Each of a compose file at `path`, with variables of `environ`."""
    try:
        text = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        text = []
    file = _File(tree, path, lines, environ, text)
    services: Mapping[str, Tree | None] = tree["services"]  # type: ignore[assignment]
    for name, service in services.items():
        found = _proxy(_Service(name, service or {}, file))
        if found is not None:
            yield found


def image_of(written: str) -> tuple[str, str]:
    """The last part of an image's name, and its tag."""
    name, _, tag = written.partition("@")[0].rpartition("/")[2].partition(":")
    return name.lower(), tag


def _proxy(service: _Service) -> Proxy | None:
    name, tag = image_of(service.text("image"))
    words, findings = _started(service)
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
        findings.append(_shell(service, command))
    elif (is_ours and (command or _REGISTRATOR in f"{name}:{tag}")) or command in _OTHERS_OF_TRAEFIK:
        return None
    version = _VERSION.match(tag)
    environ = _environ(service)
    file = service.file
    are_seen = not findings
    findings += _unset(service)
    return Proxy(
        service.name,
        service.line,
        command if is_ours and command in ROLES else UP,
        0 if is_ours else int(version[1]) if version else NEWEST,
        tuple(words) if are_seen else None,
        environ,
        mounts(service.tree, file.tree, file.path.parent, file.environ, service.of),
        Path("/") / service.text("working_dir"),
        tuple(findings),
        {service.subject(key): service.of((key,)) for key in ("entrypoint", "command")},
    )


def _started(service: _Service) -> tuple[list[Written], list[Diagnostic]]:
    """The words that start its program, less those of what starts programs."""
    words: list[Written] = []
    findings: list[Diagnostic] = []
    for key in ("entrypoint", "command"):
        try:
            words += service.words(key)
        except ValueError as error:
            message = f"cannot be split into words: {str(error).lower()}"
            findings.append(Diagnostic(Severity.ERROR, SETTINGS, service.subject(key), message))
    while words and Path(words[0].text).name in _STARTERS:
        del words[0]
    return words, findings


def _shell(service: _Service, command: str) -> Diagnostic:
    key = "entrypoint" if service.tree.get("entrypoint") else "command"
    message = f"{command} starts the proxy, so that its flags are not seen here"
    return Diagnostic(Severity.WARNING, SETTINGS, service.subject(key), message, "write them without a shell")


def _placed(words: Sequence[str], text: Sequence[str], line: int) -> Iterator[Written]:
    """Each word with the first line, from that of its key on, which holds it; a folded text has several."""
    key = text[line - 1] if 0 < line <= len(text) else ""
    depth = len(key) - len(key.lstrip())
    ends = (
        at
        for at, below in enumerate(text[line:], line + 1)
        if below.strip() and len(below) - len(below.lstrip()) <= depth
    )
    last = next(ends, len(text) + 1)
    at = line
    for word in words:
        name = word.partition("=")[0]
        at = next((found for found in range(at, last) if name in text[found - 1]), at)
        yield Written(word, at)


def _environ(service: _Service) -> dict[str, Written]:
    """The variables that settings are read from; one without a value has that of docker compose's own."""
    found: dict[str, Written] = {}
    for place, file in _env_files(service.tree.get("env_file")):
        named = service.variables.fill(str(file.get("path") if isinstance(file, dict) else file))
        for name, value in read_env(service.file.path.parent / named).items():
            found[name] = Written(value, service.of(place))
    environment = service.tree.get("environment")
    for key, (name, value) in pairs(environment):
        if not _VARIABLE.match(name):
            continue
        if _is_given(environment, key):
            found[name] = Written(service.variables.fill(value), service.of(("environment", key)))
        elif name in service.file.environ:
            found[name] = Written(service.file.environ[name], service.of(("environment", key)))
    return {name: given for name, given in found.items() if _VARIABLE.match(name)}


def _env_files(given: Any) -> Iterator[tuple[Key, Any]]:
    if isinstance(given, list):
        yield from ((("env_file", f"[{number}]"), file) for number, file in enumerate(given))
    elif given:
        yield ("env_file",), given


def _is_given(environment: Any, key: str) -> bool:
    if isinstance(environment, dict):
        return environment[key] is not None
    return "=" in str(environment[int(key[1:-1])])


def _unset(service: _Service) -> Iterator[Diagnostic]:
    for variable in sorted(service.variables.unset):
        message = f"variable {variable} is not set, and taken to be empty"
        hint = f"set it, or say what stands for it: ${{{variable}:-…}}"
        yield Diagnostic(Severity.WARNING, SETTINGS, service.subject(), message, hint)
