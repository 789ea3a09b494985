"""The model of TCP: immutable values, like those of HTTP in `rondpoint.model`.

A TCP middleware is a `Middleware` of kind `ipAllowList` or `inFlightConn`, in a section of its own: TCP and
HTTP have separate names.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from rondpoint.host_and_port import join_host_port
from rondpoint.model import Member, ServerState, ServersTransport
from rondpoint.rules.expression import Rule
from rondpoint.tls.model import TlsDomain

ProxyProtocolVersion = Literal[0, 1, 2]
"""The version of the PROXY protocol header that a server gets; 0 for none."""


class TcpServer(Struct, frozen=True, omit_defaults=True, gc=False):
    """One server of a TCP service.

    `name` is unique in its service and stable over restarts of the proxy (a container's name, or the address
    of a server from a file). With `tls` the proxy speaks TLS to it.
    """

    name: str
    host: str
    port: int
    tls: bool = False
    state: ServerState = ServerState.UP

    @property
    def address(self) -> str:
        return join_host_port(self.host, self.port)


class TcpHealthCheck(Struct, frozen=True, omit_defaults=True):
    """The options of a TCP service's active health check; times in seconds.

    A server is available if it accepts a connection, responds to `send`, if that is not empty, and its
    response begins with `expect`, if that is not empty. A `port` of 0 stands for the server's own.
    `unhealthy_interval` None means `interval`.
    """

    port: int = 0
    send: str = ""
    expect: str = ""
    interval: float = 30.0
    unhealthy_interval: float | None = None
    timeout: float = 5.0


class TcpServersTransport(Struct, frozen=True, omit_defaults=True):
    """The options of TCP connections to servers; `name` is qualified, times are in seconds.

    `dial_timeout` 0 stands for no limit, a negative `dial_keep_alive` for no probes. Once one side has ended
    its stream, the other has `termination_delay` to end its own; a negative one stands for no limit.
    `proxy_protocol` is the version of the header that servers get. `tls` are the options of TLS to servers
    with `tls`. `unserved` says why services with this transport take no connections, if an option cannot be
    read or is not served.
    """

    name: str
    dial_timeout: float = 30.0
    dial_keep_alive: float = 15.0
    termination_delay: float = 0.1
    proxy_protocol: ProxyProtocolVersion = 0
    tls: ServersTransport | None = None
    unserved: str = ""


class TcpService(Struct, frozen=True, omit_defaults=True, gc=False):
    """A group of servers that share TCP connections; `servers` are ordered by name.

    `servers_transport` is a qualified name, or empty for the default; `transport` is the transport itself,
    once the reference is resolved. A service with `members` is composite: each connection goes to one of
    them, in rotation by weight. `unserved` says why the service takes no connections. A member without
    servers is passed over, unless it `refuses`: then it takes its share, and closes it.
    """

    name: str
    servers: tuple[TcpServer, ...] = ()
    health_check: TcpHealthCheck | None = None
    servers_transport: str = ""
    transport: TcpServersTransport | None = None
    members: tuple[Member, ...] = ()
    unserved: str = ""
    refuses: bool = False


class TcpRouter(Struct, frozen=True, omit_defaults=True, gc=False):
    """Sends connections that match `rule` through `middlewares` to `service`.

    The rule has the matchers `HostSNI`, `HostSNIRegexp`, `ALPN` and `ClientIP`. `priority` is effective, as
    for routers of HTTP. Empty `entry_points` mean every default entry point. With `tls`, the router takes
    connections over TLS, and others only without. With `passthrough`, servers get the client's TLS as it is;
    otherwise the proxy ends it. `tls_options`, `cert_resolver` and `tls_domains` are those of
    `rondpoint.model.Router`.
    """

    name: str
    rule: Rule
    service: str
    priority: int
    entry_points: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    tls: bool = False
    passthrough: bool = False
    tls_options: str = ""
    cert_resolver: str = ""
    tls_domains: tuple[TlsDomain, ...] = ()
