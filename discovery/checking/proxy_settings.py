"""Loads the settings of a proxy in a compose file as Rondpoint would load them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from discovery import dynamic
from discovery.checking.container_files import ContainerFiles
from discovery.checking.mounts import Mounts
from discovery.checking.proxies import AGENT, PROXY, SETTINGS, Proxy
from discovery.checking.report import ServedSettings
from discovery.checking.secret_filter import SecretFilter
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import FileOptions, Settings, SettingsError, load
from rondpoint.settings.load import INLINE_SECTIONS
from rondpoint.settings.sources import environment, file, flags
from rondpoint.settings.vocabulary import CONFIG_FILE, build_vocabulary
from rondpoint.settings.written_setting import Source, WrittenSetting

_VARIABLE = "environment variable "
_SOCKET = Path("/var/run/docker.sock")
_IMAGE_ENVIRON = {"RONDPOINT_WEBADDRESS": ":80"}
"""The variables that Rondpoint's images set."""

_LAST_MERGING_VERSION = 1
"""The last version of Traefik that reads flags and a file together."""


class ProxyCheck(Struct, frozen=True):
    """The result for one proxy.

    `settings` is None if Rondpoint would not start, or if some settings are unknown, such as those of a file
    that this machine does not have. `lines` has lines of the compose file by the subjects of `diagnostics`.
    `constraints` is the subject of diagnostics about the Docker provider's constraints. `routes` are route
    files on this machine; `mounts` and `environ` belong to the container.
    """

    role: str
    served: ServedSettings
    settings: Settings | None
    diagnostics: tuple[Diagnostic, ...]
    lines: Mapping[str, int]
    constraints: str
    mounts: Mounts
    environ: Mapping[str, str]
    routes: tuple[FileOptions, ...] = ()

    @property
    def has_agent(self) -> bool:
        """Whether it reads labels and route files."""
        return self.role != PROXY

    @property
    def has_entry_points(self) -> bool:
        """Whether it accepts requests."""
        return self.role != AGENT


def check_proxy(proxy: Proxy, path: Path) -> ProxyCheck:
    """Load the settings of one proxy of the compose file at `path`."""
    return _ProxyChecker(proxy, path).check()


