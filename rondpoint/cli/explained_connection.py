"""The text of `rondpoint explain` for a TCP connection."""

from __future__ import annotations

from collections.abc import Iterator

from rondpoint.cli.candidates_table import format_candidates
from rondpoint.explaining.tcp.explanation import ConnectionDecision, TcpExplanation


def is_served(explanation: TcpExplanation) -> bool:
    """Return whether a TCP router serves the connection, over TLS or without."""
    return "tcp" in (explanation.over_tls.outcome, explanation.plain.outcome)


def format_connection(explanation: TcpExplanation) -> Iterator[str]:
    """Yield the lines for a TCP connection: over TLS first, then without."""
    yield f"TCP connection to entry point {explanation.entry_point} from {explanation.client or 'any client'}"
    if explanation.over_tls == explanation.plain:
        # No router over TLS: the proxy does not look for a ClientHello.
        yield from _format_decision("over TLS or without", explanation.plain)
    else:
        name = explanation.server_name or "no server name"
        offers = f", ALPN {', '.join(explanation.protocols)}" if explanation.protocols else ""
        yield from _format_decision(f"over TLS ({name}{offers})", explanation.over_tls)
        yield from _format_decision("without TLS", explanation.plain)
    if explanation.notes:
        yield ""
    yield from (f"note        {note}" for note in explanation.notes)


def _format_decision(title: str, decision: ConnectionDecision) -> Iterator[str]:
    yield ""
    yield f"{title}:"
    yield from format_candidates(decision.candidates, decision.omitted)
    if decision.router:
        yield f"router      {decision.router}{', TLS passthrough' if decision.passthrough else ''}"
        yield f"middlewares {', '.join(decision.middlewares) or 'none'}"
        yield f"service     {decision.service}"
    for name, weight in decision.members:
        yield f"member      {name} (weight {weight})"
    for server in decision.servers:
        yield f"server      {server.address} ({server.name}, {server.state}{', TLS' if server.tls else ''})"
    for diagnostic in decision.diagnostics:
        yield f"diagnostic  {diagnostic}"
    if decision.before_bytes and decision.router:
        yield "note        decided before the client sends a byte, so the server may be the first to send"
    if decision.outcome == "closed":
        yield f"closed      {decision.reason}"
    elif decision.outcome == "http":
        yield f"HTTP        {decision.reason}; HTTP routers are next"
