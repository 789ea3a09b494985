"""Request attributes for rules, beyond host and path: headers, query and client address.

They are parsed when a rule first needs them. Testing many rules needs the same values again, so the last
result is cached. No other request can come between, because matching never yields.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from proxy.http1.request import Request
from rondpoint.rules.request_normalisation import parse_header_lines, parse_query


class Client(Protocol):
    """The client of a request: `peer` is its address, or empty.

    `forwarded` returns the X-Forwarded header lines for a request with this Host.
    """

    peer: str

    def forwarded(self, host: bytes) -> bytes: ...


def headers(request: Request, client: Client) -> Mapping[str, tuple[str, ...]]:
    """Return header values by lower-case name.

    As in Traefik, they include `Content-Length`, `Upgrade` and `X-Forwarded-*`; `X-Forwarded-For` has the
    addresses that the client's proxies sent.
    """
    return _headers(request.headers, request.upgrade, request.content_length, client.forwarded(request.host))


def query(target: bytes) -> Mapping[str, tuple[str, ...]]:
    """Return the decoded query values by name."""
    return _query(target)


@lru_cache(maxsize=1024)
def address(peer: str) -> IPv4Address | IPv6Address | None:
    """Return the client's address; None if it has none, for example over a Unix socket."""
    try:
        return ip_address(peer)
    except ValueError:
        return None


@lru_cache(maxsize=1)
def _headers(
    lines: bytes, upgrade: bytes, content_length: int, forwarded: bytes
) -> Mapping[str, tuple[str, ...]]:
    if upgrade:
        lines += b"\r\nConnection: Upgrade\r\nUpgrade: " + upgrade
    if content_length >= 0:
        lines += b"\r\nContent-Length: %d" % content_length
    found = parse_header_lines(lines + forwarded)
    if forwarded:
        # Without the last address: it is the peer's, added only for the server.
        before = found["x-forwarded-for"][-1].rpartition(", ")[0]
        found["x-forwarded-for"] = (*found["x-forwarded-for"][:-1], *([before] if before else ()))
    return found


@lru_cache(maxsize=1)
def _query(target: bytes) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_query(target):
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}
