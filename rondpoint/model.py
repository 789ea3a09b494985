"""The configuration model: immutable values that providers emit, the store holds and workers serve.

The provider that defines a router, service or middleware qualifies its name (`hello@docker`), so objects of
other providers can refer to it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from hashlib import sha1
from typing import Any, Literal

from msgspec import Struct, field

from rondpoint.host_and_port import join_host_port
from rondpoint.rules.expression import Rule
from rondpoint.tls.model import TlsDomain, TlsVersion

_NON_TOKEN_CHARACTER = re.compile(r"[^A-Za-z0-9!#$%&'*+.^`|~-]")

Scheme = Literal["http", "https", "h2c"]


class ServerState(StrEnum):
    """`up` takes new requests; `draining` only finishes its current ones; `down` failed its health check."""

    UP = "up"
    DRAINING = "draining"
    DOWN = "down"


class Server(Struct, frozen=True, omit_defaults=True, gc=False):
    """One server of a service.

    `name` is unique in its service and stable over restarts of the proxy (a container's name, or the
    URL of a server from a file); `weight` is its share of requests, 0 for none.
    """

    name: str
    host: str
    port: int
    scheme: Scheme = "http"
    weight: int = 1
    state: ServerState = ServerState.UP

    @property
    def url(self) -> str:
        return f"{self.scheme}://{join_host_port(self.host, self.port)}"


class StickyCookie(Struct, frozen=True, omit_defaults=True):
    """The cookie that keeps a client with one server.

    An empty `name` stands for one made from the service's name. `max_age` is in seconds, 0 for a session
    cookie. `same_site` is `none`, `lax` or `strict`; if it is empty, the attribute is left out.
    """

    name: str = ""
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    max_age: int = 0
    path: str = "/"
    domain: str = ""

    def name_for(self, service: str) -> str:
        """Return the cookie's name for this service: the given one, made valid, or Traefik's default."""
        if self.name:
            return _NON_TOKEN_CHARACTER.sub("_", self.name)
        digest = sha1(f"_TRAEFIK_BACKEND_{service}".encode(), usedforsecurity=False)
        return "_" + digest.hexdigest()[:5]


class HealthCheck(Struct, frozen=True, omit_defaults=True):
    """The options of a service's active health check; times in seconds.

    A `port` of 0 and an empty `scheme` or `hostname` stand for the server's own. A `status` of 0 accepts any
    from 200 to 399. `unhealthy_interval` None means `interval`. `mode` is `http` or `grpc`.
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


class PassiveHealthCheck(Struct, frozen=True, omit_defaults=True, gc=False):
    """The options of a service's passive health check.

    A server that fails `max_failed_attempts` times in a row within `failure_window` seconds gets no requests
    for as long.
    """

    failure_window: float = 10.0
    max_failed_attempts: int = 1


MAX_SLOW_START = 3600.0
"""Seconds."""

Strategy = Literal["wrr", "p2c", "hrw", "leasttime", "leastconn", "drr"]


Composition = Literal["weighted", "highestRandomWeight", "failover", "mirroring"]
"""How a composite service chooses a member: in rotation or by the client's address, both by weight, or the
first available one. With `mirroring` there is one member, and mirrors get copies of its requests.
"""


MAX_COMPOSITION_DEPTH = 8
"""Levels of composite services within each other; deeper members get no requests, like those in a circle."""


class Member(Struct, frozen=True, omit_defaults=True, gc=False):
    """A member of a composite service; `name` is qualified, `weight` is its share of requests, 0 for none."""

    name: str
    weight: int = 1


class FailoverErrors(Struct, frozen=True, omit_defaults=True, gc=False):
    """The responses of its main service that lead a failover service to the fallback.

    `statuses` are status codes and ranges: `404`, `500-599`. A request whose body has more than
    `max_request_body_bytes` is refused with 413; a negative number is no limit.
    """

    statuses: tuple[str, ...] = ()
    max_request_body_bytes: int = -1


class Mirror(Struct, frozen=True, omit_defaults=True, gc=False):
    """A service that gets copies of `percent` % of the requests; `name` is qualified."""

    name: str
    percent: int = 0


class Mirroring(Struct, frozen=True, omit_defaults=True, gc=False):
    """Where copies of a service's requests go, and whether with their bodies.

    Requests with a body of more than `max_body_size` bytes are not copied; a negative number is no limit.
    """

    mirrors: tuple[Mirror, ...] = ()
    mirror_body: bool = True
    max_body_size: int = -1


class ClientCertificate(Struct, frozen=True, omit_defaults=True, gc=False):
    """The certificate that the proxy shows to servers, and its key.

    `cert_file` is a path or PEM text. `key_file` is a path, or a key that a provider has sealed.
    """

    cert_file: str
    key_file: str

    def __repr__(self) -> str:
        # An installation without a secret seals nothing, and the key must not get into logs.
        return "ClientCertificate()"


