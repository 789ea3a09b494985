"""Files and flags, read as agent and proxy would read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from discovery import constraints, dynamic, labels
from discovery.checking.compose import PROVIDER as DOCKER
from discovery.checking.compose import Composed, composed, is_compose
from discovery.checking.line_numbers import lines_of
from discovery.checking.locations import Places
from discovery.checking.proxies import proxies
from discovery.checking.report import Checked, Finding
from discovery.checking.served import Reading, read
from discovery.checking.variables import read_env
from discovery.constraints import Constraint, ConstraintError
from discovery.decoding.decoded import Decoded
from discovery.merging.merge import merge
from discovery.merging.union import unite
from discovery.providers.file.listing import list_files
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.explaining import unreachable_routers
from rondpoint.model import Configuration, Middleware, Service
from rondpoint.settings import DockerOptions, FileOptions, Settings, SettingsError, load

FILE = "file"
ASSUMED_PORT = 80

_CONSTRAINTS = "providers.docker.constraints"


class _Given(Struct):
    """What is to be checked, as it comes to light."""

    settings: list[Path] = field(default_factory=list)
    routes: list[Path] = field(default_factory=list)
    services: list[Composed] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    places: Places = field(default_factory=Places)


def check(files: Sequence[Path], flags: Sequence[str], environ: Mapping[str, str], cwd: Path) -> Checked:
    """Of files of routes, directories of them, compose files and one file of settings; settings are looked
    at, and found as `rondpoint up` finds them, where there is one, or a flag, or nothing else.
    """
    given = _Given()
    for path in files:
        _sort(path, given, environ)
    settings, said, file = None, None, ""
    if given.settings or flags or not files:
        named = [f"--configFile={path}" for path in given.settings]
        try:
            loaded = load((*flags, *named), environ, cwd)
        except SettingsError as error:
            given.findings += (*error.diagnostics, *error.warnings)
        else:
            given.findings += loaded.warnings
            settings, file = loaded.settings, str(loaded.file or "")
            said = file or "no file"
            if loaded.settings.providers.file is not None:
                _take_routes(loaded.settings.providers.file, given)
    whole = _whole(given, settings) if given.files else None
    findings = [*given.findings, *(whole.diagnostics if whole else ())]
    found = [*given.found, *(given.places.found(finding) for finding in findings)]
    return Checked(
        tuple(dict.fromkeys(found)),
        said,
        file,
        tuple(map(str, given.files)),
        whole,
        tuple(reading.served for reading in given.readings),
    )


def _sort(path: Path, given: _Given, environ: Mapping[str, str]) -> None:
    if path.is_dir():
        _take_routes(FileOptions(directory=path), given)
        return
    tree = dynamic.read(path)
    if isinstance(tree, Diagnostic):
        given.findings.append(tree)
    elif is_compose(tree):
        lines = lines_of(path)
        filled = read_env(path.parent / ".env") | dict(environ)
        found = list(composed(tree, path, lines, filled))
        given.services += found
        given.files.append(path)
        given.places.add_compose(path, found)
        for proxy in proxies(tree, path, lines, filled):
            _take_proxy(read(proxy, path), path, given)
    elif dynamic.is_dynamic(tree):
        _take_routes(FileOptions(filename=path), given)
    elif given.settings:
        message = f"is a second file of settings, beside {given.settings[0]}"
        given.findings.append(Diagnostic(Severity.ERROR, "settings", str(path), message, "name one of them"))
    else:
        given.settings.append(path)


def _take_proxy(reading: Reading, path: Path, given: _Given) -> None:
    given.readings.append(reading)
    # At once, since a service of another file may have the same name.
    given.places.add_lines(path, reading.lines)
    given.found += map(given.places.found, reading.findings)
    for routes in reading.routes:
        _take_routes(routes, given)


def _take_routes(options: FileOptions, given: _Given) -> None:
    try:
        paths = list_files(options.directory) if options.directory else [options.filename or Path()]
    except OSError as error:
        place = f"directory {options.directory}"
        message = f"cannot be read: {error.strerror}"
        given.findings.append(Diagnostic(Severity.ERROR, FILE, place, message))
        return
    for path in paths:
        if path not in given.routes:
            given.routes.append(path)
            given.files.append(path)
            given.places.add(path)


def _whole(given: _Given, settings: Settings | None) -> Configuration:
    """What all of it comes to; without settings, entry points are those that anything names."""
    own = {FILE: unite([dynamic.load_file(path) for path in given.routes], FILE)}
    if given.services:
        own[DOCKER] = unite(list(_decoded(given, _sources(given, settings))), DOCKER)
    fronts = [settings] if settings else _fronts(given)
    if fronts:
        entry_points = {name for front in fronts for name in front.web_entry_points}
    else:
        entry_points = {
            name for part in own.values() for router in part.routers.values() for name in router.entry_points
        }
    whole = merge({**own, "elsewhere": _elsewhere(own)}, entry_points)
    if len(fronts) != 1:
        return whole
    lost = unreachable_routers.findings(whole.routers.values(), fronts[0])
    return replace(whole, diagnostics=(*whole.diagnostics, *lost))


def _fronts(given: _Given) -> list[Settings]:
    """The settings of the compose files' proxies that serve; none where those of one are not known."""
    found = [reading.settings for reading in given.readings if reading.serves]
    return [each for each in found if each is not None] if all(found) else []


