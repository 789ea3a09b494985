"""Types for middleware steps, and the registry of middleware kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from proxy.subrequests.service_subrequest import ServiceAccess
from rondpoint.middleware.installed import InstalledMiddlewares

if TYPE_CHECKING:
    import ssl

    from proxy.http1.content_decoder import ContentDecoder
    from proxy.http1.limits import Limits
    from proxy.http1.request import Request
    from proxy.limits.in_flight_limits import InFlightLimits
    from proxy.limits.rate_limits import RateLimits
    from proxy.net.client_gone import Awaited
    from proxy.net.client_stream import ClientStream
    from proxy.per_request.extras import Extras
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import Trace
    from proxy.upstream.auxiliary_pools import ServerAddress
    from proxy.upstream.pool import Pool
    from rondpoint.entry_points.redirection import RedirectionTarget
    from rondpoint.servers_transports.client_context import OpenKey


class ReadTimeout(Protocol):
    """Timeouts of a client; `read` is how long it may make no progress with a body, in seconds."""

    @property
    def read(self) -> float: ...


class SharedState(ServiceAccess, Protocol):
    """The state that all clients of a worker share."""

    @property
    def rate_limits(self) -> RateLimits: ...

    @property
    def in_flight_limits(self) -> InFlightLimits: ...


class Client(Protocol):
    """The client of a request: `peer` is its address, or empty.

    `username` is for the access log: a step sets it to the name in the client's credentials, right or wrong.
    `status` is the response's, or 499 before it begins. `tally` is the router's; `extras` hold additional
    tasks for the exchange. `forwarded` returns the X-Forwarded header lines for a request with this Host.
    `detailed_trace` returns the trace that records steps, if any. `tls` is the TLS version and cipher of the
    connection, empty without TLS. `send_interim` sends the head of a 1xx response. `awaiting` is what the
    client waits for, such as a server's stream; `gone` means that the client has left, and `watch` makes sure
    that this is noticed, also if it left before.

    A step that needs the body finds its first bytes in `buffer`, and must leave there what it has read;
    `recv` returns more, or b"" at the end of `stream`. `content_decoder` returns the decoder for these bytes;
    a body may also end with the end of `stream`, and only the decoder knows that.
    """

    awaiting: Awaited | None
    buffer: bytes
    entry_point: str
    gone: bool
    limits: Limits
    peer: str
    status: int
    stream: ClientStream
    username: bytes
    tally: Tally
    extras: Extras | None

    @property
    def context(self) -> SharedState: ...

    @property
    def timeouts(self) -> ReadTimeout: ...

    @property
    def tls(self) -> str: ...

    def recv(self) -> bytes: ...

    def content_decoder(self, request: Request) -> ContentDecoder: ...

    def watch(self) -> None: ...

    def send_interim(self, request: Request, head: bytes) -> None: ...

    def forwarded(self, host: bytes) -> bytes: ...

    def detailed_trace(self) -> Trace | None: ...


Step = Callable[["Request", Client], None]
"""Changes a request before it is sent to a server. Raises RequestError with the response for the client."""

Compile = Callable[[Mapping[str, Any]], Step]
"""Compiles complete options, in Traefik 3 spelling. Raises ValueError for options that cannot be applied."""

CompileNamed = Callable[[Mapping[str, Any], str], Step]
"""Compiles options for a kind that needs the middleware's name."""

OpenPool = Callable[["ServerAddress", "Callable[[], ssl.SSLContext] | None"], "Pool"]
"""Returns the middleware's pool for an address; with a function that creates the TLS context, for TLS."""


@dataclass(frozen=True, slots=True)
class CompileScope:
    """The name of a middleware, and what its kind may need of the worker.

    `open_pool` opens pools to auxiliary servers; `entry_points` are targets of redirections by name;
    `installed` are the middlewares in Python; `open_key` opens private keys that providers have sealed.
    """

    name: str
    open_pool: OpenPool
    entry_points: Mapping[str, RedirectionTarget] = field(default_factory=dict)
    installed: InstalledMiddlewares = field(default_factory=InstalledMiddlewares)
    open_key: OpenKey = str


@dataclass(frozen=True, slots=True)
class StepOwner:
    """The middleware that a step belongs to."""

    name: str
    kind: str


class CompiledChain(tuple[Step, ...]):
    """The steps of some middlewares in order; `owners` are their middlewares."""

    owners: tuple[StepOwner, ...]

    @classmethod
    def of(cls, pairs: Iterable[tuple[Step, StepOwner]]) -> CompiledChain:
        """Return the chain of these steps, each with its owner."""
        found = tuple(pairs)
        chain = cls(step for step, _ in found)
        chain.owners = tuple(owner for _, owner in found)
        return chain

    def owner_of(self, step: Step) -> StepOwner:
        """Return the middleware of one of the steps."""
        return self.owners[self.index(step)]


CompileScoped = Callable[[Mapping[str, Any], CompileScope], Step]
"""Compiles options for a kind that asks auxiliary servers, or needs the entry points."""

KINDS: dict[str, CompileScoped] = {}
"""All served kinds, by their names in Traefik 3 spelling."""


def kind(name: str) -> Callable[[Compile], Compile]:
    """Register the function that compiles a kind of middleware."""

    def register(function: Compile) -> Compile:
        KINDS[name] = lambda options, _scope: function(options)
        return function

    return register


def named_kind(name: str) -> Callable[[CompileNamed], CompileNamed]:
    """Register the function that compiles a kind of middleware and needs the middleware's name."""

    def register(function: CompileNamed) -> CompileNamed:
        KINDS[name] = lambda options, scope: function(options, scope.name)
        return function

    return register


def scoped_kind(name: str) -> Callable[[CompileScoped], CompileScoped]:
    """Register the function that compiles a kind of middleware and needs its scope."""

    def register(function: CompileScoped) -> CompileScoped:
        KINDS[name] = function
        return function

    return register
