"""Parses `redis.url`: the address of one server, of sentinels, or of the nodes of a cluster.

URLs with `redis+sentinel` and `redis+cluster` name several hosts. Their spelling is that of the Python
libraries `limits` and `redis-sentinel-url`. `rediss` in place of `redis` means TLS on all connections.
"""

from __future__ import annotations

import difflib
import re
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlencode

from msgspec import Struct

Kind = Literal["server", "sentinel", "cluster"]
Host = tuple[str, int]

_KINDS: dict[str, Kind] = {
    "redis": "server",
    "rediss": "server",
    "unix": "server",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_PORTS: dict[Kind, int] = {"server": 6379, "sentinel": 26379, "cluster": 6379}
_HOST = re.compile(r"(?:(?P<name>[^:\[\]]+)|\[(?P<address>[^\[\]]+)\])(?::(?P<port>\d{1,5}))?", re.ASCII)
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
_OPTIONS = (
    *("db", "username", "password", "client_name", "protocol"),
    *("socket_timeout", "socket_connect_timeout", "socket_keepalive", "health_check_interval"),
    *("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password"),
    *("ssl_cert_reqs", "ssl_check_hostname"),
)


class Address(Struct, frozen=True):
    """A parsed store URL.

    `url` is in the form that redis-py reads. It is the server's URL, or else it holds the credentials,
    database and TLS options for the current master. `hosts` are queried for the master: sentinels, which know
    it by the name `master`, or nodes of a cluster. `sentinel_username` and `sentinel_password` are for
    sentinels only.
    """

    kind: Kind
    url: str
    hosts: tuple[Host, ...] = ()
    master: str = ""
    sentinel_username: str = ""
    sentinel_password: str = ""

    @property
    def secure(self) -> bool:
        """Whether connections use TLS."""
        return self.url.startswith("rediss:")


def parse(url: str) -> Address:
    """Parse the URL of a store. Raises ValueError, with the expected form, for any other text."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    kind = _KINDS.get(scheme)
    if kind is None or not separator:
        raise ValueError(
            "expected a URL that starts with redis://, rediss:// or unix://, "
            "with redis+sentinel:// or redis+cluster://"
        )
    rest = rest.partition("#")[0]
    location, _, query = rest.partition("?")
    options = _options(query, kind)
    if kind == "server":
        return Address(kind, f"{scheme}://{rest}")
    authority, _, path = location.partition("/")
    user, at, hosts = authority.rpartition("@")
    found = tuple(_host(text, _PORTS[kind]) for text in hosts.split(","))
    master, database = _path(path, kind)
    sentinel_options = {name: options.pop(name, "") for name in _SENTINEL_OPTIONS}
    # redis-py requires a host. `master` is a placeholder: each connection sets the real one.
    server_url = f"{scheme.partition('+')[0]}://{user}{at}master/{database}?{urlencode(options)}"
    return Address(kind, server_url.rstrip("?"), found, master, **sentinel_options)


def redact_url(url: str) -> str:
    """Return the URL without credentials and options, for logs and terminals."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def _options(query: str, kind: Kind) -> dict[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    known = [*_OPTIONS, *(_SENTINEL_OPTIONS if kind == "sentinel" else ())]
    for name in options.keys() - set(known):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"valid options are {', '.join(known)}"
        raise ValueError(f"unknown option {name!r}: {hint}")
    if kind == "cluster" and options.get("db", "0") != "0":
        raise ValueError("expected no database: a cluster has only database 0")
    return options


def _host(text: str, port: int) -> Host:
    found = _HOST.fullmatch(text.strip())
    number = int(found["port"] or port) if found else 0
    if found is None or not 0 < number < 65_536:
        raise ValueError(f"expected host:port or [IPv6]:port, separated by commas, instead of {text!r}")
    return unquote(found["name"] or found["address"]), number


def _path(path: str, kind: Kind) -> tuple[str, str]:
    """Return the master's name among sentinels, and the database."""
    if kind == "cluster":
        if path.strip("/") not in ("", "0"):
            raise ValueError("expected no database: a cluster has only database 0")
        return "", "0"
    master, _, database = path.strip("/").partition("/")
    if not master:
        raise ValueError("expected the master's name: redis+sentinel://host1:26379,host2:26379/mymaster/0")
    if database and not (database.isascii() and database.isdigit()):
        raise ValueError(f"expected the number of a database instead of {database!r}")
    return unquote(master), database or "0"
