"""The form of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

EntryPoint = Literal["web", "trusting", "secure"]
"""`trusting` trusts the X-Forwarded headers of every client, `secure` has TLS; routers serve all three."""


class SampleRequest(NamedTuple):
    """A request to the host `CASE.test`; `path` is a target in origin form.

    A `Host` in `headers` replaces that host.
    """

    path: str = "/"
    method: str = "GET"
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    entry_point: EntryPoint = "web"


class Case(NamedTuple):
    """Middlewares of one router, in Traefik 3's file syntax, and requests to it, which are sent in order.

    `chain` names the router's middlewares in order, all of them if it is empty. `response_headers` are those
    that the origin sends. With `response_body`, it sends this body instead of the received request, and no
    Content-Type of its own. With `failover`, the options of a failover's errors, the origin serves the main
    service and the server of error pages the fallback. If Rondpoint departs from Traefik on purpose,
    `departure` is the reason; at least one of the requests must then have another outcome.
    """

    name: str
    middlewares: Mapping[str, Any]
    requests: Sequence[SampleRequest]
    chain: Sequence[str] = ()
    response_headers: Sequence[tuple[str, str]] = ()
    departure: str = ""
    response_body: bytes | None = None
    failover: Mapping[str, Any] | None = None
