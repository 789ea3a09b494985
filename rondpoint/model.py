"""The configuration that providers emit, the store carries and workers serve: immutable values.

Names of routers, services and middlewares are qualified by the provider that defines them
(`hello@docker`), so that they can be referred to across providers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha1
from types import MappingProxyType
from typing import Any, Literal

from msgspec import Struct, field

from rondpoint.diagnostics import Diagnostic
from rondpoint.rules.expression import Rule

_NO_TOKEN = re.compile(r"[^A-Za-z0-9!#$%&'*+.^`|~-]")

Scheme = Literal["http", "https", "h2c"]


class ServerState(StrEnum):
    """`up` takes new requests; `draining` only finishes those it has; `down` failed its health check."""

    UP = "up"
    DRAINING = "draining"
    DOWN = "down"


class Server(Struct, frozen=True, omit_defaults=True, gc=False):
    """One address that answers for a service.

    `name` is unique in its service and stable over restarts of the proxy (a container's name, or the
    URL for a server from a file); `weight` is its share of requests, 0 for none.
    """

    name: str
    host: str
    port: int
    scheme: Scheme = "http"
    weight: int = 1
    state: ServerState = ServerState.UP

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class StickyCookie(Struct, frozen=True, omit_defaults=True):
    """The cookie that keeps a client with one server.

    `name` empty: one made from the service's name. `max_age` in seconds, 0 for a cookie of the session.
    `same_site`: `none`, `lax`, `strict`, or empty to say nothing.
    """

    name: str = ""
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    max_age: int = 0
    path: str = "/"
    domain: str = ""

    def called(self, service: str) -> str:
        """Its name for this service: as given, as far as a cookie may be called so, or Traefik's default."""
        if self.name:
            return _NO_TOKEN.sub("_", self.name)
        digest = sha1(f"_TRAEFIK_BACKEND_{service}".encode(), usedforsecurity=False)
        return "_" + digest.hexdigest()[:5]


class HealthCheck(Struct, frozen=True, omit_defaults=True):
    """Requests that ask servers whether they are well; times in seconds.

    `port` 0, `scheme` and `hostname` empty: those of the server. `status` 0: any from 200 to 399.
    `unhealthy_interval` None: as `interval`. `mode` is `http` or `grpc`.
    """

    path: str = ""
    scheme: str = ""
    mode: str = "http"
    hostname: str = ""
    port: int = 0
    interval: float = 30.0
    unhealthy_interval: float | None = None
    timeout: float = 5.0
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"
    status: int = 0
    follow_redirects: bool = True


LONGEST_SLOW_START = 3600.0
"""Seconds."""

Strategy = Literal["wrr", "p2c", "hrw", "leasttime", "leastconn", "drr"]


Composition = Literal["weighted", "highestRandomWeight", "failover"]
"""How a service chooses among services: in turn, by the client's address (both by weight), or the first."""


DEEPEST = 8
"""Services within services; what goes deeper leads nowhere, as a circle does."""


class Member(Struct, frozen=True, omit_defaults=True, gc=False):
    """A service that takes requests of another one; `name` is qualified, `weight` its share, 0 for none."""

    name: str
    weight: int = 1


class Service(Struct, frozen=True, omit_defaults=True, gc=False):
    """A group of servers that share the load; `servers` are in order of name.

    `flush_interval` in seconds; `servers_transport` is a qualified name, or empty. A server that comes to
    others, or comes back, gets its whole share of requests after `slow_start` seconds. With a `composition`
    it has `members` in place of servers: services of which each request goes to one. `middlewares` stand
    behind those of each router that leads to it. `unserved` says why it takes no requests, where its author
    asked for what the proxy does not serve; it has no servers then.
    """

    name: str
    servers: tuple[Server, ...] = ()
    pass_host_header: bool = True
    strategy: Strategy = "wrr"
    sticky: StickyCookie | None = None
    health_check: HealthCheck | None = None
    flush_interval: float = 0.1
    servers_transport: str = ""
    slow_start: float = 0.0
    composition: Composition | None = None
    members: tuple[Member, ...] = ()
    middlewares: tuple[str, ...] = ()
    unserved: str = ""


Verbosity = Literal["minimal", "detailed"]
"""Of traces: what came and which servers were asked, or also the router, its middlewares and the service."""


class RouterObservability(Struct, frozen=True, omit_defaults=True, gc=False):
    """What is told of a router's requests; what is None here is as their entry point says."""

    access_logs: bool | None = None
    metrics: bool | None = None
    tracing: bool | None = None
    trace_verbosity: Verbosity | None = None


class Router(Struct, frozen=True, omit_defaults=True, gc=False):
    """Requests for which `rule` holds go through `middlewares` to `service`.

    `priority` is effective (the rule's length where its author gave none); higher first, and among
    equals the lower name. `entry_points` empty means every default entry point; with `tls`, only those of
    them that speak it count. Both the router's and the service's `pass_host_header` must be true for the
    client's Host to reach the server. `observability` is None where it says nothing.
    """

    name: str
    rule: Rule
    service: str
    priority: int
    entry_points: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    pass_host_header: bool = True
    tls: bool = False
    observability: RouterObservability | None = None


class Middleware(Struct, frozen=True, omit_defaults=True):
    """A named step between router and service; `kind` in Traefik 3 spelling (`basicAuth`).

    `options` are those given, as `rondpoint.middlewares.canonical` leaves them. An `unusable` one had
    options that could not be read: its routers answer 503 rather than pass requests unguarded.
    """

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    unusable: bool = False


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


class Configuration(Struct, frozen=True):
    """Everything one provider defines, or all of them merged: mappings by qualified name."""

    routers: Mapping[str, Router] = field(default_factory=_nothing)
    services: Mapping[str, Service] = field(default_factory=_nothing)
    middlewares: Mapping[str, Middleware] = field(default_factory=_nothing)
    diagnostics: tuple[Diagnostic, ...] = ()
