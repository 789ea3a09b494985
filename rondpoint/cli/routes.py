"""`rondpoint routes`: the routers, servers, diagnostics and agents of a running Rondpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click
import msgspec
from msgspec import Struct, field

from rondpoint.cli.api_client import choose_api, exit_with_error, request_api
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.cli.table import format_table
from rondpoint.diagnostics import Diagnostic
from rondpoint.internal_services import INTERNAL_SERVICES
from rondpoint.terminal_text import printable

_AGENT_HEADINGS = ("AGENT", "NAME", "ROLE", "PROVIDERS")
_HEADINGS = ("ROUTER", "RULE", "ENTRY POINTS", "PRIORITY", "SERVICE", "SERVERS")


class _Router(Struct, rename="camel"):
    """A router; if it was left out, only `status` is set. A parent router has no service."""

    rule: str = ""
    service: str = ""
    priority: int | None = None
    entry_points: list[str] = []
    parent_refs: list[str] = []
    status: str = ""


class _Server(Struct):
    url: str
    name: str = ""
    weight: int = 1
    state: str = "up"


class _Service(Struct):
    servers: list[_Server] = []


class _AddressedServer(Struct):
    address: str
    state: str = "up"


class _Layer4Service(Struct):
    """A service of TCP or UDP."""

    servers: list[_AddressedServer] = []


class _Provider(Struct):
    state: str
    message: str = ""


class _Agent(Struct):
    role: str = ""
    contribution: str = ""
    providers: dict[str, _Provider] = {}


class RawData(Struct):
    """The fields of `/api/rawdata` that the command shows."""

    routers: dict[str, _Router] = {}
    services: dict[str, _Service] = {}
    agents: dict[str, _Agent] = {}
    diagnostics: list[Diagnostic] = []
    tcp_routers: dict[str, _Router] = field(default_factory=dict, name="tcpRouters")
    tcp_services: dict[str, _Layer4Service] = field(default_factory=dict, name="tcpServices")
    udp_routers: dict[str, _Router] = field(default_factory=dict, name="udpRouters")
    udp_services: dict[str, _Layer4Service] = field(default_factory=dict, name="udpServices")


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON of /api/rawdata unchanged.")
@click.option(
    "--api", metavar="URL", help="The admin entry point to use; default: the one from the settings."
)
@settings_flags
def routes(as_json: bool, api: str | None, flags: tuple[str, ...]) -> None:
    """List routers, servers, diagnostics and agents of a running Rondpoint."""
    chosen = choose_api(api, flags)
    content = request_api(chosen, "/api/rawdata")
    if as_json:
        click.echo(content)
        return
    try:
        data = msgspec.json.decode(content, type=RawData)
    except msgspec.DecodeError as fault:
        exit_with_error(f"{chosen.address}/api/rawdata is not from Rondpoint: {fault}")
    click.echo("\n".join(map(printable, _format_lines(data))))


def _format_lines(data: RawData) -> list[str]:
    rows = [*_http_rows(data), *_layer4_rows(data)]
    lines = format_table(_HEADINGS, rows) if rows else ["no routers"]
    diagnostics: list[str] = []
    for diagnostic in data.diagnostics:
        first, *below = diagnostic.lines()
        diagnostics += [f"{diagnostic.severity}: {first}", *below]
    for section in (diagnostics, _format_agents(data)):
        lines += ["", *section] if section else []
    return lines


def _http_rows(data: RawData) -> Iterator[tuple[str, ...]]:
    for name, router in sorted(data.routers.items()):
        if router.priority is None:
            yield _left_out(name, router)
            continue
        service = data.services.get(router.service, _Service())
        servers = [f"{server.url} ({server.state}, weight {server.weight})" for server in service.servers]
        points = ", ".join(router.entry_points or [f"below {parent}" for parent in router.parent_refs])
        without = "Rondpoint" if router.service in INTERNAL_SERVICES else "none"
        servers = servers or [without if router.service else ""]
        service_name = router.service or "(children)"
        yield from _rows((name, router.rule, points, str(router.priority), service_name), servers)


def _layer4_rows(data: RawData) -> Iterator[tuple[str, ...]]:
    for protocol, routers, services in (
        ("TCP", data.tcp_routers, data.tcp_services),
        ("UDP", data.udp_routers, data.udp_services),
    ):
        for name, router in sorted(routers.items()):
            named = f"{name} ({protocol})"
            if not router.service:
                yield _left_out(named, router)
                continue
            service = services.get(router.service, _Layer4Service())
            servers = [f"{server.address} ({server.state})" for server in service.servers] or ["none"]
            priority = "" if router.priority is None else str(router.priority)
            cells = (named, router.rule, ", ".join(router.entry_points), priority, router.service)
            yield from _rows(cells, servers)


def _left_out(name: str, router: _Router) -> tuple[str, ...]:
    return (name, "", "", "", "", router.status)


def _rows(cells: tuple[str, ...], servers: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the row of a router, and a row for each server but the first one."""
    first, *others = servers
    yield (*cells, first)
    yield from (("", "", "", "", "", other) for other in others)


def _format_agents(data: RawData) -> list[str]:
    rows = [
        (name, agent.contribution, agent.role, ", ".join(map(_format_provider, agent.providers.items())))
        for name, agent in sorted(data.agents.items())
    ]
    return format_table(_AGENT_HEADINGS, rows) if rows else []


def _format_provider(named: tuple[str, _Provider]) -> str:
    name, provider = named
    return f"{name} ({provider.state}{': ' if provider.message else ''}{provider.message})"
