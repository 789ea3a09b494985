"""What was checked, and what was found: as text for people, as JSON for programs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from rondpoint.diagnostics import Diagnostic, Severity
from rondpoint.model import Configuration, Router


class Finding(Struct, frozen=True, omit_defaults=True):
    """A diagnostic, and where in which file it is mended: `line` from 1, 0 where that is not known."""

    severity: Severity
    source: str
    subject: str
    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    excerpt: str = ""

    def lines(self) -> list[str]:
        """As a terminal shows it."""
        place = f"{self.file}:{self.line}: " if self.line else ""
        told = Diagnostic(self.severity, self.source, self.subject, self.message, self.hint, self.excerpt)
        first, *below = told.lines()
        return [f"{place}{self.severity}: {first}", *below]


class Served(Struct, frozen=True):
    """What Rondpoint makes of the settings of a compose file's proxy.

    `read` counts the settings by where they are: `command`, `environment`, or a file's name. `unserved` names
    those that have no effect, `lost` counts them. `starts` is false where Rondpoint would refuse to start,
    and None where the flags are not known.
    """

    service: str
    file: str
    line: int
    read: Mapping[str, int]
    unserved: tuple[str, ...] = ()
    lost: int = 0
    starts: bool | None = True

    def told(self) -> str:
        """As a terminal shows it."""
        total = sum(self.read.values())
        read = ", ".join(f"{count} of {name}" for name, count in self.read.items())
        settings = f"{total} setting{'' if total == 1 else 's'} ({read})" if total else "no settings"
        if self.starts is None:
            outcome = "its flags are not seen here"
        elif not self.starts:
            outcome = "Rondpoint does not start with them"
        elif not self.unserved:
            outcome = "all served" if total else "the defaults hold"
        else:
            outcome = f"{total - self.lost} served, {self.lost} not: {', '.join(self.unserved)}"
        return f"service {self.service} ({self.file}:{self.line}): {settings}; {outcome}"


class Checked(Struct, frozen=True):
    """`settings` is None where none were looked at, `configuration` where there are no routes to tell."""

    findings: tuple[Finding, ...]
    settings: str | None = None
    settings_file: str = ""
    files: tuple[str, ...] = ()
    configuration: Configuration | None = None
    proxies: tuple[Served, ...] = ()

    def failed(self, *, strict: bool) -> bool:
        """Whether something is wrong; with `strict`, warnings are."""
        wrong = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
        return any(finding.severity in wrong for finding in self.findings)


def as_text(checked: Checked) -> Iterator[str]:
    """Lines for people."""
    if checked.settings is not None:
        yield f"settings: {checked.settings}"
    yield from (proxy.told() for proxy in checked.proxies)
    for finding in checked.findings:
        yield from finding.lines()
    if checked.configuration is not None:
        yield f"routes: {', '.join(checked.files) or 'no files'}"
        yield from _routes(checked.configuration)
    elif checked.settings is not None:
        yield "routes: no files; those of containers are seen while the agent runs"
    if checked.findings:
        yield _summary(checked.findings)


def as_json(checked: Checked) -> bytes:
    """One object for programs."""
    configuration = checked.configuration or Configuration()
    told = {
        "findings": checked.findings,
        "counts": {str(each): _count(checked.findings, each) for each in Severity},
        "settings": checked.settings_file or None,
        "proxies": [_summarized(proxy) for proxy in checked.proxies],
        "files": checked.files,
        "routers": [_told(router, configuration) for router in _ordered(configuration)],
    }
    return msgspec.json.format(msgspec.json.encode(told), indent=2)


def _routes(configuration: Configuration) -> Iterator[str]:
    for router in _ordered(configuration):
        yield f"  {router.name}: {router.rule.text} (priority {router.priority})"
        service = configuration.services[router.service]
        servers = ", ".join(
            server.url if server.weight == 1 else f"{server.url} (weight {server.weight})"
            for server in service.servers
        )
        yield f"    → {service.name}: {servers or 'no servers known here'}"


def _told(router: Router, configuration: Configuration) -> dict[str, object]:
    return {
        "name": router.name,
        "rule": router.rule.text,
        "priority": router.priority,
        "entryPoints": router.entry_points,
        "middlewares": router.middlewares,
        "service": router.service,
        "servers": [server.url for server in configuration.services[router.service].servers],
    }


def _summarized(proxy: Served) -> dict[str, object]:
    total = sum(proxy.read.values())
    return {
        "service": proxy.service,
        "file": proxy.file,
        "line": proxy.line,
        "read": proxy.read,
        "served": total - proxy.lost if proxy.starts else 0,
        "unserved": proxy.unserved,
        "starts": proxy.starts,
    }


def _ordered(configuration: Configuration) -> list[Router]:
    return sorted(configuration.routers.values(), key=lambda router: (-router.priority, router.name))


def _summary(findings: Collection[Finding]) -> str:
    counts = ((_count(findings, severity), severity) for severity in Severity)
    return ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for count, severity in counts if count)


def _count(findings: Iterable[Finding], severity: Severity) -> int:
    return sum(finding.severity is severity for finding in findings)
