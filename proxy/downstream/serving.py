"""The serving loop of a client's connection: reads, handles and counts one request after the other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from time import monotonic, time

from proxy.downstream.client_side import ClientSide
from proxy.exchange.errors import ClientGoneError
from proxy.exchange.request_handler import handle_request
from proxy.http1.errors import RequestError
from proxy.http1.grpc_status import NO_GRPC_STATUS
from proxy.http1.request import Request
from proxy.telemetry.tallies import EXTENSION_METHOD, SERVER_ERROR_STATUS

RequestHandler = Callable[[ClientSide, Request], bool]
"""Responds to a request; returns whether the connection can take another. Raises ClientGoneError."""

CLIENT_GONE = 499
"""The status of a request whose client left before the response began, as in nginx and Traefik."""


def never(_first: bytes) -> bool:
    """Return False: no other protocol is spoken on these connections."""
    return False


def serve(
    downstream: ClientSide,
    handle: RequestHandler = handle_request,
    is_other: Callable[[bytes], bool] = never,
) -> bytes:
    """Handle requests until either side ends the connection, then close it, and return b"".

    If the client begins with no request, and `is_other` returns True for its first bytes, another protocol
    begins: return what was received of it, and leave the connection open.
    """
    first = b""
    context = downstream.context
    observer = downstream.observer
    tallies = context.tallies
    bounds, servers = tallies.bounds, tallies.servers
    label_set = downstream.label_set
    try:
        while True:
            try:
                request = downstream.next_request()
            except RequestError as error:
                if not downstream.status and is_other(downstream.buffer):
                    first = downstream.buffer
                    return first
                count_malformed(downstream, error.status)
                downstream.refuse_malformed(error)
                return b""
            if request is None:
                return b""
            context.requests = number = context.requests + 1
            downstream.status = CLIENT_GONE
            downstream.sent = 0
            # A middleware may change the request's target.
            target = request.target
            started = monotonic()
            try:
                goes_on = handle(downstream, request)
            finally:
                if downstream.extras is not None:
                    downstream.extras.run_end_calls()
                    downstream.extras = None
                seconds = monotonic() - started
                tally, status = downstream.tally, downstream.status
                if not request.kind:
                    counted_in = label_set
                else:
                    counted_in = tallies.label_sets.for_kind(label_set, request.kind, downstream.grpc_status)
                    if observer is None:
                        downstream.grpc_status = NO_GRPC_STATUS
                cell = tally.last
                if (
                    cell is None
                    or cell.status != status
                    or cell.label_set != counted_in
                    or cell.method != request.method
                ):
                    cell = tally.cell(counted_in, request.method, status)
                    if status >= SERVER_ERROR_STATUS:
                        tallies.recent_errors.append((time(), status, request.method, request.host, target))
                server = downstream.target
                if status != 101:
                    bucket = bisect_left(bounds, seconds)
                    cell.buckets[bucket] += 1
                    cell.seconds += seconds
                    cell.sent += downstream.sent
                    if server is not None:
                        server_cell = server.cell
                        if server_cell.status != status:
                            server_cell = servers.cell(server, status)
                        server_cell.buckets[bucket] += 1
                        server_cell.seconds += seconds
                        server_cell.changed = True
                else:
                    cell.unmeasured += 1
                    if server is not None:
                        servers.count_upgrade(server)
                tally.changed = True
                if observer is not None:
                    request.target = target
                    observer.add(downstream, request, started, seconds, number)
                    downstream.refused, downstream.retries, downstream.username = False, 0, b""
                    downstream.responder = ""
                    downstream.grpc_status = NO_GRPC_STATUS
                # So that the next request is not counted at a server that it never reached.
                downstream.target = None
                body = downstream.body
                if body is not None:
                    cell.received += body.received
                    downstream.body = None
            if not goes_on:
                if (
                    # The client does not expect the end, and may have sent its next request already.
                    (context.draining and request.keep_alive and request.version) or downstream.has_unread()
                ):
                    downstream.linger()
                return b""
            # An idle connection need not keep its last request.
            del request, target
    except ClientGoneError:
        return b""
    finally:
        if not first:
            downstream.stream.close()


def count_malformed(downstream: ClientSide, status: int) -> None:
    """Count and log what is no request, and is refused with this status."""
    context = downstream.context
    tallies = context.tallies
    downstream.tally = tally = tallies.unrouted
    tally.cell(downstream.label_set, EXTENSION_METHOD, status).unmeasured += 1
    tally.changed = True
    if downstream.observer is not None:
        downstream.observer.add_malformed(downstream, status, context.requests)
