"""`rondpoint check`: what settings and files of routes come to, without starting anything."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from discovery import dynamic
from discovery.merge import merge
from discovery.providers.file.listing import listed
from discovery.union import unite
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration, Middleware, Router, Service
from rondpoint.settings import FileOptions, SettingsError, load

FILE = "file"


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[FILE] [FLAGS]...")
def check(arguments: tuple[str, ...]) -> None:
    """Say what is wrong with settings and routes, and list the routes.

    FILE is a file of routes, a directory of such files, or a file of settings; without it, settings are
    found as `rondpoint up` with the same FLAGS would find them. Ends with 1 when there is an error.
    """
    named = arguments and not arguments[0].startswith("-")
    findings = _check_path(Path(arguments[0]), arguments[1:]) if named else _check_settings(arguments)
    if any(finding.severity is Severity.ERROR for finding in findings):
        raise SystemExit(1)


def _check_path(path: Path, flags: tuple[str, ...]) -> list[Diagnostic]:
    if path.is_dir():
        return _check_routes(FileOptions(directory=path), None)
    tree = dynamic.read(path)
    if isinstance(tree, Diagnostic):
        return _tell([tree])
    if dynamic.is_dynamic(tree):
        return _check_routes(FileOptions(filename=path), None)
    return _check_settings((*flags, f"--configFile={path}"))


def _check_settings(flags: tuple[str, ...]) -> list[Diagnostic]:
    try:
        loaded = load(flags, os.environ, Path.cwd())
    except SettingsError as error:
        return _tell(error.diagnostics)
    click.echo(f"settings: {loaded.file or 'no file'}")
    findings = _tell(loaded.warnings)
    options = loaded.settings.providers.file
    if options is None:
        click.echo("routes: no files; those of containers are seen while the agent runs")
        return findings
    return findings + _check_routes(options, loaded.settings.web_entry_points)


def _check_routes(options: FileOptions, entry_points: Iterable[str] | None) -> list[Diagnostic]:
    """Tell of the files' routes; with `entry_points` None, any that they name will do."""
    try:
        paths = listed(options.directory) if options.directory else [options.filename or Path()]
    except OSError as error:
        place = f"directory {options.directory}"
        return _tell([Diagnostic(Severity.ERROR, FILE, place, f"cannot be read: {error.strerror}")])
    own = unite([dynamic.load_file(path) for path in paths], FILE)
    if entry_points is None:
        entry_points = {name for router in own.routers.values() for name in router.entry_points}
    whole = merge({FILE: own, "elsewhere": _elsewhere(own)}, set(entry_points))
    findings = _tell(whole.diagnostics)
    click.echo(f"routes: {', '.join(map(str, paths)) or 'no files'}")
    for line in _routes(whole):
        click.echo(line)
    return findings


def _elsewhere(own: Configuration) -> Configuration:
    """What the files refer to in other providers, taken to be there: it cannot be known here."""
    ours = f"@{FILE}"
    services = {router.service for router in own.routers.values()}
    middlewares = {name for router in own.routers.values() for name in router.middlewares}
    return Configuration(
        services={name: Service(name) for name in services if not name.endswith(ours)},
        middlewares={name: Middleware(name, "") for name in middlewares if not name.endswith(ours)},
    )


def _routes(configuration: Configuration) -> Iterator[str]:
    for router in sorted(configuration.routers.values(), key=_by_priority):
        yield f"  {router.name}: {router.rule.text} (priority {router.priority})"
        service = configuration.services[router.service]
        servers = ", ".join(
            server.url if server.weight == 1 else f"{server.url} (weight {server.weight})"
            for server in service.servers
        )
        yield f"    → {service.name}: {servers or 'no servers known here'}"


def _by_priority(router: Router) -> tuple[int, str]:
    return -router.priority, router.name


def _tell(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    told = list(findings)
    for finding in told:
        click.echo(f"{finding.severity}: {finding}")
    return told