class ServersTransport(Struct, frozen=True, omit_defaults=True, gc=False):
    """The options of connections to servers; `name` is qualified.

    `root_cas` are paths or PEM texts. Without any, the system's certificate authorities count. The program
    that connects reads the paths: the proxy, and the agent for health checks. `server_name` is the name in
    the TLS handshake and in the certificate, in place of the server's host; `peer_cert_uri` is a URI that the
    certificate must have too. `max_idle_connections` applies to each server in each worker: 0 for the
    default, negative for none. With `disable_http2`, servers get HTTP/1.1 unless their scheme is `h2c`.
    Timeouts are in seconds, 0 for none; over HTTP/2, a PING follows `read_idle_timeout` without a frame, and
    must be answered within `ping_timeout`. `unserved` says why services with this
    transport take no requests, if an option cannot be read or is not served.
    """

    name: str
    server_name: str = ""
    insecure_skip_verify: bool = False
    root_cas: tuple[str, ...] = ()
    certificate: ClientCertificate | None = None
    min_version: TlsVersion | None = None
    max_version: TlsVersion | None = None
    peer_cert_uri: str = ""
    max_idle_connections: int = 0
    dial_timeout: float = 30.0
    response_header_timeout: float = 0.0
    idle_timeout: float = 90.0
    disable_http2: bool = False
    read_idle_timeout: float = 0.0
    ping_timeout: float = 15.0
    unserved: str = ""


class Service(Struct, frozen=True, omit_defaults=True, gc=False):
    """A group of servers that share the load; `servers` are ordered by name.

    `flush_interval` is in seconds. `servers_transport` is a qualified name, or empty for the default of the
    settings; `transport` is the transport itself, once the reference is resolved. A server that is new or
    available again gets its whole share of requests after `slow_start` seconds. With a `composition` the
    service is composite: it has `members` in place of servers, and each request goes to one of them. With
    `failover_errors`, a failover service tries its fallback after certain responses, too. `mirroring` says
    which services get copies of its requests.
    `middlewares` run after those of the router. `unserved` says why the service takes no requests, if its
    definition uses an option that the proxy does not serve; it has no servers then. If `responds_with` is not
    0, the service responds to each request with this status. It has no servers either, but as a member of a
    composite service it takes its share.
    """

    name: str
    servers: tuple[Server, ...] = ()
    pass_host_header: bool = True
    strategy: Strategy = "wrr"
    sticky: StickyCookie | None = None
    health_check: HealthCheck | None = None
    passive_health_check: PassiveHealthCheck | None = None
    flush_interval: float = 0.1
    servers_transport: str = ""
    slow_start: float = 0.0
    composition: Composition | None = None
    members: tuple[Member, ...] = ()
    failover_errors: FailoverErrors | None = None
    mirroring: Mirroring | None = None
    middlewares: tuple[str, ...] = ()
    unserved: str = ""
    responds_with: int = 0
    transport: ServersTransport | None = None

    @property
    def service_names(self) -> tuple[str, ...]:
        """The names of the services that get its requests or copies of them."""
        names = tuple(member.name for member in self.members)
        if self.mirroring is None:
            return names
        return names + tuple(mirror.name for mirror in self.mirroring.mirrors)


Verbosity = Literal["minimal", "detailed"]
"""The spans of a trace: the request and each attempt at a server, or also router, middlewares and service."""


class RouterObservability(Struct, frozen=True, omit_defaults=True, gc=False):
    """The observability of a router's requests; the entry point's setting applies to a field that is None."""

    access_logs: bool | None = None
    metrics: bool | None = None
    tracing: bool | None = None
    trace_verbosity: Verbosity | None = None


MAX_ROUTER_LAYERS = 16
"""Routers on a request's way from its root router to a service; routers further down get no requests."""


class Router(Struct, frozen=True, omit_defaults=True, gc=False):
    """Sends requests that match `rule` through `middlewares` to `service`, or to one of its child routers.

    `priority` is effective (the rule's length if its author gave none); higher first, and among
    equals the lower name. Empty `entry_points` mean every default entry point; with `tls`, only those of
    them that use TLS count. Both the router's and the service's `pass_host_header` must be true for the
    client's Host to reach the server. `observability` is None if the router has no such options.

    A router with `parents` (qualified names) is a child router: it takes requests of its parents, after their
    middlewares, and no others. It has no entry points or TLS of its own. A router with an empty `service` is
    a parent router: requests go to the child router whose rule they match then.

    `tls_options` is the qualified name of the TLS options of its hosts, or empty for the default ones.
    `cert_resolver` is the resolver that obtains certificates for the hosts of its rule or, if there are any,
    for `tls_domains`.
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
    parents: tuple[str, ...] = ()
    tls_options: str = ""
    cert_resolver: str = ""
    tls_domains: tuple[TlsDomain, ...] = ()


class Middleware(Struct, frozen=True, omit_defaults=True):
    """A named step between router and service; `kind` is in Traefik 3 spelling (`basicAuth`).

    `options` are the given ones, as `rondpoint.middlewares.canonical` returns them. An `unusable` middleware
    had options that could not be read: its routers respond 503, so no request passes unprotected.
    """

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    unusable: bool = False
