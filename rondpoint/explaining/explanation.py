"""What is told of one request."""

from __future__ import annotations

from msgspec import Struct


class Candidate(Struct, frozen=True, rename="camel"):
    """A router that could serve the host; `failed` are the matchers that do not hold, as they are written."""

    router: str
    rule: str
    priority: int
    holds: bool
    failed: tuple[str, ...] = ()


class ExplainedServer(Struct, frozen=True, rename="camel"):
    name: str
    url: str
    state: str
    weight: int


class Balancing(Struct, frozen=True, rename="camel"):
    """How one of the servers, or of the members, is chosen.

    `cookie` is the name of what keeps a client with its own, or empty; `slow_start` in seconds.
    """

    strategy: str
    cookie: str = ""
    slow_start: float = 0.0


class ExplainedMember(Struct, frozen=True, rename="camel"):
    """A service that another one is made of; `middlewares` stand before its servers."""

    service: str
    weight: int
    middlewares: tuple[str, ...] = ()


class Nearby(Struct, frozen=True, rename="camel"):
    """What may have been meant: an object or a container, and why it does not serve.

    `excerpt` is that of the diagnostic which says so.
    """

    name: str
    reason: str
    excerpt: str = ""


class Explanation(Struct, frozen=True, rename="camel"):
    """The way of one request.

    `status` is what Rondpoint would answer by itself, 0 where a server answers; `candidates` are in the order
    in which they are tried, up to the one that holds, and `omitted` of them are not listed; `findings` are
    what diagnostics tell of the service and its servers, and what is wrong with their containers.
    """

    entry_point: str
    method: str
    host: str
    path: str
    candidates: tuple[Candidate, ...] = ()
    omitted: int = 0
    router: str = ""
    middlewares: tuple[str, ...] = ()
    service: str = ""
    servers: tuple[ExplainedServer, ...] = ()
    findings: tuple[str, ...] = ()
    balancing: Balancing | None = None
    members: tuple[ExplainedMember, ...] = ()
    status: int = 0
    reason: str = ""
    nearby: tuple[Nearby, ...] = ()
