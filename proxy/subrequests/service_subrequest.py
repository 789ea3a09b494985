"""Sends one subrequest to a service: chooses a server like the exchange, and tries others if it fails."""

from __future__ import annotations

from collections.abc import Iterator
from random import shuffle
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from proxy.balancing.round_robin import choose_by_ticket
from proxy.ejection.passive_check import record_outcome
from proxy.http1.header_lines import first_value, without
from proxy.http1.methods import IDEMPOTENT_METHODS, METHODS_WITH_CONTENT
from proxy.http1.request import Request
from proxy.services.composite_members import choose_member
from proxy.upstream.subrequest import (
    ContentTooLargeError,
    ServerFailedError,
    SubrequestError,
    WholeResponse,
    send_subrequest,
)
from rondpoint.model import MAX_COMPOSITION_DEPTH

if TYPE_CHECKING:
    from proxy.balancing.balanced_service import BalancedService
    from proxy.balancing.tickets import Tickets
    from proxy.ejection.ejections import Ejections
    from proxy.per_request.extras import Extras
    from proxy.services.registry import ServiceRegistry
    from proxy.telemetry.tallies import Tallies
    from proxy.upstream.endpoint import Target
    from proxy.upstream.subrequest import Waiting


class ServiceAccess(Protocol):
    """The part of a worker's state that subrequests to services need."""

    @property
    def services(self) -> ServiceRegistry: ...

    @property
    def tickets(self) -> Tickets: ...

    @property
    def ejections(self) -> Ejections: ...

    @property
    def tallies(self) -> Tallies: ...


def send_to_service(
    context: ServiceAccess,
    name: str,
    method: bytes,
    path: bytes,
    lines: bytes,
    content: bytes = b"",
    *,
    timeout: float,
    limit: int,
    discard: bool = False,
    peer: str = "",
    client: Waiting | None = None,
) -> WholeResponse:
    """Send a request to the service of this name and return the response after at most `timeout` s.

    `path` is the request target. `lines` are the header lines, each with a leading CRLF, with Host but
    without framing lines. `limit` is for the response's content, in bytes; with `discard`, the content
    is read and dropped. `peer` is the address of the client for whom the proxy asks: some services choose a
    server by it. The response has the cookies of sticky services. Middlewares of member services do not
    apply. If the `client` leaves meanwhile, the subrequest ends. Raises SubrequestError and ClientGoneError.
    """
    deadline = monotonic() + timeout
    sender = _Sender(peer)
    request = _request(method, path, lines)
    service = _find_service(context, name, request, sender)
    if content or method in METHODS_WITH_CONTENT:
        lines += b"\r\nContent-Length: %d" % len(content)
    pass_host = service.pass_host_header and request.host
    failure = SubrequestError(f"service {name} has no server")
    for target, served in _targets(context, service, request, peer):
        headers = lines if pass_host else b"\r\nHost: " + target.host + without(lines, b"host")
        message = b"%b %b HTTP/1.1%b\r\n\r\n%b" % (method, path, headers, content)
        left = deadline - monotonic()
        if left <= 0:
            break
        try:
            response = _ask(context, target, served, method, message, left, limit, client, discard=discard)
        except ServerFailedError as error:
            failure = error
            if error.dial_error is not None:
                context.ejections.dial_failed(target, error.dial_error)
            # A healthy server may reset the connection to refuse content.
            elif error.was_reset and not (error.sent and content):
                context.ejections.eject(target, str(error))
            if error.exhausted or (error.sent and method not in IDEMPOTENT_METHODS):
                break
            continue
        cookies = sender.extras.cookies if sender.extras is not None else b""
        sticky = served.sticky
        if sticky is not None and sticky.find_member(request) is not target:
            cookies += sticky.set_cookie_line(target)
        return response._replace(lines=response.lines + cookies)
    raise failure


class _Sender:
    """The sender of a subrequest, as the choice of members sees it."""

    __slots__ = ("extras", "peer")

    def __init__(self, peer: str) -> None:
        self.peer = peer
        self.extras: Extras | None = None


def _request(method: bytes, path: bytes, lines: bytes) -> Request:
    """Return the subrequest as a value, for strategies that look at it."""
    request = Request()
    request.method, request.target, request.headers = method, path, lines
    request.host = first_value(lines, b"host")
    request.version, request.content_length, request.size, request.kind = 1, -1, 0, 0
    request.chunked, request.keep_alive, request.upgrade = False, True, b""
    return request


def _find_service(context: ServiceAccess, name: str, request: Request, sender: _Sender) -> BalancedService:
    """Return the service whose servers take the request. Raises SubrequestError if there is none."""
    service = context.services.get(name)
    if service is None:
        raise SubrequestError(f"service {name} does not exist")
    for _ in range(MAX_COMPOSITION_DEPTH):
        if service is None or service.composite is None:
            break
        service = choose_member(service.composite, context.services, context.tickets, request, sender)
    if service is None or not service.rotation:
        raise SubrequestError(f"service {name} has no server")
    return service


def _targets(
    context: ServiceAccess, service: BalancedService, request: Request, peer: str
) -> Iterator[tuple[Target, BalancedService]]:
    """Yield the target that the service chooses, then its other targets, each with its current service."""
    target = (service.choose or choose_by_ticket)(service, context.tickets, request, peer)
    tried = []
    while True:
        yield target, service
        tried.append(target.endpoint)
        # The attempt may have ejected the server, or taken so long that the service has other servers now.
        service = context.services.get(service.name) or service
        left = [each for each in service.distinct if each.endpoint not in tried]
        if not left:
            return
        # Random order, so that no single server gets all requests of a failed one.
        shuffle(left)
        target = left[0]


def _ask(
    context: ServiceAccess,
    target: Target,
    service: BalancedService,
    method: bytes,
    message: bytes,
    timeout: float,
    limit: int,
    client: Waiting | None,
    *,
    discard: bool,
) -> WholeResponse:
    """Send the request to one server, and record the outcome as the exchange does."""
    endpoint = target.endpoint
    observed = service.choose is not None
    began = monotonic()
    endpoint.active += observed
    try:
        response = send_subrequest(target.pool, method, message, timeout, limit, client, discard=discard)
    except ContentTooLargeError:
        raise
    except SubrequestError as error:
        if isinstance(error, ServerFailedError) and error.exhausted:
            raise
        context.tallies.servers.count_failure(target)
        record_outcome(context.ejections, service.service, target, 0)
        if observed:
            endpoint.fail(monotonic())
        raise
    finally:
        endpoint.active -= observed
    record_outcome(context.ejections, service.service, target, response.status)
    if observed:
        now = monotonic()
        endpoint.observe(now, now - began)
    return response