def _sources(given: _Given, settings: Settings | None) -> dict[DockerOptions, str]:
    """How labels are read, with the subject of findings about constraints.

    The settings say it, else the proxies of the compose files. It is empty if none of these reads labels.
    """
    if settings is not None:
        return {settings.providers.docker or DockerOptions(): _CONSTRAINTS}
    readers = [reading for reading in given.readings if reading.reads_sources]
    if not readers or not all(reading.settings for reading in readers):
        return {DockerOptions(): _CONSTRAINTS}
    found = ((each.settings.providers.docker, each.constraints) for each in readers if each.settings)
    return {options: subject for options, subject in found if options is not None}


def _decoded(given: _Given, sources: Mapping[DockerOptions, str]) -> Iterator[Decoded]:
    read_by = [(options, _constraint(options, subject, given)) for options, subject in sources.items()]
    for each in given.services:
        if not read_by:
            yield _unread(each, given)
            continue
        found = [_labels(each, options, constraint) for options, constraint in read_by]
        yield next((decoded for decoded in found if decoded.routers or decoded.services), found[0])


def _constraint(options: DockerOptions, subject: str, given: _Given) -> Constraint | None:
    try:
        return constraints.parse(options.constraints)
    except ConstraintError as error:
        message = f"{options.constraints!r} cannot be read: {error}"
        given.findings.append(Diagnostic(Severity.ERROR, DOCKER, subject, message))
    return None


def _unread(composed: Composed, given: _Given) -> Decoded:
    subject = f"container {composed.container.name}"
    if not any(label.lower().startswith("traefik.") for label in composed.container.labels):
        return Decoded(subject)
    readers = ", ".join(each.served.service for each in given.readings if each.reads_sources)
    message = f"its labels are not read: {readers} has no provider Docker"
    hint = "--providers.docker has them read"
    return Decoded(subject, diagnostics=(Diagnostic(Severity.WARNING, DOCKER, subject, message, hint),))


def _labels(composed: Composed, options: DockerOptions, constraint: Constraint | None) -> Decoded:
    container = composed.container
    decoded = labels.decode(container, options, constraint)
    found = list(composed.findings)
    if not container.ports and any("it exposes no port" in one.message for one in decoded.diagnostics):
        # The image may say it, which is not at hand.
        decoded = labels.decode(replace(container, ports=(ASSUMED_PORT,)), options, constraint)
        message = f"which port it listens on is not said here, so {ASSUMED_PORT} is taken"
        hint = "its image may expose another one; `expose`, or a label, says which"
        found.append(Diagnostic(Severity.NOTE, DOCKER, f"container {container.name}", message, hint))
    return replace(decoded, diagnostics=(*found, *decoded.diagnostics))


def _elsewhere(own: Mapping[str, Configuration]) -> Configuration:
    """What is referred to in other providers, taken to be there: it cannot be known here."""
    routers = [router for part in own.values() for router in part.routers.values()]
    services = {router.service for router in routers}
    middlewares = {name for router in routers for name in router.middlewares}
    return Configuration(
        services={name: Service(name) for name in _others(services, own)},
        middlewares={name: Middleware(name, "") for name in _others(middlewares, own)},
    )


def _others(names: Iterable[str], own: Mapping[str, Configuration]) -> Iterator[str]:
    return (name for name in names if name.rpartition("@")[2] not in own)
