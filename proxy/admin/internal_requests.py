"""Requests to the admin entry point, counted, logged and traced where settings say `addInternals`."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, cast

from flask import Flask, Response, current_app, g, request

from proxy.http1.request import Request
from rondpoint.settings import ADMIN

if TYPE_CHECKING:
    from proxy.runtime import Runtime
    from proxy.telemetry.completed_request import CountedBody
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import RequestTrace
    from proxy.upstream.endpoint import Target

_NAMES = {"api": "api", "dashboard": "dashboard", "metrics": "prometheus", "ping": "ping"}


@dataclass(slots=True)
class Served:
    """An answer of the application, as the access log is told of answers."""

    peer: str
    port: int
    tally: Tally
    status: int
    sent: int
    traced: RequestTrace | None
    entry_point: str = ADMIN
    target: Target | None = None
    refused: bool = True
    retries: int = 0
    body: CountedBody | None = None
    tls: str = ""
    logged: str = ""
    asked_at: float = 0.0
    origin_head: bytes = b""
    sent_head: bytes = b""
    request_id: bytes = b""

    @property
    def address(self) -> bytes:
        return self.peer.encode()

    @property
    def sampled(self) -> bool:
        return self.traced is not None and self.traced.sampled


def observe(app: Flask) -> None:
    """Have its requests told of, as far as the settings of the worker ask for it."""
    app.before_request(_begin)
    app.after_request(_end)


def _runtime() -> Runtime:
    return cast("Runtime", current_app.config["RUNTIME"])


def _begin() -> None:
    g.began = monotonic()
    tracer = _runtime().internals.tracer
    g.traced = tracer.begin(_head()) if tracer is not None else None


def _end(response: Response) -> Response:
    parts = _runtime()
    internals = parts.internals
    if not internals.counted and internals.observer is None:
        return response
    seconds = monotonic() - g.began
    name = _NAMES.get(request.path.split("/")[1], "api") + "@internal"
    tally = parts.context.tallies.internal(name)
    sent = response.content_length or 0
    head = _head()
    if internals.counted:
        label_sets = parts.context.tallies.label_sets
        tally.count(label_sets.number(ADMIN), head.method, response.status_code, seconds, sent)
    if internals.observer is not None:
        served = Served(
            request.remote_addr or "",
            int(request.environ.get("REMOTE_PORT") or 0),
            tally,
            response.status_code,
            sent,
            g.traced,
        )
        internals.observer.add(served, head, seconds, parts.context.requests)
    return response


def _head() -> Request:
    """The request as the data path has one."""
    made = Request()
    made.method = request.method.encode()
    made.target = request.full_path.removesuffix("?").encode()
    made.host = request.host.encode()
    made.version = int(request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1")
    made.headers = b"".join(
        b"\r\n%b: %b" % (name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers
    )
    return made
