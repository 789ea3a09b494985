"""What rules ask about a request beyond host and path, found when a rule asks.

A walk over many rules asks for the same again and again, so the last answer is kept. Nothing can come
between, since a request is matched without a pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from proxy.http1.request import Request
from rondpoint.rules.request_normalisation import headers_of, query_of


class Client(Protocol):
    """Who sends the request: `peer` is an address, possibly empty; `forwarded` gives the header lines that
    tell a server of it, for a request with this Host.
    """

    peer: str

    def forwarded(self, host: bytes) -> bytes: ...


def headers(request: Request, client: Client) -> Mapping[str, tuple[str, ...]]:
    """Values by name in lower case. As in Traefik, `Content-Length`, `Upgrade` and `X-Forwarded-*` are there
    too; of `X-Forwarded-For`, what the client's proxies have said.
    """
    return _headers(request.headers, request.upgrade, request.content_length, client.forwarded(request.host))


def query(target: bytes) -> Mapping[str, tuple[str, ...]]:
    """Values by name, decoded."""
    return _query(target)


@lru_cache(maxsize=1024)
def address(peer: str) -> IPv4Address | IPv6Address | None:
    """The client's address; None where it has none, as over a Unix socket."""
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
    found = headers_of(lines + forwarded)
    if forwarded:
        # The last one is the peer's own, which is only added for the server.
        before = found["x-forwarded-for"][-1].rpartition(", ")[0]
        found["x-forwarded-for"] = (*found["x-forwarded-for"][:-1], *([before] if before else ()))
    return found


@lru_cache(maxsize=1)
def _query(target: bytes) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in query_of(target):
        found.setdefault(name, []).append(value)
    return {name: tuple(values) for name, values in found.items()}
