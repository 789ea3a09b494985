"""Counts, logs and traces requests to the admin entry point if the settings say `addInternals`."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, cast

from flask import Flask, Response, current_app, g, request

from proxy.http1.grpc_status import NO_GRPC_STATUS
from proxy.http1.request import Request
from rondpoint.settings import ADMIN

if TYPE_CHECKING:
    from msgspec import Raw

    from proxy.runtime import Runtime
    from proxy.telemetry.completed_request import CountedBody
    from proxy.telemetry.tallies import Tally
    from proxy.telemetry.tracing.trace import RequestTrace
    from proxy.upstream.endpoint import Target

_NAMES = {"api": "api", "dashboard": "dashboard", "metrics": "prometheus", "ping": "ping"}


@dataclass(slots=True)
class InternalResponse:
    """A response of the admin application, with the attributes that the access log reads."""

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
    username: bytes = b""
    responder: str = ""
    grpc_status: int = NO_GRPC_STATUS
    body: CountedBody | None = None
    tls: str = ""
    client_subject: str | None = None
    logged: Raw | None = None
    first_tried_at: float = 0.0
    origin_head: bytes = b""
    sent_head: bytes = b""
    request_id: bytes = b""
    own_ids: bytes = b""

    @property
    def address(self) -> bytes:
        return self.peer.encode()

    @property
    def sampled(self) -> bool:
        return self.traced is not None and self.traced.sampled


def observe_requests(app: Flask) -> None:
    """Observe the application's requests as far as the worker's settings require."""
    app.before_request(_start_request)
    app.after_request(_finish_request)


def _runtime() -> Runtime:
    return cast("Runtime", current_app.config["RUNTIME"])


def _start_request() -> None:
    g.began = monotonic()
    tracer = _runtime().internals.tracer
    g.traced = tracer.begin(_head()) if tracer is not None else None


def _finish_request(response: Response) -> Response:
    worker = _runtime()
    internals = worker.internals
    if not internals.counted and internals.observer is None:
        return response
    seconds = monotonic() - g.began
    name = _NAMES.get(request.path.split("/")[1], "api") + "@internal"
    tally = worker.context.tallies.internal(name)
    sent = response.content_length or 0
    head = _head()
    if internals.counted:
        label_sets = worker.context.tallies.label_sets
        tally.count(label_sets.number(ADMIN), head.method, response.status_code, seconds, sent)
    if internals.observer is not None:
        served = InternalResponse(
            request.remote_addr or "",
            int(request.environ.get("REMOTE_PORT") or 0),
            tally,
            response.status_code,
            sent,
            g.traced,
        )
        internals.observer.add(served, head, g.began, seconds, worker.context.requests)
    return response


def _head() -> Request:
    """Return the current request as a request of the data path."""
    head = Request()
    head.method = request.method.encode()
    head.target = request.full_path.removesuffix("?").encode()
    head.host = request.host.encode()
    head.version = int(request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1")
    head.headers = b"".join(
        b"\r\n%b: %b" % (name.encode(), value.encode("latin-1", "replace")) for name, value in request.headers
    )
    return head
