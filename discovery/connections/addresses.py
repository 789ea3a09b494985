"""Parses the addresses of servers that the agent reads."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from rondpoint.host_and_port import join_host_port


class Address(Struct, frozen=True):
    """A host without brackets and a port. Scheme, username and password are empty if they are not given."""

    host: str
    port: int
    scheme: str = ""
    username: str = ""
    password: str = ""

    def __str__(self) -> str:
        return join_host_port(self.host, self.port)


def parse_address(
    written: str, server: str, default_port: int, schemes: tuple[str, ...] = ("http", "https")
) -> Address:
    """Parse `host`, `host:port`, `[::1]:port`, or a URL of host and port; `server` names it in messages.

    Raises ValueError with one line.
    """
    shown = written.rpartition("@")[2] if "@" in written else written
    if "://" not in written:
        written = f"//{written}"
    try:
        parts = urlsplit(written)
        port = parts.port
    except ValueError:
        raise ValueError(f"{server}'s address {shown!r} has no usable port") from None
    if parts.scheme not in {"", *schemes}:
        known = " or ".join(schemes)
        raise ValueError(f"{server}'s address {shown!r}: {parts.scheme} is not supported (use {known})")
    if not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"{server}'s address {shown!r} is not host:port, or a URL of host and port")
    return Address(
        parts.hostname,
        default_port if port is None else port,
        parts.scheme,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine by its loopback interface."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
