"""Checks files and flags as the agent and the proxy would read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from discovery import dynamic
from discovery.checking.assumptions import named_entry_points, other_providers
from discovery.checking.certificates import read_certificates, unused_parts
from discovery.checking.compose import PROVIDER as DOCKER
from discovery.checking.compose import SWARM, ComposeService, is_compose, read_services, read_swarm_services
from discovery.checking.docker_services import decode_docker_services
from discovery.checking.elsewhere import assume_other_compose_files
from discovery.checking.entry_points import check_entry_points
from discovery.checking.line_numbers import read_key_lines
from discovery.checking.locations import Locations
from discovery.checking.mounts import Mounts
from discovery.checking.proxies import find_proxies
from discovery.checking.proxy_settings import ProxyCheck, check_proxy
from discovery.checking.report import CheckReport, LocatedDiagnostic
from discovery.checking.swarm_services import (
    decode_stack_without_proxy,
    decode_swarm_services,
    is_stack,
    swarm_options,
    unread_deploy_labels,
)
from discovery.checking.variables import read_env_file
from discovery.decoding.section import Tree
from discovery.merging.entry_point_tls import NO_TLS, entry_point_tls
from discovery.merging.layer4_options import NO_OPTIONS, Layer4Options
from discovery.merging.merge import merge
from discovery.merging.union import unite
from discovery.providers.file.listing import list_files
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.settings import FileOptions, Settings, SettingsError, load

FILE = "file"


class _RouteFile(Struct, frozen=True):
    """Who reads a route file: variables for its templates, and the mounts if a container does."""

    environ: Mapping[str, str]
    mounts: Mounts | None = None


class _Inputs(Struct):
    """The files to check, by kind, and the diagnostics so far."""

    settings_files: list[Path] = field(default_factory=list)
    route_files: dict[Path, _RouteFile] = field(default_factory=dict)
    compose_services: list[ComposeService] = field(default_factory=list)
    swarm_services: list[ComposeService] = field(default_factory=list)
    """The same services as `docker stack deploy` would create them."""
    files: list[Path] = field(default_factory=list)
    """Route files and compose files, in the order given."""
    proxies: list[ProxyCheck] = field(default_factory=list)
    located: list[LocatedDiagnostic] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    locations: Locations = field(default_factory=Locations)


def check_files(
    paths: Sequence[Path], flags: Sequence[str], environ: Mapping[str, str], cwd: Path
) -> CheckReport:
    """Check route files, directories of them, compose files and one settings file, together.

    Settings are loaded as `rondpoint up` would load them if there is a settings file or a flag, or if `paths`
    is empty.
    """
    inputs = _Inputs()
    for path in paths:
        _add_path(path, inputs, environ)
    settings, settings_text, settings_file = None, None, ""
    if inputs.settings_files or flags or not paths:
        file_flags = [f"--configFile={path}" for path in inputs.settings_files]
        try:
            loaded = load((*flags, *file_flags), environ, cwd)
        except SettingsError as error:
            inputs.diagnostics += (*error.diagnostics, *error.warnings)
        else:
            inputs.diagnostics += loaded.warnings
            settings, settings_file = loaded.settings, str(loaded.file or "")
            settings_text = settings_file or "no file"
            if loaded.settings.providers.file is not None:
                _add_route_files(loaded.settings.providers.file, inputs, _RouteFile(environ))
    all_settings = [settings] if settings else _compose_settings(inputs)
    providers = _known_providers(inputs, all_settings)
    configuration = _build_configuration(inputs, settings, providers) if inputs.files else None
    diagnostics = [*inputs.diagnostics, *(configuration.diagnostics if configuration else ())]
    diagnostics += check_entry_points(
        all_settings,
        configuration.middlewares if configuration else {},
        tuple(configuration.routers.values()) if configuration else (),
        providers,
    )
    located = [*inputs.located, *map(inputs.locations.locate, diagnostics)]
    return CheckReport(
        tuple(dict.fromkeys(located)),
        settings_text,
        settings_file,
        tuple(map(str, inputs.files)),
        configuration,
        tuple(proxy.served for proxy in inputs.proxies),
    )


def _add_path(path: Path, inputs: _Inputs, environ: Mapping[str, str]) -> None:
    if path.is_dir():
        _add_route_files(FileOptions(directory=path), inputs, _RouteFile(environ))
        return
    tree = _read_tree(path, environ)
    if isinstance(tree, Diagnostic):
        inputs.diagnostics.append(tree)
    elif is_compose(tree):
        lines = read_key_lines(path)
        variables = read_env_file(path.parent / ".env") | dict(environ)
        services = list(read_services(tree, path, lines, variables))
        in_swarm = list(read_swarm_services(tree, path, lines, variables))
        inputs.compose_services += services
        inputs.swarm_services += in_swarm
        inputs.files.append(path)
        inputs.locations.add_compose(path, [*services, *in_swarm])
        for proxy in find_proxies(tree, path, lines, variables):
            _add_proxy(check_proxy(proxy, path), path, inputs)
    elif dynamic.is_dynamic(tree):
        _add_route_files(FileOptions(filename=path), inputs, _RouteFile(environ))
    elif inputs.settings_files:
        message = f"is a second settings file, besides {inputs.settings_files[0]}"
        inputs.diagnostics.append(
            Diagnostic(Severity.ERROR, "settings", str(path), message, "give only one of them")
        )
    else:
        inputs.settings_files.append(path)


def _read_tree(path: Path, environ: Mapping[str, str]) -> Tree | Diagnostic:
    """Read a file of any kind. Only route files may have templates, which need not be valid YAML or TOML."""
    tree = dynamic.read(path)
    if isinstance(tree, Diagnostic):
        with_templates = dynamic.read(path, environ)
        return with_templates if not isinstance(with_templates, Diagnostic) else tree
    return tree


def _add_proxy(proxy: ProxyCheck, path: Path, inputs: _Inputs) -> None:
    inputs.proxies.append(proxy)
    # Locate now: a service of another compose file may have the same name.
    inputs.locations.add_subjects(path, proxy.lines)
    inputs.located += map(inputs.locations.locate, proxy.diagnostics)
    for options in proxy.routes:
        _add_route_files(options, inputs, _RouteFile(proxy.environ, proxy.mounts))


def _add_route_files(options: FileOptions, inputs: _Inputs, reader: _RouteFile) -> None:
    try:
        paths = list_files(options.directory) if options.directory else [options.filename or Path()]
    except OSError as error:
        subject = f"directory {options.directory}"
        message = f"cannot be read: {error.strerror}"
        inputs.diagnostics.append(Diagnostic(Severity.ERROR, FILE, subject, message))
        return
    for path in paths:
        if path not in inputs.route_files:
            inputs.route_files[path] = reader
            inputs.files.append(path)
            inputs.locations.add_file(path, reader.environ)


def _known_providers(inputs: _Inputs, all_settings: Sequence[Settings]) -> set[str]:
    """Return the providers whose objects are all known here.

    A compose file alone may refer to route files that are elsewhere, unless its proxy reads none.
    """
    known = {DOCKER} if inputs.compose_services else set()
    reads_no_files = all_settings and all(each.providers.file is None for each in all_settings)
    if inputs.route_files or (inputs.files and reads_no_files):
        known.add(FILE)
    return known


def _build_configuration(inputs: _Inputs, settings: Settings | None, providers: set[str]) -> Configuration:
    """Merge all files; without settings, every entry point that a router names exists."""
    by_provider: dict[str, Configuration] = {}
    if FILE in providers:
        decoded = [
            read_certificates(dynamic.load_file(path, reader.environ), FILE, reader.mounts)
            for path, reader in inputs.route_files.items()
        ]
        by_provider[FILE] = unite(decoded, FILE)
    all_settings = [settings] if settings else _compose_settings(inputs)
    in_swarm = swarm_options([settings] if settings else _agent_settings(inputs))
    has_no_proxy = settings is None and not inputs.proxies
    if has_no_proxy and is_stack(inputs.swarm_services, inputs.compose_services):
        by_provider[SWARM] = unite(decode_stack_without_proxy(inputs.swarm_services), SWARM)
        providers = providers - {DOCKER}
    elif in_swarm and inputs.swarm_services:
        by_provider[SWARM] = unite(decode_swarm_services(inputs.swarm_services, in_swarm), SWARM)
    if DOCKER in providers and not (in_swarm and _has_no_docker_provider(inputs, settings)):
        decoded = [*decode_docker_services(inputs.compose_services, _agents(inputs), settings)]
        if not in_swarm:
            decoded += unread_deploy_labels(inputs.swarm_services, inputs.compose_services)
        by_provider[DOCKER] = unite(decoded, DOCKER)
    if all_settings:
        entry_points = {name for each in all_settings for name in each.web_entry_points}
    else:
        entry_points = named_entry_points(by_provider)
    tls = entry_point_tls(all_settings[0]) if len(all_settings) == 1 else NO_TLS
    if has_no_proxy:
        for name in by_provider.keys() & {DOCKER, SWARM}:
            by_provider[name] = assume_other_compose_files(name, by_provider[name])
    elsewhere = other_providers(by_provider, tls)
    merged = merge({**by_provider, "elsewhere": elsewhere}, entry_points, tls, _layer4(all_settings))
    return replace(merged, diagnostics=(*merged.diagnostics, *unused_parts(merged, tls)))


def _layer4(all_settings: Sequence[Settings]) -> Layer4Options:
    """Return the options for TCP and UDP; without settings, every entry point for UDP exists."""
    if not all_settings:
        return NO_OPTIONS
    return Layer4Options({name for each in all_settings for name in each.udp_entry_points})


def _compose_settings(inputs: _Inputs) -> list[Settings]:
    """Return the settings of each proxy with entry points; an empty list if those of one are unknown."""
    found = [proxy.settings for proxy in inputs.proxies if proxy.has_entry_points]
    return [settings for settings in found if settings is not None] if all(found) else []


def _agents(inputs: _Inputs) -> list[ProxyCheck]:
    return [proxy for proxy in inputs.proxies if proxy.has_agent]


def _agent_settings(inputs: _Inputs) -> list[Settings]:
    """Return the known settings of the agents in the compose files."""
    return [agent.settings for agent in _agents(inputs) if agent.settings is not None]


def _has_no_docker_provider(inputs: _Inputs, settings: Settings | None) -> bool:
    """Return whether known settings have no Docker provider, so labels of containers matter to nobody."""
    known = [settings] if settings else _agent_settings(inputs)
    return all(each.providers.docker is None for each in known)
