"""The result of `rondpoint check`: as text for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice

import msgspec
from msgspec import Struct

from discovery.checking.layer4_routes import layer4_lines, layer4_objects
from rondpoint.configuration import Configuration
from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.internal_services import INTERNAL_SERVICES
from rondpoint.middlewares.display import format_options, shown_options, unfold_chains
from rondpoint.middlewares.kinds import MAX_MIDDLEWARES
from rondpoint.model import Middleware, Router


class LocatedDiagnostic(Struct, frozen=True, omit_defaults=True):
    """A diagnostic with the file and line of the error: `line` counts from 1; 0 means unknown."""

    severity: Severity
    source: str
    subject: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    excerpt: str = ""

    def lines(self) -> list[str]:
        """Return the lines for a terminal."""
        location = f"{self.file}:{self.line}: " if self.line else ""
        diagnostic = Diagnostic(
            self.severity, self.source, self.subject, self.message, self.hint, self.excerpt
        )
        first, *excerpt = diagnostic.lines()
        return [f"{location}{self.severity}: {first}", *excerpt]


class ServedSettings(Struct, frozen=True):
    """The settings of a proxy in a compose file, and which of them Rondpoint serves.

    `counts` has the number of settings by their origin: `command`, `environment`, or a file's name.
    `unserved` names the settings that have no effect; `unserved_count` is their number. `starts` is false if
    Rondpoint would refuse to start, and None if the flags are not known.
    """

    service: str
    file: str
    line: int
    counts: Mapping[str, int]
    unserved: tuple[str, ...] = ()
    unserved_count: int = 0
    starts: bool | None = True

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def summary(self) -> str:
        """Return the line for a terminal."""
        total = self.total
        counts = ", ".join(f"{count} of {origin}" for origin, count in self.counts.items())
        settings = f"{total} setting{'' if total == 1 else 's'} ({counts})" if total else "no settings"
        if self.starts is None:
            outcome = "its flags cannot be read"
        elif not self.starts:
            outcome = "Rondpoint does not start with them"
        elif not self.unserved:
            outcome = "all served" if total else "the defaults apply"
        else:
            served = total - self.unserved_count
            outcome = f"{served} served, {self.unserved_count} not: {', '.join(self.unserved)}"
        return f"service {self.service} ({self.file}:{self.line}): {settings}; {outcome}"


class CheckReport(Struct, frozen=True):
    """The result of one run.

    `settings` is None if no settings were checked. `configuration` is None if no files have routes.
    """

    diagnostics: tuple[LocatedDiagnostic, ...]
    settings: str | None = None
    settings_file: str = ""
    files: tuple[str, ...] = ()
    configuration: Configuration | None = None
    proxies: tuple[ServedSettings, ...] = ()

    def failed(self, *, strict: bool) -> bool:
        """Return whether there is an error or, with `strict`, a warning."""
        failures = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return any(diagnostic.severity in failures for diagnostic in self.diagnostics)


def as_text(report: CheckReport) -> Iterator[str]:
    """Yield lines for people."""
    if report.settings is not None:
        yield f"settings: {report.settings}"
    yield from (proxy.summary() for proxy in report.proxies)
    for diagnostic in report.diagnostics:
        yield from diagnostic.lines()
    if report.configuration is not None:
        yield f"routes: {', '.join(report.files) or 'no files'}"
        yield from _route_lines(report.configuration)
        yield from layer4_lines(report.configuration)
    elif report.settings is not None:
        yield "routes: no files; routes of containers are known only while the agent runs"
    if report.diagnostics:
        yield _count_line(report.diagnostics)


def as_json(report: CheckReport) -> bytes:
    """Return one JSON object for programs."""
    configuration = report.configuration or Configuration()
    content = {
        "diagnostics": report.diagnostics,
        "counts": {str(severity): _count(report.diagnostics, severity) for severity in Severity},
        "settings": report.settings_file or None,
        "proxies": [_proxy_object(proxy) for proxy in report.proxies],
        "files": report.files,
        "routers": [_router_object(router, configuration) for router in _sorted_routers(configuration)],
        **layer4_objects(configuration),
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def _route_lines(configuration: Configuration) -> Iterator[str]:
    for router in _sorted_routers(configuration):
        below = f", below {', '.join(router.parents)}" if router.parents else ""
        yield f"  {router.name}: {router.rule.text} (priority {router.priority}{below})"
        for number, (name, middleware) in enumerate(_steps(router, configuration), 1):
            yield f"    {number}. {_middleware_text(name, middleware)}"
        if not router.service:
            yield "    → its child routers"
            continue
        service = configuration.services[router.service]
        servers = ", ".join(
            server.url if server.weight == 1 else f"{server.url} (weight {server.weight})"
            for server in service.servers
        )
        servers = servers or INTERNAL_SERVICES.get(service.name, "no servers known here")
        yield f"    → {service.name}: {servers}"


def _steps(router: Router, configuration: Configuration) -> Iterator[tuple[str, Middleware | None]]:
    """Yield the router's middlewares in the order in which they run, with the members of chains."""
    return islice(unfold_chains(router.middlewares, configuration.middlewares), MAX_MIDDLEWARES)


def _middleware_text(name: str, middleware: Middleware | None) -> str:
    """Return the text for a middleware, whose kind is not known if another provider defines it."""
    if middleware is None or not middleware.kind:
        return name
    options = format_options(shown_options(middleware))
    return f"{name} ({middleware.kind}{f': {options}' if options else ''})"


def _router_object(router: Router, configuration: Configuration) -> dict[str, object]:
    servers = configuration.services[router.service].servers if router.service else ()
    return {
        "name": router.name,
        "rule": router.rule.text,
        "priority": router.priority,
        "entryPoints": router.entry_points,
        "middlewares": router.middlewares,
        "steps": [_step_object(name, middleware) for name, middleware in _steps(router, configuration)],
        "parentRefs": router.parents,
        "service": router.service,
        "servers": [server.url for server in servers],
    }


def _step_object(name: str, middleware: Middleware | None) -> dict[str, object]:
    if middleware is None or not middleware.kind:
        return {"name": name}
    return {"name": name, "kind": middleware.kind, "options": shown_options(middleware)}


def _proxy_object(proxy: ServedSettings) -> dict[str, object]:
    return {
        "service": proxy.service,
        "file": proxy.file,
        "line": proxy.line,
        "read": proxy.counts,
        "served": proxy.total - proxy.unserved_count if proxy.starts else 0,
        "unserved": proxy.unserved,
        "starts": proxy.starts,
    }


def _sorted_routers(configuration: Configuration) -> list[Router]:
    return sorted(configuration.routers.values(), key=lambda router: (-router.priority, router.name))


def _count_line(diagnostics: Collection[LocatedDiagnostic]) -> str:
    counts = ((_count(diagnostics, severity), severity) for severity in Severity)
    return ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for count, severity in counts if count)


def _count(diagnostics: Iterable[LocatedDiagnostic], severity: Severity) -> int:
    return sum(diagnostic.severity is severity for diagnostic in diagnostics)
