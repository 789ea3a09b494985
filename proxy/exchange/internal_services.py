"""Responses of services without servers: Rondpoint's own services, and services that only have a status."""

from __future__ import annotations

import re
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from proxy.http1.errors import RequestError
from proxy.per_request.local_response import LocalResponse
from rondpoint import internal_services
from rondpoint.internal_services import INTERNAL_SERVICES, internal_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.balancing.balanced_service import BalancedService
    from proxy.context import InternalService
    from proxy.exchange.downstream import Downstream
    from proxy.http1.request import Request
    from proxy.middlewares.step import Client
    from proxy.telemetry.exposition.exposition import Exposition
    from rondpoint.settings import Settings

_ACCEPT = re.compile(rb"\r\n(?i:accept):[ \t]*([^\r\n]*)")


def make_internal_services(
    settings: Settings, status: Callable[[], int], exposition: Exposition | None
) -> dict[str, InternalService]:
    """Return Rondpoint's own services by name, without those that the admin application serves.

    Those that the settings switch off respond with 503. `status` returns the status of ping.
    """
    found: dict[str, InternalService] = {
        internal_services.NOOP: _respond_as_teapot,
        internal_services.PING: lambda _request, _client: ping_response(status),
    }
    if exposition is not None:
        found[internal_services.PROMETHEUS] = lambda request, _client: metrics_response(exposition, request)
    for name in INTERNAL_SERVICES:
        if fault := internal_fault(name, settings):
            found[name] = partial(_refuse, f"service unavailable: {name}: {fault}")
    return found


def respond_without_server(
    downstream: Downstream, request: Request, service: BalancedService | None
) -> LocalResponse:
    """Return the response of a service without servers, or raise RequestError with its status."""
    if service is None:
        raise RequestError(503, "")
    respond = downstream.context.internal_services.get(service.name)
    if respond is None:
        raise RequestError(service.service.responds_with or 503, "")
    return respond(request, downstream)


def metrics_response(exposition: Exposition, request: Request) -> LocalResponse:
    """Return the metrics in the format that the request accepts."""
    accept = _ACCEPT.search(request.headers)
    scope = b"scope=installation" in request.target.partition(b"?")[2].split(b"&")
    found = exposition.respond("installation" if scope else "", accept[1].decode("latin-1") if accept else "")
    lines = b"\r\nContent-Type: " + found.content_type.encode()
    return LocalResponse(found.status, lines, pieces=found.pieces)


def ping_response(status: Callable[[], int]) -> LocalResponse:
    """Return the response with this status, which says whether the proxy takes requests."""
    found = status()
    lines = b"\r\nContent-Type: text/plain; charset=utf-8"
    return LocalResponse(found, lines, HTTPStatus(found).phrase.encode())


def _respond_as_teapot(_request: Request, _client: Client) -> LocalResponse:
    """Respond as Traefik does: a request that no middleware has answered should not come here."""
    raise RequestError(HTTPStatus.IM_A_TEAPOT, "")


def _refuse(reason: str, _request: Request, _client: Client) -> LocalResponse:
    raise RequestError(503, reason)
