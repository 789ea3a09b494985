"""Address and credentials of a Consul agent."""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec import Struct

from discovery.connections.addresses import parse_address
from rondpoint.host_and_port import join_host_port

DEFAULT_ADDRESS = "127.0.0.1:8500"
DEFAULT_PORT = 8500
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class Tls(Struct, frozen=True):
    """TLS options: paths of PEM files, each may be empty.

    Without `ca` the system's authorities are trusted.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    insecure_skip_verify: bool = False


class Endpoint(Struct, frozen=True):
    """The HTTP API of one agent. `host` has no brackets; an empty `datacenter` means the agent's own."""

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    scheme: str = "http"
    token: str = ""
    datacenter: str = ""
    username: str = ""
    password: str = ""
    tls: Tls = Tls()

    def __str__(self) -> str:
        return f"{self.scheme}://{join_host_port(self.host, self.port)}"


def endpoint(
    address: str = "",
    *,
    scheme: str = "",
    token: str = "",
    datacenter: str = "",
    username: str = "",
    password: str = "",
    tls: Tls | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Return the endpoint of the agent at `address`: `host`, `host:port`, `[::1]:8500`, or a URL.

    Arguments override the environment. Missing arguments are taken from Consul's own variables:
    `CONSUL_HTTP_ADDR`, `CONSUL_HTTP_TOKEN` (or `CONSUL_HTTP_TOKEN_FILE`), `CONSUL_HTTP_AUTH`,
    `CONSUL_HTTP_SSL`, `CONSUL_HTTP_SSL_VERIFY`, `CONSUL_CACERT`, `CONSUL_CLIENT_CERT`, `CONSUL_CLIENT_KEY`.
    Raises ValueError with one line if an address or a variable is invalid.
    """
    written = address or environment.get("CONSUL_HTTP_ADDR") or DEFAULT_ADDRESS
    parts = parse_address(written, "Consul", DEFAULT_PORT)
    if not username and not password:
        username, password = parts.username, parts.password
    if not username and not password:
        username, _, password = environment.get("CONSUL_HTTP_AUTH", "").partition(":")
    secure = _boolean_variable(environment, "CONSUL_HTTP_SSL", default=False) or tls is not None
    return Endpoint(
        host=parts.host,
        port=parts.port,
        scheme=scheme or parts.scheme or ("https" if secure else "http"),
        token=token or _token(environment),
        datacenter=datacenter,
        username=username,
        password=password,
        tls=tls or _tls(environment),
    )


def _token(environment: Mapping[str, str]) -> str:
    if token := environment.get("CONSUL_HTTP_TOKEN"):
        return token
    if not (name := environment.get("CONSUL_HTTP_TOKEN_FILE")):
        return ""
    try:
        with open(name, encoding="utf-8") as file:  # noqa: PTH123 (a path as the environment gives it)
            return file.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"CONSUL_HTTP_TOKEN_FILE: {name} cannot be read: {error}") from None


def _tls(environment: Mapping[str, str]) -> Tls:
    return Tls(
        ca=environment.get("CONSUL_CACERT", ""),
        cert=environment.get("CONSUL_CLIENT_CERT", ""),
        key=environment.get("CONSUL_CLIENT_KEY", ""),
        insecure_skip_verify=not _boolean_variable(environment, "CONSUL_HTTP_SSL_VERIFY", default=True),
    )


def _boolean_variable(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = environment.get(name, "")
    if not value:
        return default
    if value in _TRUE or value in _FALSE:
        return value in _TRUE
    raise ValueError(f"{name}={value!r} is neither true nor false")
