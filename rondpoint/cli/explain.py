"""`rondpoint explain URL`: why a running Rondpoint serves a request as it does."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from rondpoint.cli.api_client import api_of, ask, fail
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.flags import PASS_ON, settings_flags
from rondpoint.cli.table import table
from rondpoint.explaining.explanation import Balancing, Explanation
from rondpoint.terminal_text import printable


@click.command(cls=SettingsCommand, context_settings=PASS_ON)
@click.argument("url")
@click.option("--method", default="GET", show_default=True)
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="May be given several times.")
@click.option("--client", default="", metavar="ADDRESS", help="The client's, for ClientIP.")
@click.option("--entryPoint", "entry_point", default="", help="By default the one on the port of URL.")
@click.option("--json", "as_json", is_flag=True, help="Print /api/explain as it is.")
@click.option(
    "--api", metavar="ADDRESS", help="The admin entry point to ask; by default the one of the settings."
)
@settings_flags
def explain(
    *,
    url: str,
    method: str,
    headers: tuple[str, ...],
    client: str,
    entry_point: str,
    as_json: bool,
    api: str | None,
    flags: tuple[str, ...],
) -> None:
    """Tell which router, middlewares and servers a request for URL would take, or why none.

    Ends with 1 when Rondpoint itself would answer, with an error.
    """
    there = api_of(api, flags)
    asked = [("url", url), ("method", method), ("client", client), ("entryPoint", entry_point)]
    content = ask(there, "/api/explain", [*asked, *(("header", header) for header in headers)])
    try:
        way = msgspec.json.decode(content, type=Explanation)
    except msgspec.DecodeError as fault:
        fail(f"{there.address}/api/explain is not Rondpoint's: {fault}")
    click.echo(content if as_json else "\n".join(map(printable, _lines(way))))
    if way.status:
        raise SystemExit(1)


def _lines(way: Explanation) -> Iterator[str]:
    yield f"{way.method} {way.host}{way.path} on entry point {way.entry_point}"
    yield ""
    if way.omitted:
        yield f"{way.omitted} more routers of higher priority were tried"
    if way.candidates:
        rows = [
            (candidate.router, str(candidate.priority), candidate.rule, _outcome(candidate.failed))
            for candidate in way.candidates
        ]
        yield from table(("ROUTER", "PRIORITY", "RULE", ""), rows)
    else:
        yield "no router is for this host"
    yield ""
    if way.router:
        yield f"router      {way.router}"
        yield f"middlewares {', '.join(way.middlewares) or 'none'}"
        yield f"service     {way.service}"
    if way.balancing is not None:
        yield f"balancing   {_balancing(way.balancing)}"
    for member in way.members:
        through = f", through {', '.join(member.middlewares)}" if member.middlewares else ""
        yield f"member      {member.service} (weight {member.weight}{through})"
    for server in way.servers:
        yield f"server      {server.url} ({server.name}, {server.state}, weight {server.weight})"
    for finding in way.findings:
        yield f"told        {finding}"
    if way.status or way.reason:
        yield f"answers     {way.status or 'by a server'}: {way.reason}"
    for near in way.nearby:
        yield f"near        {near.name}: {near.reason}"
        yield from (f"          {line}" for line in near.excerpt.splitlines())


def _balancing(balancing: Balancing) -> str:
    kept = f", clients kept by the cookie {balancing.cookie}" if balancing.cookie else ""
    slowly = f", {balancing.slow_start:g} s of slow start" if balancing.slow_start else ""
    return f"{balancing.strategy}{kept}{slowly}"


def _outcome(failed: tuple[str, ...]) -> str:
    return f"fails: {', '.join(failed)}" if failed else "holds"
