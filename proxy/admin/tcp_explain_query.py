"""The TCP connection that `/api/explain` explains: that of `tcp://db.example.com:5432`, or of a request."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct
from werkzeug.datastructures import MultiDict

from proxy.admin.explain_query import (
    ExplainQuery,
    ExplainQueryError,
    choose_entry_point,
    host_name,
    read_client,
)
from rondpoint.explaining.tcp.connection_facts import ConnectionFacts
from rondpoint.settings import Settings

_SCHEME = "tcp:"
_PROTOCOLS_OF_HTTP = ("h2", "http/1.1")
"""What clients of HTTP offer by ALPN."""


class TcpExplainQuery(Struct, frozen=True):
    """The entry point and the connection to explain."""

    entry_point: str
    facts: ConnectionFacts


def is_tcp_url(url: str) -> bool:
    """Return whether a URL is for a TCP connection."""
    return url.strip().lower().startswith(_SCHEME)


def read_tcp_explain_query(arguments: MultiDict[str, str], settings: Settings) -> TcpExplainQuery:
    """Parse the query parameters of `/api/explain` for a TCP connection. Raises ExplainQueryError.

    The host of `url` is the server name that the client sends; for an IP address, and without a host, it
    sends none. Without `entryPoint`, use the entry point on the port of `url`, or else the first default one.
    """
    url = arguments.get("url", "").strip()
    try:
        parts = urlsplit(url)
        port = parts.port or 0
    except ValueError as error:
        raise ExplainQueryError(f"url {url!r} cannot be read: {error}") from None
    if parts.path.strip("/") or parts.query or not parts.netloc:
        raise ExplainQueryError(f"url {url!r} is not an address such as tcp://db.example.com:5432")
    entry_point, _ = choose_entry_point(arguments.get("entryPoint", ""), port, settings, tls=False)
    facts = ConnectionFacts(
        _server_name(host_name(parts)),
        tuple(arguments.getlist("alpn")),
        read_client(arguments.get("client", "").strip()),
    )
    return TcpExplainQuery(entry_point, facts)


def facts_of_connection(query: ExplainQuery) -> ConnectionFacts:
    """Return the facts of the connection that carries a request."""
    protocols = _PROTOCOLS_OF_HTTP if query.tls else ()
    return ConnectionFacts(_server_name(query.url_host), protocols, query.previewed.peer)


def _server_name(host: str) -> str:
    """Return the server name that clients send for this host: none for an IP address."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host.removesuffix(".")
    return ""
