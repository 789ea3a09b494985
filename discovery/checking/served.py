"""The settings that a proxy of a compose file is started with, loaded as Rondpoint would load them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from discovery import dynamic
from discovery.checking.hidden import Hidden
from discovery.checking.proxies import AGENT, PROXY, SETTINGS, Proxy
from discovery.checking.report import Served
from discovery.checking.seen import Seen
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import FileOptions, Settings, SettingsError, load
from rondpoint.settings.load import INLINE_SECTIONS
from rondpoint.settings.sources import environment, file, flags
from rondpoint.settings.vocabulary import CONFIG_FILE, build_vocabulary
from rondpoint.settings.written_setting import Source, WrittenSetting

_THEIRS = "TRAEFIK_"
_VARIABLE = "environment variable "
_SOCKET = Path("/var/run/docker.sock")
_IMAGE = {"RONDPOINT_WEBADDRESS": ":80"}
"""What the images of Rondpoint set."""

_MERGED = 1
"""The last version of Traefik in which flags and a file count together."""


class Reading(Struct, frozen=True):
    """The result for one proxy.

    `settings` is None where Rondpoint would not start, or where they are not all known. `lines` has the lines
    of the compose file by the subjects of findings; `constraints` is the subject of findings about the Docker
    provider's constraints. `routes` are files of routes on this machine.
    """

    role: str
    served: Served
    settings: Settings | None
    findings: tuple[Diagnostic, ...]
    lines: Mapping[str, int]
    constraints: str
    routes: tuple[FileOptions, ...] = ()

    @property
    def reads_sources(self) -> bool:
        return self.role != PROXY

    @property
    def serves(self) -> bool:
        return self.role != AGENT


def read(proxy: Proxy, path: Path) -> Reading:
    """Load the settings of one proxy of the compose file at `path`."""
    return _Reader(proxy, path).read()


class _Reader:
    def __init__(self, proxy: Proxy, path: Path) -> None:
        self._proxy, self._path = proxy, path
        self._own = f"service {proxy.service}"
        self._argv = [word.text for word in proxy.words or ()]
        self._names = _renamed(proxy.environ)
        self._environ = {name: proxy.environ[given].text for name, given in self._names.items()}
        by_flag, _ = flags.read(self._argv)
        by_variable, _ = environment.read(self._environ, build_vocabulary())
        self._given = [*by_variable, *by_flag]
        self._seen = Seen(proxy)
        self._file = self._seen.first(self._places())
        self._of_file = self._read_file(self._file) if self._file else []
        self._lines = _lines(proxy)
        self._hidden = Hidden([*self._given, *self._of_file], self._argv)
        self._findings: list[Diagnostic] = []

    def read(self) -> Reading:
        environ = {**_IMAGE, **self._environ}
        if self._proxy.mounts.of(_SOCKET) is not None:
            # It need not be on this machine.
            environ.setdefault("DOCKER_HOST", f"unix://{_SOCKET}")
        settings = None
        try:
            loaded = load(self._argv, environ, self._proxy.directory, self._seen.see)
        except SettingsError as error:
            self._say((*error.diagnostics, *error.warnings))
        else:
            self._say(loaded.warnings)
            settings = loaded.settings if self._seen.spoilt is None else None
        is_known = self._proxy.words is not None
        self._say(self._renamings())
        counted = sorted(self._counted(), key=lambda each: -each.source)
        wrong = {each.subject for each in self._findings}
        lost = [each for each in counted if not wrong.isdisjoint(_with_those_above(self._place(each)))]
        self._say(_left_out(counted, self._proxy.version))
        routes = tuple(self._routes(settings))
        findings = (*self._proxy.findings, *self._seen.findings, *self._findings)
        constraints = self._place_of(counted, "docker.constraints")
        subjects = {constraints, *(each.subject for each in findings)}
        return Reading(
            self._proxy.role,
            Served(
                self._proxy.service,
                str(self._path),
                self._proxy.line,
                Counter(map(_where, counted)),
                tuple(dict.fromkeys(map(self._shown, lost))),
                len(lost),
                settings is not None if is_known else None,
            ),
            settings if is_known else None,
            findings,
            {subject: self._line(subject) for subject in subjects if self._is_own(subject)},
            constraints,
            routes,
        )

    def _places(self) -> list[Path]:
        """Where the container may have its settings file."""
        chosen = [each for each in self._given if _key(each) == CONFIG_FILE.lower()]
        if not chosen:
            return file.candidate_paths(self._proxy.directory)
        if not isinstance(chosen[-1].value, str):
            return []
        location = self._proxy.directory / chosen[-1].value
        self._seen.tell_unmounted(location, self._subject(chosen[-1].location))
        return [location]

    def _read_file(self, path: Path) -> list[WrittenSetting]:
        try:
            found = file.read(path)
        except SettingsError as error:
            # Of text that is not YAML, the line rather than its words, which may be secret.
            fault = dynamic.read(path)
            if isinstance(fault, Diagnostic) and fault.message.startswith("line "):
                self._seen.findings.append(replace(fault, source=SETTINGS))
            else:
                self._seen.findings += error.diagnostics
            self._seen.spoilt = path
            return []
        if any(_key(each) == "file" for each in found):
            found = [each for each in found if each.path[0].lower() not in INLINE_SECTIONS]
        return found

    def _routes(self, settings: Settings | None) -> Iterator[FileOptions]:
        options = settings.providers.file if settings is not None and self._proxy.role != PROXY else None
        named = (options.directory or options.filename) if options is not None else None
        if options is None or named is None:
            return
        if named == self._file:
            yield options
            return
        inside = self._proxy.directory / named
        key = "directory" if options.directory else "filename"
        self._seen.tell_unmounted(inside, self._place_of([*self._given, *self._of_file], f"file.{key}"))
        self._seen.tell_missing(inside)
        path = self._seen.see(inside)
        if path is not None:
            yield FileOptions(directory=path) if options.directory else FileOptions(filename=path)

    def _say(self, findings: Iterable[Diagnostic]) -> None:
        """Tell of each flag and variable that a finding is about, and keep their secrets."""
        for finding in findings:
            about = [each.location for each in self._given if _covers(finding, each)]
            for location in dict.fromkeys(about or [finding.subject]):
                told = self._hidden.from_view(replace(finding, subject=location))
                if not self._is_of_file(location):
                    line = self._line(self._subject(location))
                    told = replace(told, subject=self._subject(told.subject))
                    self._lines.setdefault(told.subject, line)
                self._findings.append(told)

    def _is_of_file(self, location: str) -> bool:
        return self._file is not None and (location == str(self._file) or location.startswith(f"{self._file}: "))

    def _is_own(self, subject: str) -> bool:
        return subject == self._own or subject.startswith(f"{self._own}: ")

    def _subject(self, location: str) -> str:
        """What a finding calls a place of this service; variables have the names that the file gives them."""
        name = location.removeprefix(_VARIABLE)
        if name != location and name in self._names:
            location = f"{_VARIABLE}{self._names[name]}"
        return f"{self._own}: {location}" if location else self._own

    def _place(self, written: WrittenSetting) -> str:
        return written.location if written.source is Source.FILE else self._subject(written.location)

    def _place_of(self, written: Sequence[WrittenSetting], key: str) -> str:
        """The place that gives a setting of the providers."""
        given = next((each for each in written if _key(each).endswith(key)), None)
        return self._place(given) if given else self._subject(f"providers.{key}")

    def _line(self, subject: str) -> int:
        lines = {**self._lines, **self._seen.lines}
        if subject in lines:
            return lines[subject]
        return next((line for known, line in lines.items() if _is_under(subject, known)), self._proxy.line)

    def _counted(self) -> Iterator[WrittenSetting]:
        """The settings, less tables of the file, which count by their keys."""
        tables = {each.path[:-1] for each in self._of_file}
        for each in (*self._given, *self._of_file):
            is_table = each.source is Source.FILE and each.path in tables
            if _key(each) != CONFIG_FILE.lower() and not is_table:
                yield each

    def _shown(self, written: WrittenSetting) -> str:
        if written.source is Source.ENVIRONMENT:
            return self._names[written.location.removeprefix(_VARIABLE)]
        return written.dotted_key

    def _renamings(self) -> Iterator[Diagnostic]:
        for variable in self._given:
            ours = variable.location.removeprefix(_VARIABLE)
            given = self._names.get(ours, "")
            if variable.source is Source.ENVIRONMENT and given.upper().startswith(_THEIRS):
                message = f"{given} is not read by Rondpoint"
                yield Diagnostic(Severity.WARNING, SETTINGS, variable.location, message, f"call it {ours}")


def _left_out(counted: Sequence[WrittenSetting], version: int) -> Iterator[Diagnostic]:
    """Says what Traefik would not read, and Rondpoint does."""
    order = ((Source.FILE, "the file"), (Source.FLAG, "flags"), (Source.ENVIRONMENT, "variables"))
    sources = {each.source for each in counted}
    if version > _MERGED and len(sources) > 1:
        first, *others = (name for source, name in order if source in sources)
        message = (
            f"Traefik {version} reads {first} and leaves {' and '.join(others)} out; Rondpoint reads all"
        )
        hint = "of one setting, a flag counts before a variable, and a variable before the file"
        yield Diagnostic(Severity.NOTE, SETTINGS, "", message, hint)


def _renamed(environ: Mapping[str, object]) -> dict[str, str]:
    """The names that variables have for Rondpoint, with those that they have in the compose file."""
    names = {name: name for name in environ if not name.upper().startswith(_THEIRS)}
    theirs = {environment.PREFIX + name[len(_THEIRS) :]: name for name in environ if name not in names}
    return {**theirs, **names}


def _lines(proxy: Proxy) -> dict[str, int]:
    subject = f"service {proxy.service}"
    lines = {subject: proxy.line, **proxy.lines}
    for word in proxy.words or ():
        lines[f"{subject}: flag {word.text.partition('=')[0]}"] = word.line
        lines[f"{subject}: command line: {word.text}"] = word.line
    for name, given in proxy.environ.items():
        lines[f"{subject}: {_VARIABLE}{name}"] = given.line
    return lines


def _where(written: WrittenSetting) -> str:
    match written.source:
        case Source.FLAG:
            return "command"
        case Source.ENVIRONMENT:
            return "environment"
    return written.location.partition(": ")[0]


def _key(written: WrittenSetting) -> str:
    return written.dotted_key.lower()


def _with_those_above(location: str) -> list[str]:
    """A place and those of the sections that it is in."""
    return [location, *(location[: dot.start()] for dot in re.finditer(r"\.", location))]


def _is_under(subject: str, location: str) -> bool:
    return location == subject or location.startswith(f"{subject}.")


def _covers(finding: Diagnostic, written: WrittenSetting) -> bool:
    """Whether a finding is about a setting, or about a section that it is in."""
    if _is_under(finding.subject, written.location):
        return True
    if written.source is not Source.ENVIRONMENT:
        return False
    # A variable's name does not show where its section ends: the message begins with the section's key.
    key = finding.message.partition(" ")[0].lower()
    return finding.subject.startswith(_VARIABLE) and _is_under(key, _key(written))
