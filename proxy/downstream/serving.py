"""The serving loop of a client's connection: reads, handles and counts one request after the other."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from time import monotonic, time

from proxy.downstream.connection import ClientConnection
from proxy.exchange.errors import ClientGoneError
from proxy.exchange.request_handler import handle_request
from proxy.http1.error_response import build_response
from proxy.http1.errors import RequestError
from proxy.http1.request import Request
from proxy.telemetry.tallies import EXTENSION_METHOD, SERVER_ERROR_STATUS
from proxy.tls.client_hello import HANDSHAKE

RequestHandler = Callable[[ClientConnection, Request], bool]
"""Responds to a request; returns whether the connection can take another. Raises ClientGoneError."""

CLIENT_GONE = 499
"""The status of a request whose client left before the response began, as in nginx and Traefik."""


def never() -> bool:
    """Return False: the entry point takes no TLS requests on plain connections."""
    return False


def serve(
    downstream: ClientConnection,
    handle: RequestHandler = handle_request,
    takes_tls: Callable[[], bool] = never,
) -> bytes:
    """Handle requests until either side ends the connection, then close it, and return b"".

    If the client begins with a TLS handshake, and `takes_tls` returns True, return the received part of its
    ClientHello, and leave the connection open.
    """
    hello = b""
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
                if not downstream.status and downstream.buffer.startswith(HANDSHAKE) and takes_tls():
                    hello = downstream.buffer
                    return hello
                downstream.tally = tally = tallies.unrouted
                tally.cell(label_set, EXTENSION_METHOD, error.status).unmeasured += 1
                tally.changed = True
                if observer is not None:
                    observer.add_malformed(downstream, error.status, context.requests)
                downstream.send(build_response(error.status, reason=error.reason))
                downstream.linger()
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
                counted_in = (
                    label_set if not request.kind else tallies.label_sets.for_kind(label_set, request.kind)
                )
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
                    observer.add(downstream, request, seconds, number)
                    downstream.refused, downstream.retries, downstream.username = False, 0, b""
                    downstream.responder = ""
                # So that the next request is not counted at a server that it never reached.
                downstream.target = None
                body = downstream.body
                if body is not None:
                    cell.received += body.received
                    downstream.body = None
            if not goes_on:
                if (
                    # The client does not expect the end, and may have sent its next request already.
                    (context.draining and request.keep_alive and request.version)
                    # In TLS, a client's close_notify is unread bytes, too.
                    or downstream.stream.unread
                ):
                    downstream.linger()
                return b""
            # An idle connection need not keep its last request.
            del request, target
    except ClientGoneError:
        return b""
    finally:
        if not hello:
            downstream.stream.close()