class _ProxyChecker:
    def __init__(self, proxy: Proxy, path: Path) -> None:
        self._proxy, self._path = proxy, path
        self._service_subject = f"service {proxy.service}"
        self._argv = [word.text for word in proxy.words or ()]
        self._environ = {name: value.text for name, value in proxy.environ.items()}
        by_flag, _ = flags.read(self._argv)
        by_variable, _ = environment.read(self._environ, build_vocabulary())
        of_traefik, _ = environment.read(self._environ, build_vocabulary(), environment.TRAEFIK_PREFIX)
        self._compose_settings = [*of_traefik, *by_variable, *by_flag]
        self._container_files = ContainerFiles(proxy)
        self._settings_file = self._container_files.find_first_file(self._candidate_paths())
        self._file_settings = self._read_file(self._settings_file) if self._settings_file else []
        self._lines = _subject_lines(proxy)
        self._secret_filter = SecretFilter([*self._compose_settings, *self._file_settings], self._argv)
        self._diagnostics: list[Diagnostic] = []

    def check(self) -> ProxyCheck:
        environ = {**_IMAGE_ENVIRON, **self._environ}
        if self._proxy.mounts.find(_SOCKET) is not None:
            # The socket need not exist on this machine.
            environ.setdefault("DOCKER_HOST", f"unix://{_SOCKET}")
        settings = None
        try:
            loaded = load(self._argv, environ, self._proxy.directory, self._container_files.local_path)
        except SettingsError as error:
            self._report((*error.diagnostics, *error.warnings))
        else:
            self._report(loaded.warnings)
            settings = loaded.settings if self._container_files.unreadable is None else None
        are_flags_known = self._proxy.words is not None
        counted = sorted(self._counted_settings(), key=lambda setting: -setting.source)
        reported = {diagnostic.subject for diagnostic in self._diagnostics}
        unserved = [
            setting
            for setting in counted
            if not reported.isdisjoint(_with_sections(self._full_location(setting)))
        ]
        self._report(_note_ignored_sources(counted, self._proxy.version))
        routes = tuple(self._route_files(settings))
        diagnostics = (*self._proxy.diagnostics, *self._container_files.diagnostics, *self._diagnostics)
        constraints = self._provider_location(counted, "docker.constraints")
        subjects = {constraints, *(diagnostic.subject for diagnostic in diagnostics)}
        return ProxyCheck(
            self._proxy.role,
            ServedSettings(
                self._proxy.service,
                str(self._path),
                self._proxy.line,
                Counter(map(_origin, counted)),
                tuple(dict.fromkeys(map(self._written_name, unserved))),
                len(unserved),
                settings is not None if are_flags_known else None,
            ),
            settings if are_flags_known and not self._has_unknown_file() else None,
            diagnostics,
            {subject: self._line_of(subject) for subject in subjects if self._is_in_compose_file(subject)},
            constraints,
            self._proxy.mounts,
            self._proxy.all_environ,
            routes,
        )

    def _has_unknown_file(self) -> bool:
        """Return whether the container may have a settings file that this machine does not have.

        With flags or variables, a volume most likely has other files.
        """
        files = self._container_files
        return self._settings_file is None and (
            files.is_missing or (files.is_in_volume and not self._compose_settings)
        )

    def _candidate_paths(self) -> list[Path]:
        """Return the paths at which the container may have its settings file."""
        config_files = [setting for setting in self._compose_settings if _is_config_file(setting)]
        if not config_files:
            return file.candidate_paths(self._proxy.directory)
        last = config_files[-1]
        if not isinstance(last.value, str):
            return []
        path = self._proxy.directory / last.value
        self._container_files.report_unmounted(path, self._subject(last.location))
        return [path]

    def _read_file(self, path: Path) -> list[WrittenSetting]:
        try:
            settings = file.read(path)
        except SettingsError as error:
            # For a syntax error, report the line but not its text, which may be secret.
            syntax_error = dynamic.read(path)
            if isinstance(syntax_error, Diagnostic) and syntax_error.message.startswith("line "):
                self._container_files.diagnostics.append(replace(syntax_error, source=SETTINGS))
            else:
                self._container_files.diagnostics += error.diagnostics
            self._container_files.unreadable = path
            return []
        if any(_key(setting) == "file" for setting in settings):
            return [setting for setting in settings if setting.path[0].lower() not in INLINE_SECTIONS]
        return settings

    def _route_files(self, settings: Settings | None) -> Iterator[FileOptions]:
        options = settings.providers.file if settings is not None and self._proxy.role != PROXY else None
        given_path = (options.directory or options.filename) if options is not None else None
        if options is None or given_path is None:
            return
        if given_path == self._settings_file:
            yield options
            return
        inside = self._proxy.directory / given_path
        key = "directory" if options.directory else "filename"
        all_settings = [*self._compose_settings, *self._file_settings]
        self._container_files.report_unmounted(inside, self._provider_location(all_settings, f"file.{key}"))
        self._container_files.report_missing(inside)
        path = self._container_files.local_path(inside)
        if path is not None:
            yield FileOptions(directory=path) if options.directory else FileOptions(filename=path)

    def _report(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Add a diagnostic for each flag and variable that a given one is about, without secrets."""
        for diagnostic in diagnostics:
            locations = [
                setting.location for setting in self._compose_settings if _is_about(diagnostic, setting)
            ]
            for location in dict.fromkeys(locations or [diagnostic.subject]):
                located = self._secret_filter.redact(replace(diagnostic, subject=location))
                if not self._is_in_settings_file(location):
                    line = self._line_of(self._subject(location))
                    located = replace(located, subject=self._subject(located.subject))
                    self._lines.setdefault(located.subject, line)
                self._diagnostics.append(located)

    def _is_in_settings_file(self, location: str) -> bool:
        path = self._settings_file
        return path is not None and (location == str(path) or location.startswith(f"{path}: "))

    def _is_in_compose_file(self, subject: str) -> bool:
        return subject == self._service_subject or subject.startswith(f"{self._service_subject}: ")

    def _subject(self, location: str) -> str:
        """Return the subject for a location in this service."""
        return f"{self._service_subject}: {location}" if location else self._service_subject

    def _full_location(self, setting: WrittenSetting) -> str:
        return setting.location if setting.source is Source.FILE else self._subject(setting.location)

    def _provider_location(self, settings: Sequence[WrittenSetting], key: str) -> str:
        """Return the location of a setting of the providers, or its name if it is not set."""
        setting = next((setting for setting in settings if _key(setting).endswith(key)), None)
        return self._full_location(setting) if setting else self._subject(f"providers.{key}")

    def _line_of(self, subject: str) -> int:
        lines = {**self._lines, **self._container_files.lines}
        if subject in lines:
            return lines[subject]
        return next((line for known, line in lines.items() if _contains(subject, known)), self._proxy.line)

    def _counted_settings(self) -> Iterator[WrittenSetting]:
        """Yield the settings, but not the file's tables: their keys are counted instead."""
        tables = {setting.path[:-1] for setting in self._file_settings}
        for setting in (*self._compose_settings, *self._file_settings):
            is_table = setting.source is Source.FILE and setting.path in tables
            if not _is_config_file(setting) and not is_table:
                yield setting

    def _written_name(self, setting: WrittenSetting) -> str:
        if setting.source is Source.ENVIRONMENT:
            return setting.location.removeprefix(_VARIABLE)
        return setting.dotted_key


def _note_ignored_sources(settings: Sequence[WrittenSetting], version: int) -> Iterator[Diagnostic]:
    """Yield a note if there are sources that Traefik would ignore and Rondpoint reads."""
    order = ((Source.FILE, "the file"), (Source.FLAG, "flags"), (Source.ENVIRONMENT, "variables"))
    sources = {setting.source for setting in settings if not _is_variable_of_traefik(setting)}
    if version > _LAST_MERGING_VERSION and len(sources) > 1:
        first, *ignored = (name for source, name in order if source in sources)
        message = f"Traefik {version} reads {first} and ignores {' and '.join(ignored)}; Rondpoint reads all"
        hint = "for the same setting, a flag wins over a variable, and a variable wins over the file"
        yield Diagnostic(Severity.NOTE, SETTINGS, "", message, hint)


def _is_variable_of_traefik(setting: WrittenSetting) -> bool:
    return setting.location.startswith(f"{_VARIABLE}{environment.TRAEFIK_PREFIX}")


def _subject_lines(proxy: Proxy) -> dict[str, int]:
    subject = f"service {proxy.service}"
    lines = {subject: proxy.line, **proxy.lines}
    for word in proxy.words or ():
        lines[f"{subject}: flag {word.text.partition('=')[0]}"] = word.line
        lines[f"{subject}: command line: {word.text}"] = word.line
    for name, value in proxy.environ.items():
        lines[f"{subject}: {_VARIABLE}{name}"] = value.line
    return lines


def _origin(setting: WrittenSetting) -> str:
    match setting.source:
        case Source.FLAG:
            return "command"
        case Source.ENVIRONMENT:
            return "environment"
    return setting.location.partition(": ")[0]


def _key(setting: WrittenSetting) -> str:
    return setting.dotted_key.lower()


def _is_config_file(setting: WrittenSetting) -> bool:
    return _key(setting) == CONFIG_FILE.lower()


def _with_sections(location: str) -> list[str]:
    """Return a location and the locations of the sections that contain it."""
    return [location, *(location[: dot.start()] for dot in re.finditer(r"\.", location))]


def _contains(section: str, location: str) -> bool:
    return location == section or location.startswith(f"{section}.")


def _is_about(diagnostic: Diagnostic, setting: WrittenSetting) -> bool:
    """Return whether a diagnostic is about a setting, or about a section that contains it."""
    if _contains(diagnostic.subject, setting.location):
        return True
    if setting.source is not Source.ENVIRONMENT:
        return False
    # A variable's name does not show where its section ends, but the message begins with the section's key.
    key = diagnostic.message.partition(" ")[0].lower()
    return diagnostic.subject.startswith(_VARIABLE) and _contains(key, _key(setting))
