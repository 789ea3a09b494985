"""Parses the endpoint of the masters: a list of URLs, or the path of their election in ZooKeeper."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

DEFAULT_PORT = 5050
ZK = "zk://"


class Election(Struct, frozen=True):
    """ZooKeeper servers (`host:port`), and the path of the election. Without a `username`, no login."""

    servers: tuple[str, ...]
    path: str
    username: str = ""
    password: str = ""


def parse_endpoint(written: Sequence[str], *, tls: bool) -> Election | tuple[str, ...]:
    """Return the election, or the URLs of masters without slashes at their ends. Raises ValueError."""
    if not written:
        raise ValueError("providers.mesos.endpoint is empty")
    if written[0].startswith(ZK):
        return _parse_election(",".join(written))
    return tuple(_parse_master(each, "https" if tls else "http") for each in written)


def _parse_election(written: str) -> Election:
    authority, slash, path = written.removeprefix(ZK).partition("/")
    credentials, _, hosts = authority.rpartition("@")
    username, _, password = credentials.partition(":")
    servers = tuple(filter(None, (each.strip() for each in hosts.split(","))))
    if not servers or not path.strip("/"):
        raise ValueError(f"Mesos's endpoint {ZK}{hosts}{slash}{path} is not {ZK}host:port,host:port/path")
    return Election(servers, "/" + path.strip("/"), username, password)


def _parse_master(written: str, scheme: str) -> str:
    url = (written if "://" in written else f"{scheme}://{written}").rstrip("/")
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or parts.query:
        shown = written.rpartition("@")[2]
        raise ValueError(f"Mesos's endpoint {shown!r} is not host:port, a URL, or {ZK}host:port/path")
    if port is None and "://" not in written:
        return f"{url}:{DEFAULT_PORT}"
    return url
