"""The explanation of one TCP connection, as the API and the command line show it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from rondpoint.explaining.explanation import Candidate


class ExplainedTcpServer(Struct, frozen=True, rename="camel"):
    """A server of the service; with `tls`, the proxy speaks TLS to it."""

    name: str
    address: str
    state: str
    tls: bool = False


class ConnectionDecision(Struct, frozen=True, rename="camel"):
    """The decision about a connection.

    `outcome` is `tcp` if `router` serves it, `http` if no TCP router takes it, so that HTTP routers are next,
    or `closed` if Rondpoint closes it. `reason` says why, unless a TCP router serves it. `candidates` are in
    the order of their evaluation, up to the one that matches; `omitted` counts those that are not listed.
    `before_bytes`: the decision needs no byte of the client, so the server may be the first to send. With
    `passthrough`, the server gets the client's TLS as it is. `members` are services with their weights.
    """

    outcome: Literal["tcp", "http", "closed"]
    reason: str = ""
    candidates: tuple[Candidate, ...] = ()
    omitted: int = 0
    before_bytes: bool = False
    router: str = ""
    passthrough: bool = False
    middlewares: tuple[str, ...] = ()
    service: str = ""
    members: tuple[tuple[str, int], ...] = ()
    servers: tuple[ExplainedTcpServer, ...] = ()
    diagnostics: tuple[str, ...] = ()


class TcpExplanation(Struct, frozen=True, rename="camel"):
    """The path of a TCP connection through the configuration: over TLS, and without.

    `server_name` is the name in the ClientHello, in lower case; empty if the client sends none. `protocols`
    are those that the client offers by ALPN. `client` is its IP address, or empty if it is not known.
    """

    entry_point: str
    server_name: str
    protocols: tuple[str, ...]
    client: str
    over_tls: ConnectionDecision
    plain: ConnectionDecision
    notes: tuple[str, ...] = ()
