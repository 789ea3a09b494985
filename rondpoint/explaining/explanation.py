"""The explanation of one request, as the API and the command line show it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Candidate(Struct, frozen=True, rename="camel"):
    """A router that could serve the host; `failed` lists the matchers that do not match, as written."""

    router: str
    rule: str
    priority: int
    matches: bool
    failed: tuple[str, ...] = ()


class ExplainedServer(Struct, frozen=True, rename="camel"):
    """A server of the service."""

    name: str
    url: str
    state: str
    weight: int


class Balancing(Struct, frozen=True, rename="camel"):
    """How the service chooses a server or a member.

    `cookie` is the name of the sticky cookie, or empty; `slow_start` is in seconds.
    """

    strategy: str
    cookie: str = ""
    slow_start: float = 0.0


class ExplainedMiddleware(Struct, frozen=True, rename="camel"):
    """A middleware, with what it does to this request.

    `part_of` is the entry point, the router or the service that names it, or a chain of theirs. `effect` is a
    sentence whose subject is the middleware; it is empty if the request does not reach it. `status` is the
    status with which the middleware itself responds, 0 if it passes the request on. `options` are as the API
    shows them, without secrets.
    """

    name: str
    kind: str
    part_of: str
    options: dict[str, Any] = {}
    effect: str = ""
    status: int = 0


class ExplainedMember(Struct, frozen=True, rename="camel"):
    """A member of a composite service; `middlewares` are those before its servers, with their `steps`."""

    service: str
    weight: int
    middlewares: tuple[str, ...] = ()
    steps: tuple[ExplainedMiddleware, ...] = ()


class ExplainedMirror(Struct, frozen=True, rename="camel"):
    """A service that gets copies of `percent` % of the requests to `of`; `middlewares` are before it."""

    service: str
    of: str
    percent: int
    middlewares: tuple[str, ...] = ()


class Suggestion(Struct, frozen=True, rename="camel"):
    """An object or container that the user may have meant, and why it does not serve the request.

    `excerpt` is the one of the diagnostic with that reason.
    """

    name: str
    reason: str
    excerpt: str = ""


class ExplainedCertificate(Struct, frozen=True, rename="camel"):
    """A certificate that a client gets; `names` are the first of its names, `not_after` is for people.

    `status` is as in `/api/certificates`. `problems` say why browsers warn of it, or soon will.
    """

    id: str
    names: tuple[str, ...]
    issuer: str
    not_after: str
    key_type: str
    source: str
    status: str
    problems: tuple[str, ...] = ()


class ExplainedHandshake(Struct, frozen=True, rename="camel"):
    """The TLS handshake before the request: the options and the certificates, one for each type of key.

    `server_name` is the name that the client sends; none for an IP address. `options` is the name of the TLS
    options. `client_auth` says whether clients are asked for a certificate, in Traefik's words. `refusal`
    says why the handshake fails; the request is not sent then. `problems` are those of the handshake itself.
    """

    server_name: str
    options: str = ""
    client_auth: str = ""
    certificates: tuple[ExplainedCertificate, ...] = ()
    refusal: str = ""
    problems: tuple[str, ...] = ()


class Explanation(Struct, frozen=True, rename="camel"):
    """The path of one request through the configuration.

    `status` is the status with which Rondpoint itself would respond; with 0 a server responds. `candidates`
    are in the order of their evaluation, up to the one that matches; `omitted` counts those that are not
    listed. `parents` are the routers above `router` on the way of the request, from the root router down.
    `middlewares` are the names on the entry point and these routers; `steps` are the middlewares in the order
    in which they run, with those of chains. `notes` say what the explanation cannot know. `diagnostics` are
    about the routers, the service, its servers and their containers, and about middlewares that cannot be
    used. `handshake` is None without TLS.
    """

    entry_point: str
    method: str
    host: str
    path: str
    candidates: tuple[Candidate, ...] = ()
    omitted: int = 0
    router: str = ""
    parents: tuple[str, ...] = ()
    middlewares: tuple[str, ...] = ()
    steps: tuple[ExplainedMiddleware, ...] = ()
    service: str = ""
    servers: tuple[ExplainedServer, ...] = ()
    diagnostics: tuple[str, ...] = ()
    balancing: Balancing | None = None
    members: tuple[ExplainedMember, ...] = ()
    mirrors: tuple[ExplainedMirror, ...] = ()
    status: int = 0
    reason: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    notes: tuple[str, ...] = ()
    handshake: ExplainedHandshake | None = None
