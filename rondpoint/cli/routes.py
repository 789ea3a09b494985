"""`rondpoint routes`: what a running Rondpoint routes, as it sees it itself."""

from __future__ import annotations

import click
import msgspec
from msgspec import Struct

from rondpoint.cli.api_client import api_of, ask, fail
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flags import PASS_ON, settings_flags
from rondpoint.cli.table import table
from rondpoint.diagnostics import Diagnostic
from rondpoint.terminal_text import printable

_AGENT_HEADINGS = ("AGENT", "NAME", "ROLE", "PROVIDERS")
_HEADINGS = ("ROUTER", "RULE", "ENTRY POINTS", "PRIORITY", "SERVICE", "SERVERS")


class _Router(Struct, rename="camel"):
    """Of one that was left out, only its status is told, and why."""

    rule: str = ""
    service: str = ""
    priority: int | None = None
    entry_points: list[str] = []
    status: str = ""


class _Server(Struct):
    url: str
    name: str = ""
    weight: int = 1
    state: str = "up"


class _Service(Struct):
    servers: list[_Server] = []


class _Provider(Struct):
    state: str
    message: str = ""


class _Agent(Struct):
    role: str = ""
    part: str = ""
    providers: dict[str, _Provider] = {}


class RawData(Struct):
    """The part of `/api/rawdata` that is shown."""

    routers: dict[str, _Router] = {}
    services: dict[str, _Service] = {}
    agents: dict[str, _Agent] = {}
    diagnostics: list[Diagnostic] = []


@click.command(cls=SettingsCommand, context_settings=PASS_ON)
@click.option("--json", "as_json", is_flag=True, help="Print /api/rawdata as it is.")
@click.option(
    "--api", metavar="URL", help="The admin entry point to ask; by default the one of the settings."
)
@settings_flags
def routes(as_json: bool, api: str | None, flags: tuple[str, ...]) -> None:
    """List the routers of a running Rondpoint, their servers, what is wrong with them, and its agents."""
    asked = api_of(api, flags)
    content = ask(asked, "/api/rawdata")
    if as_json:
        click.echo(content)
        return
    try:
        data = msgspec.json.decode(content, type=RawData)
    except msgspec.DecodeError as fault:
        fail(f"{asked.address}/api/rawdata is not Rondpoint's: {fault}")
    click.echo("\n".join(map(printable, _lines(data))))


def _lines(data: RawData) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for name, router in sorted(data.routers.items()):
        if router.priority is None:
            rows.append((name, "", "", "", "", router.status))
            continue
        service = data.services.get(router.service, _Service())
        servers = [f"{server.url} ({server.state}, weight {server.weight})" for server in service.servers]
        points = ", ".join(router.entry_points)
        first, *others = servers or ["none"]
        rows.append((name, router.rule, points, str(router.priority), router.service, first))
        rows += [("", "", "", "", "", other) for other in others]
    lines = table(_HEADINGS, rows) if rows else ["no routers"]
    found: list[str] = []
    for diagnostic in data.diagnostics:
        first, *below = diagnostic.lines()
        found += [f"{diagnostic.severity}: {first}", *below]
    for others in (found, _agents(data)):
        lines += ["", *others] if others else []
    return lines


def _agents(data: RawData) -> list[str]:
    rows = [
        (name, agent.part, agent.role, ", ".join(map(_provider, agent.providers.items())))
        for name, agent in sorted(data.agents.items())
    ]
    return table(_AGENT_HEADINGS, rows) if rows else []


def _provider(named: tuple[str, _Provider]) -> str:
    name, provider = named
    return f"{name} ({provider.state}{': ' if provider.message else ''}{provider.message})"
