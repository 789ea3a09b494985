"""`rondpoint explain URL`: how a running Rondpoint routes a request or a TCP connection, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click
import msgspec

from rondpoint.cli.api_client import choose_api, exit_with_error, request_api
from rondpoint.cli.candidates_table import format_candidates
from rondpoint.cli.completion import SettingsCommand
from rondpoint.cli.explained_connection import format_connection, is_served
from rondpoint.cli.flag_arguments import PASS_UNKNOWN_FLAGS, settings_flags
from rondpoint.explaining.explanation import (
    Balancing,
    ExplainedHandshake,
    ExplainedMiddleware,
    Explanation,
)
from rondpoint.explaining.tcp.explanation import TcpExplanation
from rondpoint.middlewares.display import format_options
from rondpoint.terminal_text import printable

_FIRST_ERROR = 400


@click.command(cls=SettingsCommand, context_settings=PASS_UNKNOWN_FLAGS)
@click.argument("url")
@click.option("--method", default="GET", show_default=True, help="The method of the request.")
@click.option("--header", "headers", multiple=True, metavar="'K: V'", help="A request header; repeatable.")
@click.option(
    "--client",
    default="",
    metavar="ADDRESS",
    help="The address of the client, for ClientIP, allow lists and limits.",
)
@click.option(
    "--entryPoint",
    "--entry-point",
    "entry_point",
    default="",
    help="The entry point; default: the one on the port of URL.",
)
@click.option(
    "--alpn",
    "protocols",
    multiple=True,
    metavar="PROTOCOL",
    help="For tcp://: a protocol that the client offers in the TLS handshake; repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the JSON of /api/explain unchanged.")
@click.option(
    "--api", metavar="ADDRESS", help="The admin entry point to use; default: the one from the settings."
)
@settings_flags
def explain(
    *,
    url: str,
    method: str,
    headers: tuple[str, ...],
    client: str,
    entry_point: str,
    protocols: tuple[str, ...],
    as_json: bool,
    api: str | None,
    flags: tuple[str, ...],
) -> None:
    """Show how a request for URL is routed, or why it is not.

    The output names routers and servers, and says what each middleware does to the request. For an https URL
    it begins with the TLS handshake: options and certificates. The exit code is 1 if Rondpoint itself would
    respond with an error, or refuse the handshake.

    For tcp://HOST, show which TCP router takes a connection, with HOST as server name (SNI), and without TLS.
    The exit code is 1 if no TCP router serves either. For a URL, too, the connection is shown if a TCP router
    takes it before HTTP.
    """
    chosen = choose_api(api, flags)
    query = [("url", url), ("method", method), ("client", client), ("entryPoint", entry_point)]
    query += [*(("header", header) for header in headers), *(("alpn", protocol) for protocol in protocols)]
    content = request_api(chosen, "/api/explain", query)
    try:
        found = msgspec.json.decode(content, type=dict[str, Any])
        # A TCP router may take the connection of a request, too.
        if "overTls" in found:
            connection = msgspec.convert(found, TcpExplanation)
            lines, fails = format_connection(connection), not is_served(connection)
        else:
            explanation = msgspec.convert(found, Explanation)
            lines, fails = _format_lines(explanation), _is_refused(explanation)
    except msgspec.DecodeError as fault:
        exit_with_error(f"{chosen.address}/api/explain is not from Rondpoint: {fault}")
    click.echo(content if as_json else "\n".join(map(printable, lines)))
    if fails:
        raise SystemExit(1)


def _is_refused(explanation: Explanation) -> bool:
    """Return whether Rondpoint itself responds with an error, or refuses the handshake."""
    handshake = explanation.handshake
    return explanation.status >= _FIRST_ERROR or (handshake is not None and bool(handshake.refusal))


def _format_lines(explanation: Explanation) -> Iterator[str]:
    request = f"{explanation.method} {explanation.host}{explanation.path}"
    yield f"{request} on entry point {explanation.entry_point}"
    yield ""
    if explanation.handshake is not None:
        yield from _format_handshake(explanation.handshake)
        yield ""
        if explanation.handshake.refusal:
            yield "the request is not sent; this is what would become of it:"
            yield ""
    yield from format_candidates(explanation.candidates, explanation.omitted)
    if not explanation.candidates and not explanation.router:
        yield "no router serves this host"
    yield ""
    for parent in explanation.parents:
        yield f"parent      {parent}"
    if explanation.router:
        yield f"router      {explanation.router}"
        yield f"middlewares {', '.join(explanation.middlewares) or 'none'}"
        yield from _format_steps(explanation.steps)
    if explanation.service:
        yield f"service     {explanation.service}"
    if explanation.balancing is not None:
        yield f"balancing   {_format_balancing(explanation.balancing)}"
    for member in explanation.members:
        through = f", through {', '.join(member.middlewares)}" if member.middlewares else ""
        yield f"member      {member.service} (weight {member.weight}{through})"
        yield from _format_steps(member.steps)
    for mirror in explanation.mirrors:
        through = f", through {', '.join(mirror.middlewares)}" if mirror.middlewares else ""
        yield f"mirror      {mirror.service} ({mirror.percent} % of the requests to {mirror.of}{through})"
    for server in explanation.servers:
        yield f"server      {server.url} ({server.name}, {server.state}, weight {server.weight})"
    for note in explanation.notes:
        yield f"note        {note}"
    for diagnostic in explanation.diagnostics:
        yield f"diagnostic  {diagnostic}"
    if explanation.status or explanation.reason:
        yield f"response    {explanation.status or 'by a server'}: {explanation.reason}"
    for near in explanation.suggestions:
        yield f"see also    {near.name}: {near.reason}"
        yield from (f"          {line}" for line in near.excerpt.splitlines())


def _format_handshake(handshake: ExplainedHandshake) -> Iterator[str]:
    yield f"server name {handshake.server_name or 'none'}"
    if handshake.options:
        yield f"TLS options {handshake.options}{_format_client_auth(handshake.client_auth)}"
    if handshake.refusal:
        yield f"handshake   refused: {handshake.refusal}"
    for certificate in handshake.certificates:
        details = (certificate.key_type, certificate.issuer and f"issued by {certificate.issuer}")
        ends = f"until {certificate.not_after}"
        yield f"certificate {', '.join(certificate.names)} ({', '.join(filter(None, (*details, ends)))})"
        yield f"            from {certificate.source}"
        yield from (f"            {problem}" for problem in certificate.problems)
    yield from (f"certificate {problem}" for problem in handshake.problems)


def _format_client_auth(client_auth: str) -> str:
    return f", client certificates: {client_auth}" if client_auth not in ("", "NoClientCert") else ""


def _format_steps(steps: Iterable[ExplainedMiddleware]) -> Iterator[str]:
    """Yield a line for each middleware in the order in which they run, with its options below."""
    part_of = ""
    for number, step in enumerate(steps, 1):
        if step.part_of != part_of:
            part_of = step.part_of
            yield f"  of {part_of}"
        yield f"  {number:2}. {step.name} ({step.kind}) {step.effect or 'is not reached'}"
        if step.options:
            yield f"      {format_options(step.options)}"


def _format_balancing(balancing: Balancing) -> str:
    sticky = f", sticky by the cookie {balancing.cookie}" if balancing.cookie else ""
    slow_start = f", slow start of {balancing.slow_start:g} s" if balancing.slow_start else ""
    return f"{balancing.strategy}{sticky}{slow_start}"
